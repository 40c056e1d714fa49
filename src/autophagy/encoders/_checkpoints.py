"""Encoders out of a checkpoint in Hugging Face's format: which of its files are read, and a digest of them.

Of a checkpoint only its two JSON files and the safetensors are read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from autophagy.checkpoints.files import State, digest_of, state_of, table_of, weights_in
from autophagy.checkpoints.place import check_revision, folder_of
from autophagy.core.errors import DataError, MissingPackage
from autophagy.core.identity import PLACE
from autophagy.core.parts import Encoder, Model, Source, Space
from autophagy.core.settings import shown

from ._images import check_images

NEEDED = ("torch", "transformers", "huggingface_hub")
CONFIG, PROCESSOR = "config.json", "preprocessor_config.json"


@dataclass(frozen=True)
class CheckpointEncoder(Encoder):
    """Abstract: a vision transformer's features, from weights that the user names.

    Attributes:
        checkpoint: a local folder, the name of a checkpoint that comes with this package, or an id on Hugging Face's
            hub such as "facebook/dinov2-base".
        revision: the commit, 40 hex digits; every id needs one, so that the weights stay the same.

    Neither is part of a key: what lies there is.
    """

    takes: ClassVar[tuple[Space, ...]] = ("images",)
    kind: ClassVar[str]  # `model_type` of its config.json
    checkpoint: str = field(metadata={PLACE: True})
    revision: str | None = field(default=None, metadata={PLACE: True})

    def __post_init__(self) -> None:
        super().__post_init__()
        check_revision(self.revision)

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
        state = state_of(self.who, folder, lambda name: name.endswith((CONFIG, ".safetensors")))
        return _digest(self.who, folder, self.kind, state)

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
        return folder_of(self.who, self.checkpoint, self.revision)


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
        weights = weights_in(folder, "model")
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
        return table_of(self.who, path)

    def digest(self) -> str:
        """32 hex digits of all bytes that are read, whatever the folder is called."""
        return digest_of(self.who, (self.config, self.processor, *self.weights))


@lru_cache(maxsize=64)
def _digest(who: str, folder: Path, kind: str, state: State) -> str:
    """A checkpoint's digest, looked for again only once the folder is in another state."""
    return Files.of(who, folder, kind).digest()
