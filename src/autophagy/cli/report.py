"""autophagy report"""

from __future__ import annotations

from .options import STORE, RunName, Store


def report(name: RunName = None, store: Store = STORE) -> None:
    """Write a run's report, one HTML file that needs no network, and say where it is."""
    from .running import write_report
    from .stores import named

    write_report(store, named(store, name).name)
