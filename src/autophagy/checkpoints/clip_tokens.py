"""CLIP's tokens out of a checkpoint: its vocabulary and the pairs that are merged, and nothing else that files may say.

How texts are cut into words is CLIP's own and the same in every checkpoint, so the rules that a file may bring
(patterns, templates, code) are not read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autophagy.core.errors import DataError
from autophagy.core.settings import shown

from .files import digest_of, table_of

VOCABULARY, MERGES, WHOLE = "vocab.json", "merges.txt", "tokenizer.json"
LARGEST = 2**24  # bytes of a file; the published ones have 4 MB
START, END = "<|startoftext|>", "<|endoftext|>"


@dataclass(frozen=True)
class Tokens:
    """What a tokenizer knows.

    Attributes:
        numbers: of every token.
        merges: pairs of tokens that become one, the most usual first.
    """

    numbers: Mapping[str, int]
    merges: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class TokenFiles:
    """The files with a checkpoint's tokens: vocab.json beside merges.txt, else tokenizer.json."""

    who: str
    paths: tuple[Path, ...]

    @classmethod
    def of(cls, who: str, folder: Path) -> TokenFiles:
        """Raises DataError if the folder has none."""
        for names in ((VOCABULARY, MERGES), (WHOLE,)):
            paths = tuple(folder / name for name in names)
            if all(path.is_file() for path in paths):
                return cls(who, paths)
        raise DataError(
            f"{who}: {shown(str(folder), 200)} has no {VOCABULARY} with {MERGES} and no {WHOLE}, so texts cannot be "
            "read; name a checkpoint with its tokenizer."
        )

    def digest(self) -> str:
        """32 hex digits of all bytes that are read."""
        return digest_of(self.who, self.paths)

    def tokens(self) -> Tokens:
        """Raises DataError unless the files hold CLIP's kind of tokens."""
        table = table_of(self.who, self.paths[0], LARGEST)
        if len(self.paths) > 1:
            return Tokens(self._numbers(table), self._merges(line.split() for line in self._lines()))
        model = table.get("model")
        if not isinstance(model, dict) or model.get("type", "BPE") != "BPE":
            raise self._strange("no byte pair encoding")
        pairs = model.get("merges")
        if not isinstance(pairs, list):
            raise self._strange("no list of merges")
        return Tokens(
            self._numbers(model.get("vocab")),
            self._merges(pair.split() if isinstance(pair, str) else pair for pair in pairs),
        )

    def _lines(self) -> list[str]:
        """Of merges.txt, without its first one if that tells the version."""
        path = self.paths[1]
        try:
            with path.open("rb") as file:
                lines = file.read(LARGEST).decode().splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"{self.who}: {path} cannot be read as text: {error}; get it again.") from None
        return [line for i, line in enumerate(lines) if line.strip() and (i or not line.startswith("#version"))]

    def _numbers(self, found: Any) -> dict[str, int]:
        if not isinstance(found, dict) or not all(type(number) is int and number >= 0 for number in found.values()):
            raise self._strange("no table of tokens and their numbers")
        for token in (START, END):
            if token not in found:
                raise self._strange(f"no token {token}")
        return dict(found)

    def _merges(self, found: Iterable[Any]) -> tuple[tuple[str, str], ...]:
        merges = []
        for pair in found:
            if not isinstance(pair, list) or len(pair) != 2 or not all(isinstance(token, str) for token in pair):
                raise self._strange(f"a merge that is no pair of tokens, {shown(pair)}")
            merges.append((pair[0], pair[1]))
        return tuple(merges)

    def _strange(self, what: str) -> DataError:
        names = " with ".join(path.name for path in self.paths)
        return DataError(
            f"{self.who}: {names} in {self.paths[0].parent} has {what}; get the tokenizer of a CLIP again."
        )
