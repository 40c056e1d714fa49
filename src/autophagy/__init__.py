"""A laboratory for self-consuming generative loops.

    from autophagy import Experiment
    run = Experiment.read("demo").run("autophagy-runs")

Names are loaded when they are first used, so that `import autophagy` is instant.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .api import Experiment, Run, score
    from .archive.disk import DiskStore
    from .archive.store import MemoryStore
    from .core.catalog import register
    from .core.mixture import FRESH, REAL, Draw, Mixture, drawn
    from .core.pool import Pool
    from .core.workspace import Machine
    from .experiment.config import Arm, Probe

_HOMES = {
    "Arm": "experiment.config",
    "DiskStore": "archive.disk",
    "Draw": "core.mixture",
    "Experiment": "api",
    "FRESH": "core.mixture",
    "Machine": "core.workspace",
    "MemoryStore": "archive.store",
    "Mixture": "core.mixture",
    "Pool": "core.pool",
    "Probe": "experiment.config",
    "REAL": "core.mixture",
    "Run": "api",
    "drawn": "core.mixture",
    "register": "core.catalog",
    "score": "api",
}
__all__ = [
    "FRESH",
    "REAL",
    "Arm",
    "DiskStore",
    "Draw",
    "Experiment",
    "Machine",
    "MemoryStore",
    "Mixture",
    "Pool",
    "Probe",
    "Run",
    "drawn",
    "register",
    "score",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'autophagy' has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)
