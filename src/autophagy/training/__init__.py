"""Training by gradient descent: one loop for every family, that a kill, a NaN or a full memory cannot spoil."""

from .average import Average
from .batches import Batches
from .first_weights import first_weights
from .loop import Course, Task, run
from .machine import autocast, device_of, moved, threads
from .muon import Muon
from .player import Player
from .rates import rate
from .short_products import widened
from .team import Alone, Team

__all__ = [
    "Alone",
    "Average",
    "Batches",
    "Course",
    "Muon",
    "Player",
    "Task",
    "Team",
    "autocast",
    "device_of",
    "first_weights",
    "moved",
    "rate",
    "run",
    "threads",
    "widened",
]
