"""Encoders out of a checkpoint in Hugging Face's format: where it lies, and a digest of what it is.

Nothing is downloaded: a checkpoint is a folder, or a commit that is in the hub's
cache already. Of its files only the two JSON ones and the safetensors are read.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from autophagy.core.errors import ConfigError, DataError, MissingPackage
from autophagy.core.identity import PLACE
from autophagy.core.parts import Encoder, Model, Source
from autophagy.core.settings import shown

from ._images import check_images

NEEDED = ("torch", "transformers", "huggingface_hub")
REPOSITORY = re.compile(r"[\w.-]{1,96}/[\w.-]{1,96}", re.ASCII)
COMMIT = re.compile(r"[0-9a-f]{40}")
CONFIG, PROCESSOR = "config.json", "preprocessor_config.json"
LARGEST_JSON = 2**20  # bytes

State = tuple[tuple[str, int, int, int], ...]  # name, bytes, time of the last writing and of the last change (ns)


@dataclass(frozen=True)
class CheckpointEncoder(Encoder):
    """Abstract: a vision transformer's features, from weights that the user names.

    Attributes:
        checkpoint: a local folder, or an id on Hugging Face's hub such as "facebook/dinov2-base".
        revision: the commit, 40 hex digits; every id needs one, so that the weights stay the same.

    Neither is part of a key: what lies there is.
    """

    takes = ("images",)
    kind: ClassVar[str]  # `model_type` of its config.json
    checkpoint: str = field(metadata={PLACE: True})
    revision: str | None = field(default=None, metadata={PLACE: True})

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.revision is not None and not COMMIT.fullmatch(self.revision):
            raise ConfigError(
                f"revision must be a commit of 40 hex digits, but is {shown(self.revision)}; a branch or tag may move."
            )

    @property
    def who(self) -> str:
        return f"encoder '{self.name}'"

    def objection(self, source: Source, model: Model) -> str | None:
        try:
            self._check_packages()
            self.files()
        except (MissingPackage, DataError) as trouble:
            return str(trouble)
        return None

    def content(self) -> str:
        folder = self._folder()
        return _digest(self.who, folder, self.kind, _state(self.who, folder))

    def files(self) -> Files:
        """The checkpoint's files. Raises DataError if they are not there, or are another kind of model's."""
        return Files.of(self.who, self._folder(), self.kind)

    def encode(self, samples: np.ndarray) -> np.ndarray:
        """Returns `(n, d)` float32 of uint8 images `(n, 1 or 3, h, w)`. Raises DataError for anything else."""
        check_images(samples, self.who)
        self._check_packages()
        from ._transformers import features, network

        return features(network(self.kind, self.files(), self.content()), samples)

    def _check_packages(self) -> None:
        for package in NEEDED:
            if find_spec(package) is None:
                raise MissingPackage(self.who, package, "transformers")

    def _folder(self) -> Path:
        try:
            folder = Path(self.checkpoint).expanduser()
            is_here = folder.is_dir()
        except (OSError, RuntimeError, ValueError):  # a name that no folder can have, or nobody's home
            is_here = False
        if is_here:
            if self.revision is not None:
                raise DataError(
                    f"{self.who}: {shown(self.checkpoint)} is a folder, which has no revision; leave it out."
                )
            return folder
        if not REPOSITORY.fullmatch(self.checkpoint):
            raise DataError(
                f"{self.who}: there is no folder {shown(self.checkpoint, 200)}; name one, or an id on the hub."
            )
        if self.revision is None:
            raise DataError(
                f"{self.who}: there is no folder {shown(self.checkpoint, 200)}, and an id on the hub needs a commit, "
                'so that the weights stay the same; say revision = "40 hex digits".'
            )
        return self._cached(self.revision)

    def _cached(self, revision: str) -> Path:
        try:
            from huggingface_hub import constants
        except ImportError:
            raise MissingPackage(self.who, "huggingface_hub", "transformers") from None
        try:
            return _snapshot(self.checkpoint, revision, constants.HF_HUB_CACHE)
        except (OSError, ValueError):  # not there, or no name that could be
            raise DataError(
                f"{self.who} needs {self.checkpoint} at {revision}, which is not in the hub's cache; "
                f"run: hf download {self.checkpoint} --revision {revision} --include '*.json' '*.safetensors'"
            ) from None


@lru_cache(maxsize=64)
def _snapshot(repository: str, revision: str, cache: str) -> Path:
    """The folder of a commit in the hub's cache, looked for once, since a plan asks often."""
    from huggingface_hub import snapshot_download

    return Path(snapshot_download(repository, revision=revision, cache_dir=cache, local_files_only=True))


