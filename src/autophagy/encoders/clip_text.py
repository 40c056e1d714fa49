"""Features of texts in the space that CLIP gives them together with images."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from autophagy.checkpoints.clip_tokens import MERGES, TokenFiles
from autophagy.checkpoints.place import WANTED, folder_of
from autophagy.core.catalog import register
from autophagy.core.errors import DataError
from autophagy.core.parts import Model, Source
from autophagy.core.settings import shown

from ._checkpoints import CheckpointEncoder


@register("clip-text")
@dataclass(frozen=True)
class ClipText(CheckpointEncoder):
    """The embedding of a text in the space it shares with images (Radford et al. 2021), not normalised.

    A text is read by the checkpoint's own tokenizer (vocab.json with merges.txt, else tokenizer.json), whose bytes are
    in every key beside the weights'; one that is too long for the model loses its end. Needs the extra "transformers".

    Attributes:
        checkpoint: a local folder, the name of a checkpoint that comes with this package, or an id on Hugging Face's
            hub such as "openai/clip-vit-base-patch32".
        revision: the commit, 40 hex digits; every id needs one, so that the weights stay the same.
    """

    takes = ("text",)
    kind = "clip"

    def objection(self, source: Source, model: Model) -> str | None:
        trouble = super().objection(source, model)
        if trouble is None:
            try:
                self.token_files()
            except DataError as problem:
                return str(problem)
        return trouble

    def content(self) -> str:
        both = super().content() + self.token_files().digest()
        return hashlib.sha256(both.encode()).hexdigest()[:32]

    def token_files(self) -> TokenFiles:
        """The tokenizer's files. Raises DataError if they are not there."""
        return TokenFiles.of(self.who, self._folder())

    def encode(self, samples: np.ndarray) -> np.ndarray:
        """Returns `(n, d)` float32 of `(n,)` texts. Raises DataError for anything else."""
        if samples.ndim != 1 or samples.dtype.kind != "U":
            got = f"{samples.dtype} of shape {shown(samples.shape)}"
            raise DataError(f"{self.who} takes texts (n,), but got {got}; encode captions with it.")
        self._check_packages()
        from ._texts import text_features
        from ._transformers import network

        net = network(self.kind, self.files(), super().content())
        return text_features(net, self.token_files(), samples)

    def _folder(self) -> Path:
        return folder_of(self.who, self.checkpoint, self.revision, (*WANTED, MERGES))
