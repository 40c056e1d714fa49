"""Features whose squared distance is LPIPS: how different two images look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from autophagy.core.catalog import register
from autophagy.core.parts import Encoder
from autophagy.core.settings import Range
from autophagy.kernels.perceptual import embedded

from ._blocks import in_blocks
from ._images import check_images, resized

WHO = "encoder 'lpips'"
TOGETHER = 2**15  # pixels of the images that are worked on together, so that their patches stay in the cache


@register("lpips")
@dataclass(frozen=True)
class Lpips(Encoder):
    """‖e(x) − e(y)‖² is LPIPS 0.1 on AlexNet (Zhang et al. 2018), the variant most papers report.

    Images keep their size, as in the published code: the larger they are, the
    longer the features (31,872 numbers at 64 × 64, 640,128 at 256 × 256).
    Smaller ones are enlarged, since AlexNet leaves nothing of less than 31
    pixels; grey ones become RGB. `docs/encoders.md` says where the weights are from.

    Attributes:
        smallest: images whose shorter side has fewer pixels are enlarged to it (bilinear, proportions kept).
    """

    takes = ("images",)
    smallest: Annotated[int, Range(31, 1024)] = 64

    def encode(self, samples: np.ndarray) -> np.ndarray:
        """Returns `(n, d)` float32 of uint8 images `(n, 1 or 3, h, w)`. Raises DataError for anything else."""
        from ._alexnet import network, width

        check_images(samples, WHO)
        net, (height, across) = network(), self._size(*samples.shape[2:])

        def features(images: np.ndarray) -> np.ndarray:
            large = resized(images.astype(np.float32), height, across)
            return embedded(net.maps(np.broadcast_to(large, (len(large), 3, height, across))), net.heads)

        return in_blocks(samples, max(1, TOGETHER // (height * across)), width(height, across), features)

    def _size(self, height: int, width: int) -> tuple[int, int]:
        larger = max(1.0, self.smallest / min(height, width))
        return round(height * larger), round(width * larger)
