"""Ratios of generated to real."""

from __future__ import annotations


def match(ratio: float) -> float:
    """min(r, 1/r): 1 where nothing is lost or gained, so that too much is no better than too little; NaN stays NaN."""
    return 1 / ratio if ratio > 1 else ratio
