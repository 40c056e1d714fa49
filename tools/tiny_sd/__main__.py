"""The command line of the making of `tiny-sd`."""

from __future__ import annotations

import argparse
from pathlib import Path

from .parts import Place


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.tiny_sd", description=__doc__)
    parser.add_argument("stage", choices=["clip", "autoencoder", "denoiser", "check", "curves"])
    parser.add_argument("--out", type=Path, default=Path("build"))
    parser.add_argument("--garments", help="folder of Fashion-MNIST's four IDX files")
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    place = Place(given.out, given.garments, given.threads)
    if given.stage == "clip":
        from .clip import train
    elif given.stage == "autoencoder":
        from .autoencoder import train
    elif given.stage == "denoiser":
        from .denoiser import train
    elif given.stage == "curves":
        from .curves import draw as train
    else:
        from .check import report as train
    train(place)


if __name__ == "__main__":
    main()
