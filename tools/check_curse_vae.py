"""Holds a finished run of `curse-vae` against the published trajectory: `python tools/check_curse_vae.py STORE`.

Shumailov et al. (2023), their public notebook: the spread of generation-0 codes of 100 images, five runs. Exit code 1
if a generation's mean is off by more than three of the published standard deviations, or of fewer than five runs.
"""

from __future__ import annotations

import sys
from statistics import mean

from autophagy import Run

PUBLISHED = {1: (0.688, 0.011), 2: (0.603, 0.006), 3: (0.534, 0.012), 4: (0.483, 0.009), 5: (0.443, 0.018)}
MOST = 3.0  # published standard deviations
RUNS = 5


def main(store: str) -> int:
    found: dict[int, list[float]] = {generation: [] for generation in PUBLISHED}
    for record in Run.read(store, "curse-vae").records():
        for name, value in record.scores.items():
            if name.endswith("latent-spread.spread") and record.generation in found:
                found[record.generation].append(value)
    is_held = True
    for generation, (published, deviation) in PUBLISHED.items():
        values = found[generation]
        off = (mean(values) - published) / deviation if values else float("inf")
        is_held &= abs(off) <= MOST and len(values) >= RUNS
        told = f"{mean(values):.3f} of {len(values)} runs" if values else "no run has come so far"
        print(
            f"generation {generation}: {told}; published {published:.3f} ± {deviation:.3f}, off by {off:+.1f} of these"
        )
    return 0 if is_held else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
