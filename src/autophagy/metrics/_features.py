"""What metrics of features share: features of both sides, and whether the encoder takes what the source gives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autophagy.core.generation import Generation
from autophagy.core.identity import part_key
from autophagy.core.parts import Encoder, Source
from autophagy.kernels.neighbours import Balls, balls, radii
from autophagy.kernels.rows import is_measurable, some

from ._alike import check_alike


def misfit(who: str, encoder: Encoder, source: Source) -> str | None:
    """A sentence if the encoder does not take the source's space."""
    if source.space in encoder.takes:
        return None
    return (
        f"metric '{who}' has the encoder '{encoder.name}', which takes {' or '.join(encoder.takes)}, "
        f"but source '{source.name}' gives {source.space}; choose another encoder."
    )


def encoded(who: str, generation: Generation, encoder: Encoder) -> tuple[np.ndarray, np.ndarray]:
    """Returns the features of the samples `(n, d)` and of the reference `(m, d)`."""
    check_alike(who, generation.samples, generation.reference)
    return generation.encode(encoder, generation.samples), generation.encode(encoder, generation.reference)


@dataclass(frozen=True)
class Manifold:
    """What k-th neighbours say of samples and reference; all NaN where a side has k rows or fewer."""

    precision: float
    recall: float
    density: float
    coverage: float
    zero_radii: float
    reference_zero_radii: float


def manifold(who: str, generation: Generation, encoder: Encoder, k: int, limit: int) -> Manifold:
    """Works out precision, recall, density and coverage in one pass, whichever metric asks first."""
    fake, real = (some(rows, limit) for rows in encoded(who, generation, encoder))
    if min(len(fake), len(real)) <= k or not (is_measurable(fake) and is_measurable(real)):
        return Manifold(*[float("nan")] * 6)
    what, remembered = (part_key(encoder), k, limit), generation.features.remembered
    pools = (generation.reference, generation.samples)

    def numbers() -> np.ndarray:
        fake_radii = radii(fake, k)
        real_radii = remembered(("radii", *what), pools[:1], lambda: radii(real, k))
        return _summary(balls(fake, real, fake_radii, real_radii), fake_radii, real_radii, k)

    return Manifold(*remembered(("manifold", *what), pools, numbers).tolist())


def _summary(found: Balls, fake_radii: np.ndarray, real_radii: np.ndarray, k: int) -> np.ndarray:
    shares = [found.precise.mean(), found.recalled.mean(), found.density.mean() / k, found.covered.mean()]
    return np.array([*shares, np.count_nonzero(fake_radii == 0), np.count_nonzero(real_radii == 0)], np.float64)
