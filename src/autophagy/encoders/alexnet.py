"""Learned features that come with the package: AlexNet's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np

from autophagy.core.catalog import register
from autophagy.core.parts import SpatialEncoder
from autophagy.core.settings import Range

from ._blocks import in_blocks
from ._images import check_images, square_rgb

WHO = "encoder 'alexnet'"
TOGETHER = 2**15  # pixels of the images that are worked on together, so that their patches stay in the cache


@register("alexnet")
@dataclass(frozen=True)
class AlexNet(SpatialEncoder):
    """A convolution's maps after their ReLU, each averaged over its positions (Krizhevsky 2014), ImageNet's weights.

    The whole frame is resized to side × side by an antialiased triangle filter
    and normalised with ImageNet's mean and standard deviation; grey images
    become RGB. It works in NumPy. `docs/encoders.md` says why these defaults.

    Attributes:
        layer: relu1 … relu5 have 64, 192, 384, 256 and 256 features.
        side: pixels.
    """

    takes = ("images",)
    layer: Literal["relu1", "relu2", "relu3", "relu4", "relu5"] = "relu3"
    side: Annotated[int, Range(31, 1024)] = 96

    def encode(self, samples: np.ndarray) -> np.ndarray:
        """Returns `(n, d)` float32 of uint8 images `(n, 1 or 3, h, w)`. Raises DataError for anything else."""
        from ._alexnet import MAPS, network

        check_images(samples, WHO)
        net, layer = network(), int(self.layer.removeprefix("relu"))

        def features(images: np.ndarray) -> np.ndarray:
            return np.asarray(net.maps(square_rgb(images, self.side), layer)[-1].mean((1, 2)))

        return in_blocks(samples, max(1, TOGETHER // self.side**2), MAPS[layer - 1], features)

    def maps(self, samples: np.ndarray) -> np.ndarray:
        """Returns `(n, d, h, w)` float32, of which `encode` is the mean; relu1 has h = w = (side − 3) // 4."""
        from ._alexnet import MAPS, network, sizes

        check_images(samples, WHO)
        net, layer = network(), int(self.layer.removeprefix("relu"))
        shape = (*sizes(self.side, self.side)[layer - 1], MAPS[layer - 1])  # (h, w, d)

        def flat(images: np.ndarray) -> np.ndarray:
            return net.maps(square_rgb(images, self.side), layer)[-1].reshape(len(images), -1)

        found = in_blocks(samples, max(1, TOGETHER // self.side**2), int(np.prod(shape)), flat)
        return found.reshape(len(samples), *shape).transpose(0, 3, 1, 2)