@dataclass(frozen=True)
class Files:
    """What is read of a checkpoint."""

    who: str
    config: Path
    processor: Path
    weights: tuple[Path, ...]

    @classmethod
    def of(cls, who: str, folder: Path, kind: str) -> Files:
        """Raises DataError unless the folder holds such a model in safetensors."""
        single = folder / "model.safetensors"
        weights = (single,) if single.is_file() else tuple(sorted(folder.glob("model-*-of-*.safetensors")))
        found = cls(who, folder / CONFIG, folder / PROCESSOR, weights)
        absent = [path.name for path in (found.config, found.processor) if not path.is_file()]
        absent += [] if weights else ["model.safetensors"]
        if absent:
            raise DataError(
                f"{who}: {shown(str(folder), 200)} has no {' and no '.join(absent)}; "
                "name a checkpoint with safetensors."
            )
        said = found.json(found.config).get("model_type")
        if said != kind:
            raise DataError(f"{who}: {found.config} is of a {shown(said)}, not of a {kind}; name another checkpoint.")
        return found

    def json(self, path: Path) -> Mapping[str, Any]:
        """One of the two small files. Raises DataError if it is none."""
        try:
            with path.open("rb") as file:
                found = json.loads(file.read(LARGEST_JSON))
        except (OSError, ValueError, RecursionError) as error:
            raise DataError(
                f"{self.who}: {path} cannot be read as JSON: {shown(str(error), 200)}; get it again."
            ) from None
        if not isinstance(found, dict):
            raise DataError(f"{self.who}: {path} is no table of settings; get it again.")
        return found

    def digest(self) -> str:
        """32 hex digits of all bytes that are read, whatever the folder is called."""
        try:
            parts = [_hashed(path, *_stamp(path.stat())) for path in self._all()]
        except OSError as error:
            raise DataError(f"{self.who}: {error.filename} cannot be read: {error.strerror}; get it again.") from None
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]

    def _all(self) -> tuple[Path, ...]:
        return self.config, self.processor, *self.weights


def _state(who: str, folder: Path) -> State:
    """Of the files in a folder that may be read; another one if any of them has changed.

    Quick, since a plan asks once a turn. Raises DataError if it cannot be told.
    """
    try:
        with os.scandir(folder) as entries:
            ours = [entry for entry in entries if entry.name.endswith((CONFIG, ".safetensors")) and entry.is_file()]
            return tuple(sorted((entry.name, *_stamp(entry.stat())) for entry in ours))
    except OSError as error:
        raise DataError(f"{who}: {folder} cannot be read: {error.strerror}; get it again.") from None


def _stamp(found: os.stat_result) -> tuple[int, int, int]:
    """Of one file. The last time of change cannot be set, so that a copy with an old date is seen too."""
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns


@lru_cache(maxsize=64)
def _digest(who: str, folder: Path, kind: str, state: State) -> str:
    """A checkpoint's digest, looked for again only once the folder is in another state."""
    return Files.of(who, folder, kind).digest()


@lru_cache(maxsize=64)
def _hashed(path: Path, *stamp: int) -> str:
    """A file's sha256, worked out again only once the file has changed."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
