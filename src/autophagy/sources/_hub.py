"""Data sets through Hugging Face's `datasets`, of which only plain tables are taken: no code, no decoding.

Images come as encoded bytes and are decoded by our own rules, so a data set
cannot bring in another format, a larger image or a file from elsewhere.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from autophagy.core.errors import DataError, MissingPackage
from autophagy.core.settings import shown
from autophagy.images.look import Picture
from autophagy.sources import _listing, _metadata
from autophagy.sources._metadata import Conditions

Table = Any  # datasets.Dataset
PATIENCE = 10  # seconds
OLDEST = 4  # the first major version that cannot run a data set's own code
_may_ask = ContextVar("may_ask", default=True)


def load(who: str, path: str, config: str | None, revision: str | None) -> dict[str, Table]:
    """Returns the splits of a data set, downloaded or from the cache; `path` is an id on the hub or a folder."""
    try:
        import datasets
    except ImportError:
        raise MissingPackage(who, "datasets", "hub") from None
    if int(datasets.__version__.split(".")[0]) < OLDEST:
        raise DataError(f"{who} needs datasets {OLDEST} or newer, but found {datasets.__version__}; upgrade it.")
    try:
        with _without_waiting(path):
            found = datasets.load_dataset(path, config, revision=revision, streaming=False)
    except Exception as error:  # the library raises what its many parts raise
        reason = shown(str(error).strip().partition("\n")[0] or type(error).__name__, 200)
        raise DataError(
            f"{who} cannot load {shown(path)}: {reason}; check its name, the revision and the network."
        ) from None
    return dict(found)


@contextmanager
def unasked() -> Iterator[None]:
    """For as long as the block runs nobody asks the hub: there is the cache, or nothing."""
    before = _may_ask.set(False)
    try:
        yield
    finally:
        _may_ask.reset(before)


@contextmanager
def _without_waiting(path: str) -> Iterator[None]:
    """Where the hub does not answer, only the cache is looked into: the libraries would try for half a minute."""
    from huggingface_hub import constants

    before = constants.HF_HUB_OFFLINE
    is_asked = os.path.isdir(path) or (_may_ask.get() and _answers(constants.ENDPOINT))
    constants.HF_HUB_OFFLINE = before or not is_asked
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before


def _answers(endpoint: str) -> bool:
    from huggingface_hub import get_session

    try:
        get_session().head(endpoint, timeout=PATIENCE)
    except Exception:  # of whichever library it asks by
        return False
    return True


def stamp(path: str) -> int:
    """Changes when a file of a local data set does; 0 of one on the hub, whose files are kept by their content."""
    return _listing.stamp(Path(path)) if os.path.isdir(path) else 0


def pictures(table: Table, column: str, folder: str) -> list[Picture]:
    """The encoded images of a split; those that lie in files must lie in the data set's folder or the library's."""
    import datasets
    import huggingface_hub

    must_have(table, [column], folder)
    if not isinstance(table.features[column], datasets.Image):
        raise DataError(f"column {shown(column)} of {shown(folder)} holds no images; name one that does.")
    cells = table.select_columns([column]).cast_column(column, datasets.Image(decode=False))
    homes = [folder, datasets.config.HF_CACHE_HOME, huggingface_hub.constants.HF_HUB_CACHE]
    homes = [os.path.join(os.path.realpath(home), "") for home in homes]
    return [_picture(i, row[column], homes, folder) for i, row in enumerate(cells)]


def conditions(tables: Sequence[Table], label: str | None, caption: str | None, folder: str) -> list[Conditions]:
    """What is known of each table's images: captions if a caption column is named, else classes, else nothing."""
    column = caption or label
    if column is None:
        return [Conditions() for _ in tables]
    for table in tables:
        must_have(table, [column], folder)
    lines = [
        _metadata.Line(f"row {i} of split {split}", {column: value})
        for split, table in enumerate(tables)
        for i, value in enumerate(table[column][:])
    ]
    problems: list[str] = []
    known = _metadata.conditions(lines, column, problems, is_class=caption is None)
    if problems:
        raise DataError(f"in {shown(folder)} {problems[0]} ({len(problems)} such rows); name another column.")
    names = getattr(tables[0].features[column], "names", None)  # only a ClassLabel has them
    if names and known.classes:
        known = Conditions(known.column, {label: names[label] for label in known.classes})
    ends = np.cumsum([0, *(len(table) for table in tables)])
    return [known.take(np.arange(start, end)) for start, end in pairwise(ends)]


def _picture(row: int, cell: dict[str, Any] | None, homes: Sequence[str], folder: str) -> Picture:
    content, path = (cell or {}).get("bytes"), (cell or {}).get("path")
    if content is not None:
        return Picture(f"row {row}", content)
    if path is None:
        raise DataError(f"row {row} of {shown(folder)} has no image.")
    if not os.path.isfile(path) or not any(os.path.realpath(path).startswith(home) for home in homes):
        raise DataError(f"row {row} of {shown(folder)} names {shown(path)}, which is not one of its files.")
    return Picture(f"row {row}", Path(path))


def must_have(table: Table, columns: Sequence[str], folder: str) -> None:
    for column in columns:
        if column not in table.features:
            known = ", ".join(table.features)
            raise DataError(f"{shown(folder)} has no column {shown(column)}; it has: {known}.")
