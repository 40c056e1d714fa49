"""Gives every sample the colours of a real image: the control for a drift of colours alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np

from autophagy.core.catalog import register
from autophagy.core.errors import ConfigError, DataError
from autophagy.core.parts import Curator, Model, Source
from autophagy.core.pool import Pool
from autophagy.core.seeds import Seed
from autophagy.core.settings import Positive, Range, shown
from autophagy.kernels import colour
from autophagy.kernels.rows import blocks


@register("colour-match")
@dataclass(frozen=True)
class ColourMatch(Curator):
    """Matches histograms in Y′CbCr to the real image whose colours are nearest (Bohacek and Farid 2023).

    Channel by channel; nearest is the smallest Kullback–Leibler divergence KL(sample ‖ real) in nats,
    averaged over the channels, among the lineage's fixed real set; the first of
    equals. The colour space is JPEG's (BT.601, full range). Grey images have one
    channel. No sample is dropped. `docs/controls.md` has every choice.

    Attributes:
        bins: of a channel's histogram for the divergence, each 256 / bins levels wide; matching has 256 always.
        pseudocount: pixels added to every bin of both images, so that empty ones do not make a divergence infinite.
        within: look for the nearest among all real images, as in the paper, or among those of the sample's own caption
            or class: where captions ask for colours, another caption's are wrong ones.
    """

    takes = ("images",)
    bins: Annotated[int, Range(2, colour.LEVELS)] = colour.LEVELS
    pseudocount: Positive = 0.5
    within: Literal["all", "condition"] = "all"

    def __post_init__(self) -> None:
        super().__post_init__()
        if colour.LEVELS % self.bins:
            raise ConfigError(f"bins must divide {colour.LEVELS}, so that all are equally wide, but is {self.bins}.")

    def objection(self, source: Source, model: Model) -> str | None:
        if self.within == "all" or (model.conditional and source.conditions("train") is not None):
            return None
        return (
            f"curator '{self.name}' with within = \"condition\" needs captions or classes to draw samples for, but "
            f"source '{source.name}' or model '{model.name}' has none; say within = \"all\"."
        )

    def curate(self, fresh: Pool, *, real: Pool, founder: Pool, seed: Seed) -> Pool:
        """Raises DataError unless both are uint8 images, all grey or all RGB, with a real one for every sample."""
        _check(fresh.samples, real.samples)
        if not len(fresh):
            return fresh
        targets = colour.counts(real.samples)  # (m, c, 256)
        known = self._shares(targets)
        edited = np.empty_like(fresh.samples)
        for own, others in self._groups(fresh, real):
            for rows in blocks(len(own), colour.TOGETHER):
                shares = self._shares(colour.counts(fresh.samples[own[rows]]))
                for at, row in zip(own[rows], others[colour.nearest(shares, known[others])], strict=True):
                    edited[at] = colour.matched(fresh.samples[at], targets[row])
        return fresh.edited(edited)

    def _groups(self, fresh: Pool, real: Pool) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Rows of samples, each with the rows of the real images that they may be matched with."""
        if self.within == "all" or fresh.condition is None or real.condition is None:
            yield np.arange(len(fresh)), np.arange(len(real))
            return
        for group in np.unique(fresh.condition):
            others = np.flatnonzero(real.condition == group)
            if not len(others):
                raise DataError(
                    f"curator 'colour-match' has no real image of {shown(group.item())} to match colours with; "
                    'say within = "all", or take real images of every caption.'
                )
            yield np.flatnonzero(fresh.condition == group), others

    def _shares(self, pixels: np.ndarray) -> np.ndarray:
        return colour.shares(pixels, self.bins, self.pseudocount)


def _check(fresh: np.ndarray, real: np.ndarray) -> None:
    channels = {images.shape[1] if images.ndim == 4 else 0 for images in (fresh, real)}
    if len(channels) > 1 or not channels <= {1, 3} or {fresh.dtype, real.dtype} != {np.dtype(np.uint8)}:
        raise DataError(
            "curator 'colour-match' takes uint8 images (n, 1 or 3, height, width), samples and real ones alike, but "
            f"got {fresh.dtype} of shape {shown(fresh.shape)} and {real.dtype} of shape {shown(real.shape)}."
        )
    if not len(real):
        raise DataError("curator 'colour-match' has no real image to match colours with; give real = 1 or more.")
