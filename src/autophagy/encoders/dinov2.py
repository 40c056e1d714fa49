"""Features learned from images alone: DINOv2's."""

from __future__ import annotations

from dataclasses import dataclass

from autophagy.core.catalog import register

from ._checkpoints import CheckpointEncoder


@register("dinov2")
@dataclass(frozen=True)
class Dinov2(CheckpointEncoder):
    """The class token after the last layer's norm (Oquab et al. 2024).

    Stein et al. 2023 found Fréchet distances of it nearer to people's judgement than FID.
    Images are resized, cropped and normalised as the checkpoint says; grey ones
    become RGB. The weights must be here: nothing is downloaded. They are known by
    a hash of their bytes, which is in every key. Needs the extra "transformers".

    Attributes:
        checkpoint: a local folder, or an id on Hugging Face's hub such as "facebook/dinov2-base".
        revision: the commit, 40 hex digits; every id needs one, so that the weights stay the same.
    """

    kind = "dinov2"
