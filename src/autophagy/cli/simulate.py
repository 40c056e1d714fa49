"""autophagy simulate"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from autophagy.core.errors import ConfigError
from autophagy.core.settings import shown

from .options import Changes, On, Profile

Simulated = Annotated[
    str,
    typer.Argument(
        metavar="FILE", help="A TOML file, the name of a shipped recipe, or of a sweep (autophagy list recipe)."
    ),
]


def simulate(
    file: Simulated,
    profile: Profile = None,
    changes: Changes = None,
    replicates: Annotated[
        int | None,
        typer.Option(
            "--replicates", metavar="N", help="Lineages of every arm or cell; the sweep's own, or 2,000, if left out."
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option("--seed", metavar="N", help="Of all random numbers; the sweep's own, or 0, if left out."),
    ] = None,
    on: On = "auto",
    figure: Annotated[
        Path | None, typer.Option("--figure", metavar="PATH", help="Draw it too: a .png, .svg or .pdf.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print strict JSON instead of tables.")] = False,
    store: Annotated[
        Path | None,
        typer.Option(
            "--store", metavar="DIR", help="Keep a sweep's cells here; after a kill the same command goes on."
        ),
    ] = None,
) -> None:
    """Simulate thousands of lineages of a closed-form family at once, without drawing single points.

    Gaussians, frequencies, linear regression and kernel densities, under any loop; exact in distribution. A sweep
    follows every cell of a grid to the loop's limit and tells how many real samples that is worth.
    """
    from autophagy.simulate.files import is_sweep

    from .simulating import simulated, swept

    if figure is not None:
        from autophagy.simulate.figures import check_path, save

        check_path(figure)
    run = partial(swept, store=store) if is_sweep(file) else simulated
    if store is not None and run is simulated:
        raise ConfigError(f"--store keeps the cells of a sweep, and {shown(file, 200)} is none; leave it out.")
    found = run(file, profile=profile, changes=changes or (), replicates=replicates, seed=seed, on=on)
    if figure is not None:
        save(found.result, figure)
    if as_json:
        import json

        print(json.dumps(found.result.json(), indent=1, allow_nan=False))
    else:
        found.show()
