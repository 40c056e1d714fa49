"""Medians of alternating runs, so that a drifting machine hurts both sides alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable


def paired(ours: Callable[[], object], theirs: Callable[[], object], *, runs: int = 5) -> tuple[float, float, float]:
    """Seconds of ours and theirs (medians), and the median of their ratios; one warm-up each."""
    ours(), theirs()
    rows = [(seconds(ours), seconds(theirs)) for _ in range(runs)]
    ratio = statistics.median(b / a for a, b in rows)
    return statistics.median(a for a, _ in rows), statistics.median(b for _, b in rows), ratio


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def both_times(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock, and of processor time over all threads."""
    began, spent = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - began, time.process_time() - spent


def told(what: str, ours: float, theirs: float, ratio: float, other: str, runs: int) -> str:
    return f"{what}: {ours * 1e3:,.1f} ms against {theirs * 1e3:,.1f} ms with {other}: {ratio:.1f}x (n = {runs})"
