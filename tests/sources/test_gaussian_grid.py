from __future__ import annotations

import numpy as np

from autophagy.core.seeds import Seed
from autophagy.sources.gaussian_grid import GaussianGrid


def test_the_default_is_the_usual_grid_of_25() -> None:
    modes = GaussianGrid().modes()
    assert sorted(map(tuple, modes.tolist())) == [(x, y) for x in (-4, -2, 0, 2, 4) for y in (-4, -2, 0, 2, 4)]
    assert GaussianGrid().spread() == 0.05


def test_every_mode_is_as_likely_as_any_other() -> None:
    grid, n = GaussianGrid(), 50_000
    x = grid.draw(n, Seed(("grid",)))
    nearest = np.rint(x / 2).astype(int) + 2  # (n, 2), 0–4
    counts = np.bincount(nearest[:, 0] * 5 + nearest[:, 1], minlength=25)
    z = (counts - n / 25) / np.sqrt(n / 25 * 24 / 25)
    assert np.abs(z).max() < 4


def test_samples_spread_by_the_deviation() -> None:
    x = GaussianGrid(deviation=0.1, side=1).draw(20_000, Seed(("spread",)))
    z = (x.var() / 0.01 - 1) / np.sqrt(2 / x.size)
    assert abs(z) < 4
