"""Features learned from images and their captions: CLIP's."""

from __future__ import annotations

from dataclasses import dataclass

from autophagy.core.abilities import ReadsTexts
from autophagy.core.catalog import register
from autophagy.core.parts import Encoder

from ._checkpoints import CheckpointEncoder
from .clip_text import ClipText


@register("clip")
@dataclass(frozen=True)
class Clip(CheckpointEncoder, ReadsTexts):
    """The embedding of an image in the space it shares with texts (Radford et al. 2021), not normalised.

    Images are resized, cropped and normalised as the checkpoint says; grey ones
    become RGB. The weights must be here: nothing is downloaded. They are known by
    a hash of their bytes, which is in every key. Needs the extra "transformers".

    Attributes:
        checkpoint: a local folder, or an id on Hugging Face's hub such as "openai/clip-vit-large-patch14".
        revision: the commit, 40 hex digits; every id needs one, so that the weights stay the same.
    """

    kind = "clip"

    def of_texts(self) -> Encoder:
        return ClipText(self.checkpoint, self.revision)
