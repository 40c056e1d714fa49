"""autophagy demo"""

from __future__ import annotations

from .options import STORE, On, Store


def demo(store: Store = STORE, on: On = "auto") -> None:
    """Watch a model collapse on real images within a minute, and read the report.

    Runs the shipped recipe 'demo' and writes its report.
    """
    from autophagy.experiment.read import read

    from .running import carried_out, write_report

    experiment = read("demo")
    is_whole = carried_out(experiment, store, on)
    write_report(store, experiment.name)
    if not is_whole:
        import typer

        raise typer.Exit(1)
