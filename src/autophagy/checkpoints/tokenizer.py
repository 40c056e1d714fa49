"""A tokenizer out of files: a `tokenizer.json`, a GGUF, or a folder as Hugging Face's libraries write it.

The files say what the tokens are and how texts fall into them; no code that may lie beside them is run.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from autophagy.core.errors import AutophagyError, DataError, MissingPackage
from autophagy.core.settings import shown

from .files import digest_of
from .language import PACKAGED, place_of
from .place import folder_of

WHOLE, GGUF = "tokenizer.json", ".gguf"
VOCABULARIES = (WHOLE, "vocab.json", "vocab.txt", "tokenizer.model", "spiece.model", "sentencepiece.bpe.model")
SETTINGS = ("merges.txt", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "config.json")
EXTRA = "text"  # of this package, with what is needed


def vocabulary(backend: Any) -> str:
    """32 hex digits of all tokens of a `tokenizers.Tokenizer` with their numbers, whatever file holds them."""
    tokens = sorted(backend.get_vocab(with_added_tokens=True).items())
    return hashlib.sha256(json.dumps(tokens).encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Tokenizer:
    """Turns texts into numbers and back; nothing is added, cut off or filled up.

    Attributes:
        backend: a `tokenizers.Tokenizer`.
    """

    backend: Any

    def encode(self, texts: Sequence[str]) -> list[np.ndarray]:
        """The tokens of each text, `(length,)` int32, without marks for its beginning and end."""
        found = self.backend.encode_batch_fast(list(texts), add_special_tokens=False)
        return [np.array(each.ids, np.int32) for each in found]

    def decode(self, rows: np.ndarray) -> list[str]:
        """The text of each row of tokens, without special ones; numbers that are no token are left out."""
        known = [[token for token in row if token >= 0] for row in rows.tolist()]
        return list(self.backend.decode_batch(known, skip_special_tokens=True))

    def number(self, token: str) -> int | None:
        """A token's number; None for what is none."""
        found = self.backend.token_to_id(token)
        return None if found is None else int(found)

    @cached_property
    def vocabulary(self) -> str:
        return vocabulary(self.backend)


@dataclass(frozen=True)
class TokenizerFiles:
    """The files of a tokenizer, none of them read yet."""

    who: str
    paths: tuple[Path, ...]

    @classmethod
    def of(cls, who: str, place: str, revision: str | None) -> TokenizerFiles:
        """Of a file, a folder, a model in a package, or an id on the hub at a cached commit. Raises DataError."""
        path = place_of(who, place, None) if place in PACKAGED else _file(place)
        if path is not None:
            if path.suffix.lower() not in (GGUF, ".json"):
                raise DataError(f"{who}: {shown(place, 200)} is no tokenizer; name a {WHOLE}, a GGUF or a folder.")
            if revision is not None:
                raise DataError(f"{who}: {shown(place, 200)} is a file, which has no revision; leave it out.")
            return cls(who, (path,))
        folder = folder_of(who, place, revision, (*VOCABULARIES, *SETTINGS), PACKAGED)
        paths = tuple(folder / name for name in (*VOCABULARIES, *SETTINGS) if (folder / name).is_file())
        if not any(path.name in VOCABULARIES for path in paths):
            raise DataError(
                f"{who}: {shown(str(folder), 200)} holds no tokenizer ({', '.join(VOCABULARIES[:3])} …); "
                f"name a folder that does, a {WHOLE} or a GGUF."
            )
        return cls(who, paths)

    def digest(self) -> str:
        """32 hex digits of all bytes that may be read."""
        return digest_of(self.who, self.paths)

    def tokenizer(self) -> Tokenizer:
        """Read once, and again when a byte has changed. Raises DataError, or MissingPackage."""
        return _read(self, self.digest())


@lru_cache(maxsize=8)
def _read(files: TokenizerFiles, digest: str) -> Tokenizer:
    needed = ("tokenizers", "transformers", *(["gguf"] if files.paths[0].suffix.lower() == GGUF else []))
    for package in needed:
        if find_spec(package) is None:
            raise MissingPackage(files.who, package, EXTRA)
    try:
        backend = _backend(files)
    except AutophagyError:
        raise
    except Exception as error:  # the libraries raise what their many parts raise
        reason = shown(str(error).strip().partition("\n")[0] or type(error).__name__, 200)
        raise DataError(
            f"{files.who}: no tokenizer can be read from {files.paths[0]}: {reason}; get it again."
        ) from None
    backend.no_truncation()
    backend.no_padding()
    backend.encode_special_tokens = True  # a sign that is spelled out in a text is letters, and ends nothing
    return Tokenizer(backend)


def _backend(files: TokenizerFiles) -> Any:
    import tokenizers

    first = files.paths[0]
    if first.suffix.lower() == GGUF:
        return _fast(files, gguf_file=first.name)
    if first.suffix == ".json" and not any(
        path.name in ("tokenizer_config.json", "config.json") for path in files.paths
    ):
        if first.name in VOCABULARIES[1:]:
            raise DataError(f"{files.who}: {first} lacks a tokenizer_config.json that says its kind; put it beside it.")
        return tokenizers.Tokenizer.from_file(str(first))
    return _fast(files)


def _fast(files: TokenizerFiles, **how: str) -> Any:
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    folder = files.paths[0].parent
    found = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False, **how)
    if not isinstance(found, PreTrainedTokenizerFast):
        raise DataError(
            f"{files.who}: {folder} has a tokenizer that only Python code can run; name one of another kind."
        )
    return found.backend_tokenizer


def _file(place: str) -> Path | None:
    try:
        path = Path(place).expanduser()
        return path if path.is_file() else None
    except (OSError, RuntimeError, ValueError):  # a name that no file can have, or nobody's home
        return None
