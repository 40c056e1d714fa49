"""Where a checkpoint lies: in a folder, in this package, or in the hub's cache. Nothing is downloaded."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from autophagy.core.errors import ConfigError, DataError, MissingPackage, listed
from autophagy.core.settings import shown

SHIPPED = Path(__file__).parents[1] / "data"
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
MARKS = ("model_index.json", "config.json")  # one of them is in every checkpoint
REPOSITORY = re.compile(r"[\w.-]{1,96}/[\w.-]{1,96}", re.ASCII)
COMMIT = re.compile(r"[0-9a-f]{40}")
WANTED = ("*.json", "*.safetensors")


def check_revision(revision: str | None) -> None:
    """Raises ConfigError for what is no commit."""
    if revision is not None and not COMMIT.fullmatch(revision):
        raise ConfigError(
            f"revision must be a commit of 40 hex digits, but is {shown(revision)}; a branch or tag may move."
        )


def shipped() -> dict[str, Path]:
    """The checkpoints that come with this package, by name."""
    if not SHIPPED.is_dir():
        return {}
    folders = sorted(path for path in SHIPPED.iterdir() if NAME.fullmatch(path.name))
    return {path.name: path for path in folders if any((path / mark).is_file() for mark in MARKS)}


def folder_of(
    who: str,
    checkpoint: str,
    revision: str | None,
    wanted: tuple[str, ...] = WANTED,
    known: Iterable[str] | None = None,
) -> Path:
    """Returns the folder of a checkpoint: one of ours by its name, a local folder, or an id at a commit in the cache.

    A name of ours comes before a folder of the same name, which can be had as "./name". `wanted` are the files that
    somebody whose cache lacks them is told to get, and `known` the names that people are reminded of (ours if absent).
    Raises DataError if there is no such folder.
    """
    folder = _ours(checkpoint) or _local(checkpoint)
    if folder is not None:
        if revision is not None:
            raise DataError(f"{who}: {shown(checkpoint)} is a folder, which has no revision; leave it out.")
        return folder
    if not REPOSITORY.fullmatch(checkpoint):
        names = listed(shipped() if known is None else known)
        told = "" if names == "none" else f" ({'ours' if known is None else 'by name'}: {names})"
        raise DataError(f"{who}: there is no folder {shown(checkpoint, 200)}; name one, or an id on the hub{told}.")
    if revision is None:
        raise DataError(
            f"{who}: there is no folder {shown(checkpoint, 200)}, and an id on the hub needs a commit, "
            'so that the weights stay the same; say revision = "40 hex digits".'
        )
    return _cached(who, checkpoint, revision, wanted)


def _ours(checkpoint: str) -> Path | None:
    """Looked for by name alone, since a plan asks often."""
    if not NAME.fullmatch(checkpoint):
        return None
    folder = SHIPPED / checkpoint
    return folder if any((folder / mark).is_file() for mark in MARKS) else None


def _local(checkpoint: str) -> Path | None:
    try:
        folder = Path(checkpoint).expanduser()
        return folder if folder.is_dir() else None
    except (OSError, RuntimeError, ValueError):  # a name that no folder can have, or nobody's home
        return None


def _cached(who: str, checkpoint: str, revision: str, wanted: tuple[str, ...]) -> Path:
    try:
        from huggingface_hub import constants
    except ImportError:
        raise MissingPackage(who, "huggingface_hub", "transformers") from None
    try:
        return _snapshot(checkpoint, revision, constants.HF_HUB_CACHE)
    except (OSError, ValueError):  # not there, or no name that could be
        patterns = " ".join(f"'{pattern}'" for pattern in wanted)
        raise DataError(
            f"{who} needs {checkpoint} at {revision}, which is not in the hub's cache; "
            f"run: hf download {checkpoint} --revision {revision} --include {patterns}"
        ) from None


@lru_cache(maxsize=64)
def _snapshot(repository: str, revision: str, cache: str) -> Path:
    """The folder of a commit in the hub's cache, looked for once, since a plan asks often."""
    from huggingface_hub import snapshot_download

    return Path(snapshot_download(repository, revision=revision, cache_dir=cache, local_files_only=True))
