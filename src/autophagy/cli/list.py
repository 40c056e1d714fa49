"""autophagy list"""

from __future__ import annotations

from typing import Annotated

import typer


def list_parts(
    kind: Annotated[
        str | None,
        typer.Argument(
            metavar="[KIND]", help="source, model, loop, curator, encoder, metric or recipe; all if left out."
        ),
    ] = None,
) -> None:
    """List every part there is, with one line and its settings; and the shipped recipes."""
    from autophagy.core.errors import ConfigError, listed, nearest
    from autophagy.core.parts import KINDS

    from .parts import show_parts, show_recipes

    kinds = [*KINDS, "recipe"]
    wanted = kind if kind is None or kind in kinds else kind.removesuffix("s")  # "models" will do
    if wanted is not None and wanted not in kinds:
        raise ConfigError(
            f"there is no kind of part named '{kind}'.{nearest(wanted, kinds)} There are: {listed(kinds)}."
        )
    for name in kinds if wanted is None else [wanted]:
        if name == "recipe":
            show_recipes()
        else:
            show_parts(name)
