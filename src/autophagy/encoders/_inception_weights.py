"""FID's Inception weights. The published file is opened by torch's loader for tensors, once its hash is right."""

from __future__ import annotations

import io

import numpy as np

from autophagy.core.errors import DataError, MissingPackage

from ._weights import Published

PATIENCE = 60  # seconds without a byte


def _downloaded(published: Published) -> bytes:
    from urllib.request import urlopen

    try:
        with urlopen(published.address, timeout=PATIENCE) as answer:  # noqa: S310 (ours, below)
            content: bytes = answer.read(published.size + 1)
    except OSError as error:
        raise DataError(
            f"{published.address} cannot be downloaded: {error}; get it on another machine and give it with --file."
        ) from None
    return content


def _tensors(content: bytes) -> dict[str, np.ndarray]:
    try:
        import torch
    except ImportError:
        raise MissingPackage(WEIGHTS.who, "torch", "torch") from None
    found = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    return {name: tensor.numpy() for name, tensor in found.items() if tensor.is_floating_point()}


WEIGHTS = Published(
    encoder="inception",
    address="https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/pt_inception-2015-12-05-6726825d.pth",
    sha256="6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
    size=95_628_359,
    download=_downloaded,
    tensors=_tensors,
)
