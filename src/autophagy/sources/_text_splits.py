"""Which documents are held out: said by the names of files or folders, else by a hash of each document's own name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

import numpy as np

from autophagy.core.errors import ConfigError
from autophagy.sources._listing import HELDOUT, TRAIN, place
from autophagy.sources._texts import SPLITS, Corpus
from autophagy.text.documents import Document

_FIRST = re.compile(r"[-_.]")  # what ends a split's name in `train-00000-of-00004.parquet`


def by_name(names: Sequence[str]) -> dict[str, bool] | None:
    """Of each file whether it is held out; None unless there are files of both splits.

    A file's split is its top folder (`train/…`) or the beginning of its name (`train.txt`,
    `test-00000-of-00002.jsonl`); a file of neither is not in the answer.
    """
    found = {name: split for name in names if (split := _split_of(name)) in (*TRAIN, *HELDOUT)}
    is_heldout = {name: split in HELDOUT for name, split in found.items()}
    return is_heldout if len(set(is_heldout.values())) == 2 else None


def by_hash(documents: Sequence[Document], share: float, digest: str) -> Corpus:
    """Documents are held out by a hash of their names, at least one and not all; of a lone one, stretches are."""
    if len(documents) == 1:
        return Corpus({"train": tuple(documents), "heldout": ()}, digest, stretches=share)
    places = np.array([place(document.name) for document in documents])
    is_heldout = places < share
    if 0 < share < 1 and len(documents) > 1:
        is_heldout[np.argmin(places)], is_heldout[np.argmax(places)] = True, False
    both = [
        tuple(document for document, is_held in zip(documents, is_heldout.tolist(), strict=True) if is_held == wanted)
        for wanted in (False, True)
    ]
    return Corpus(dict(zip(SPLITS, both, strict=True)), digest)


def check_share(share: float) -> None:
    """Raises ConfigError for a share that leaves nothing to train on."""
    if share == 1:
        raise ConfigError("heldout = 1 leaves nothing to train on; lower it.")


def _split_of(name: str) -> str:
    path = PurePosixPath(name)
    top = path.parts[0].lower() if len(path.parts) > 1 else ""
    return top if top in (*TRAIN, *HELDOUT) else _FIRST.split(path.name.lower())[0]
