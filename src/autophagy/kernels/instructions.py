"""What this processor multiplies faster than float32: bfloat16 and int8, by way of torch.

torch is optional. It is loaded for this only where that takes less time than it saves.
"""

from __future__ import annotations

import importlib.util
import sys
from functools import cache

WORTH = {True: 1e8, False: 1e11}  # multiplications from which on torch is used, if it is loaded already and if not
HALVES = ("avx512_bf16", "amx_bf16")
BYTES = ("avx512_vnni", "avx_vnni", "amx_int8")


def multiplies(kinds: tuple[str, ...], work: float) -> bool:
    """Whether `work` multiplications are worth the processor's instructions for them, one of `kinds`."""
    return work >= WORTH["torch" in sys.modules] and not _capabilities().isdisjoint(kinds)


@cache
def _capabilities() -> frozenset[str]:
    if importlib.util.find_spec("torch") is None:
        return frozenset()
    import torch

    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]  # without it they are slow
        return frozenset()
    told: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()  # which older versions do not tell
    return frozenset(name for name, has in told.items() if has is True)
