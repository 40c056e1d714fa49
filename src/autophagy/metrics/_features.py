"""What metrics of features share: features of both sides, and whether the encoder takes what the source gives."""

from __future__ import annotations

import numpy as np

from autophagy.core.generation import Generation
from autophagy.core.parts import Encoder, Source

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
