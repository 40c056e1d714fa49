"""autophagy trace"""

from __future__ import annotations

from typing import Annotated

import typer

from .options import STORE, Store


def trace(
    key: Annotated[str, typer.Argument(metavar="KEY", help="An artefact's key, or enough of its beginning.")],
    store: Store = STORE,
    depth: Annotated[int, typer.Option("--depth", min=1, max=100, help="How many steps back to show.")] = 6,
) -> None:
    """Show where an artefact comes from: who made it, from what, and what that was made from."""
    from .provenance import Provenance
    from .stores import opened
    from .terminal import show

    provenance = Provenance.of(opened(store))
    show(provenance.tree(provenance.resolve(key), depth))
