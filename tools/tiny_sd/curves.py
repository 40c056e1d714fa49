"""A picture of how the three losses went."""

from __future__ import annotations

import json

from matplotlib.figure import Figure

from .parts import Place

STAGES = {
    "clip": "tiny-clip: contrastive loss, nats",
    "autoencoder": "autoencoder: error and divergence",
    "denoiser": "denoiser: weighted squared error",
}


def draw(place: Place) -> None:
    """Writes curves.png beside the checkpoints; every point is the mean over a hundredth of the steps."""
    figure = Figure(figsize=(10, 2.8), layout="constrained")
    for axes, (name, title) in zip(figure.subplots(1, 3), STAGES.items(), strict=True):
        told = json.loads((place.out / f"{name}.json").read_text(encoding="utf-8"))
        losses = told["losses"]["loss"]
        axes.plot([told["steps"] * (i + 0.5) / len(losses) for i in range(len(losses))], losses)
        axes.set_title(title, fontsize=10)
        axes.set_xlabel("step")
        axes.set_yscale("log")
        axes.grid(alpha=0.3, which="both")
    figure.savefig(place.out / "curves.png", dpi=110)
