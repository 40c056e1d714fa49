"""Vision transformers by Hugging Face's transformers, given tensors and settings instead of a folder to search.

So nothing but what was hashed is read: no code, pickle, adapter or kernel that a
checkpoint may name, and no network. And nothing is built that is larger than
what lies in the files, whatever sizes the settings name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
import transformers
from safetensors.torch import load_file
from transformers.models.bit.image_processing_pil_bit import BitImageProcessorPil
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from autophagy.checkpoints.files import listed_in, numbers_in
from autophagy.checkpoints.guards import bare, check_layers, check_total, is_whole, quiet_transformers
from autophagy.core.errors import DataError
from autophagy.core.settings import shown

from ._checkpoints import Files
from ._torch_blocks import in_parallel

LARGEST_SIDE = 2048  # pixels that a checkpoint may ask an image to be resized, cropped or padded to

Tensor = torch.Tensor
COMPUTED: Mapping[str, Any] = {"attn_implementation": "sdpa", "dtype": torch.float32}


@dataclass(frozen=True)
class Kind:
    """How the library calls what a checkpoint is made of. Processors are Pillow's, whose numbers are the published."""

    config: Any
    model: Any
    processor: Any
    embed: Callable[[Any, Tensor], Tensor]  # (1, 3, h, w) → (1, d)


KINDS = {
    "dinov2": Kind(
        transformers.Dinov2Config,
        transformers.Dinov2Model,
        BitImageProcessorPil,
        lambda model, pixels: model(pixels).pooler_output,
    ),
    "clip": Kind(
        transformers.CLIPConfig,
        transformers.CLIPModel,
        CLIPImageProcessorPil,
        lambda model, pixels: model.get_image_features(pixels).pooler_output,
    ),
}


@dataclass(frozen=True)
class Network:
    """A model ready to be asked; `width` features an image."""

    kind: Kind
    model: Any
    processor: Any
    width: int = 0

    def encode(self, images: np.ndarray) -> Tensor:
        """uint8 `(n, 1 or 3, h, w)` → `(n, width)`."""
        colours = list(np.broadcast_to(images, (len(images), 3, *images.shape[2:])))
        found = self.processor(colours, input_data_format="channels_first", return_tensors="pt")
        return self.kind.embed(self.model, found["pixel_values"])


@lru_cache(maxsize=2)
def network(kind: str, files: Files, digest: str) -> Network:
    """The checkpoint's network, read once for each content. Raises DataError if it is not whole."""
    try:
        config, processor = bare(files.json(files.config)), bare(files.json(files.processor))
        _check_sides(files, processor)
        return _built(KINDS[kind], config, processor, files)
    except DataError:
        raise
    except Exception as error:  # the library raises what its many parts raise
        reason = shown(str(error).strip().partition("\n")[0] or type(error).__name__, 200)
        raise DataError(f"{files.who} cannot load {files.config.parent}: {reason}; get the checkpoint again.") from None


def features(net: Network, images: np.ndarray) -> np.ndarray:
    """uint8 `(n, 1 or 3, h, w)` → `(n, d)` float32, the same bits for an image whatever stands beside it.

    One image at a time, since a product of matrices gives a row other last bits
    in another place; an image is hundreds of rows, so little is lost.
    """
    return in_parallel(images, 1, net.width, net.encode)


def _built(kind: Kind, config: Mapping[str, Any], processor: Mapping[str, Any], files: Files) -> Network:
    check_layers(files.who, files.config, config, len(listed_in(files.weights)))
    with quiet_transformers():
        settings = kind.config.from_dict(config)
        check_total(
            files.who, files.config, lambda: kind.model._from_config(settings, **COMPUTED), numbers_in(files.weights)
        )
        # Cloned, since a product's last bits depend on where in memory its factors begin, as they lie in the file or
        # not.
        weights = {name: tensor.clone() for path in files.weights for name, tensor in load_file(path).items()}
        model, found = kind.model.from_pretrained(
            None, config=settings, state_dict=weights, **COMPUTED, output_loading_info=True
        )
        ready = Network(kind, model.eval(), kind.processor.from_dict(processor))
    absent = sorted(found["missing_keys"])
    if absent:
        raise DataError(
            f"{files.who}: {len(absent)} weights are not in {files.config.parent}, {shown(absent[0])} the first of "
            "them; name a whole checkpoint."
        )
    with torch.inference_mode():
        width = ready.encode(np.zeros((1, 3, 8, 8), np.uint8)).shape[1]
    return Network(kind, ready.model, ready.processor, width)


def _check_sides(files: Files, processor: Mapping[str, Any]) -> None:
    """Raises DataError for sizes that are none or would exhaust the machine."""
    for name in ("size", "crop_size", "pad_size"):
        size = processor.get(name)
        if size is None:
            continue
        sides = size.values() if isinstance(size, Mapping) else size if isinstance(size, list) else [size]
        if not all(side is None or (is_whole(side) and 0 < side <= LARGEST_SIDE) for side in sides):
            raise DataError(
                f"{files.who}: {files.processor} asks for images of {shown(size)} pixels; "
                f"whole numbers of at most {LARGEST_SIDE} a side can be had."
            )
