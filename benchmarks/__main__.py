"""Speed, each figure beside the alternative a user would pick, both in one run: `python -m benchmarks [NAME …]`.

Absolute times depend on the machine; ratios repeat. Every line says what was timed, how often, and on what.
"""

from __future__ import annotations

import importlib
import os
import platform
import sys

NAMES = (
    "start",
    "plan",
    "turn",
    "demo",
    "store",
    "simulate",
    "frechet",
    "features",
    "neighbours",
    "lpips",
    "inception",
    "lenet",
    "mixture",
    "vae_flow",
    "gans",
    "diffusion",
    "founder",
    "samplers",
    "latent",
    "language",
)


def main() -> int:
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # before NumPy is loaded: one thread for everybody
    chosen = sys.argv[1:] or NAMES
    unknown = set(chosen) - set(NAMES)
    if unknown:
        print(f"no benchmark named {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
        return 2
    print(f"{platform.machine()}, {os.cpu_count()} cores, one thread, Python {platform.python_version()}; medians\n")
    for name in chosen:
        for line in importlib.import_module(f"benchmarks.{name}").lines():
            print(f"{name:<11} {line}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
