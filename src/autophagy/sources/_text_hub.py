"""Text data sets through Hugging Face's `datasets`, of which one column of strings is taken."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from autophagy.core.errors import DataError, listed
from autophagy.core.parts import Source
from autophagy.core.settings import Fraction, shown
from autophagy.sources import _hub, _text_splits
from autophagy.sources._texts import SPLITS, Corpus, TextSource
from autophagy.text.documents import Document, Unreadable, told

USUAL = ("test", "validation")  # splits that are held out where nothing is said


@dataclass(frozen=True)
class Where:
    """A data set's text, by name; see the fields of `text-hub`."""

    who: str
    path: str
    config: str | None
    revision: str | None
    column: str
    train_split: str
    heldout_split: str | None
    heldout: float
    join: str | None


@dataclass(frozen=True, kw_only=True)
class HubTexts(TextSource):
    """Abstract: a text data set on the hub or in a folder of its layout.

    Attributes:
        revision: a commit, so that the data stay the same.
        train_split: the split to train on.
        heldout_split: the split that is held out; by default `test` or `validation`, and where there is neither, a
            share of the rows, chosen by a hash of their numbers (of a joined document, stretches of passages). Where
            `test` is held out and nothing is said, fits that choose among several do so by `validation`.
        heldout: that share, 0–1.
    """

    revision: str | None = None
    train_split: str = "train"
    heldout_split: str | None = None
    heldout: Fraction = 0.2

    def __post_init__(self) -> None:
        super().__post_init__()
        _text_splits.check_share(self.heldout)

    @abstractmethod
    def where(self) -> Where:
        """The data set and its column; what all hub sources have is in `_where`."""

    def _where(self, path: str, config: str | None, column: str, join: str | None) -> Where:
        return Where(
            self.who, path, config, self.revision, column, self.train_split, self.heldout_split, self.heldout, join
        )  # fmt: skip

    def for_choosing(self) -> Source | None:
        is_usual = self.heldout_split is None and self.train_split not in USUAL
        has_both = is_usual and set(USUAL) <= _splits(self.where(), _hub.stamp(self.where().path))
        return replace(self, heldout_split=USUAL[1]) if has_both else None

    def corpus(self) -> Corpus:
        return _read(self.where(), _hub.stamp(self.where().path))

    def place(self) -> str:
        return shown(self.where().path, 120)


@lru_cache(maxsize=4)
def _splits(where: Where, stamp: int) -> frozenset[str]:
    return frozenset(_hub.load(where.who, where.path, where.config, where.revision))


@lru_cache(maxsize=4)
def _read(where: Where, stamp: int) -> Corpus:
    found = _hub.load(where.who, where.path, where.config, where.revision)
    held = where.heldout_split or next((name for name in USUAL if name in found), None)
    for name in (where.train_split, held):
        if name is not None and name not in found:
            raise DataError(f"{where.who}: {shown(where.path)} has no split {shown(name)}; it has: {listed(found)}.")
    is_split = held is not None and held != where.train_split
    names = [where.train_split, *([held] if is_split and held else [])]
    texts = {name: _texts(where, name, found[name]) for name in names}
    hasher = hashlib.sha256(repr((names, where.join)).encode())
    for name in names:
        hasher.update(repr(texts[name]).encode())
    digest = hasher.hexdigest()[:32]
    if not is_split:
        return _text_splits.by_hash(_documents(texts[where.train_split], where.join), where.heldout, digest)
    return Corpus(
        {split: _documents(texts[name], where.join) for split, name in zip(SPLITS, names, strict=True)}, digest
    )


def _texts(where: Where, split: str, table: _hub.Table) -> list[str]:
    import datasets

    _hub.must_have(table, [where.column], where.path)
    feature = table.features[where.column]
    if not isinstance(feature, datasets.Value) or feature.dtype not in ("string", "large_string"):
        raise DataError(
            f"{where.who}: column {shown(where.column)} of {shown(where.path)} holds no texts; name one that does."
        )
    try:
        return told(table[where.column][:], where.column, f"split {shown(split)} row")
    except Unreadable as problem:
        raise DataError(f"{where.who}: {shown(where.path)}: {problem}; name another column.") from None


def _documents(texts: Sequence[str], join: str | None) -> tuple[Document, ...]:
    if join is not None:
        return (Document("", join.join(texts)),)
    return tuple(Document(f"row {i}", text) for i, text in enumerate(texts))
