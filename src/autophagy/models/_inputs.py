"""What models ask of what they are handed: training sets and saved arrays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from autophagy.core.errors import Damaged, DataError, Diverged, listed
from autophagy.core.pool import Pool


def checked(train: Pool, model: str) -> np.ndarray:
    """Returns the samples if there are any."""
    if not len(train):
        raise DataError(f"model '{model}' needs at least 1 sample to learn from, but got 0.")
    return train.samples


def vectors(train: Pool, model: str) -> np.ndarray:
    """Returns the samples as `(n, d)` float64, all finite. Not to be written to: it may be the pool's own memory."""
    samples = np.asarray(checked(train, model), np.float64)
    if samples.ndim != 2 or not samples.shape[1]:
        raise DataError(f"model '{model}' needs vectors of shape (n, d), but got {samples.shape}.")
    finite = np.isfinite(samples)
    if not finite.all():
        bad = int((~finite.all(1)).sum())
        raise Diverged(f"model '{model}' got NaN or infinite values in {bad} of {len(samples)} samples.")
    return samples


def arrays(path: Path, *names: str) -> list[np.ndarray]:
    """Reads the named arrays of a safetensors file, in the order asked for."""
    try:
        found = load_file(path)
    except (OSError, SafetensorError) as problem:
        raise Damaged(f"{path.name} cannot be read as safetensors: {problem}.") from None
    if missing := [name for name in names if name not in found]:
        raise Damaged(f"{path.name} must hold the arrays {listed(names)}, but lacks {listed(missing)}.")
    return [found[name] for name in names]
