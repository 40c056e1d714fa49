"""autophagy weights"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def weights(
    name: Annotated[str, typer.Argument(metavar="NAME", help="An encoder whose weights do not come with autophagy.")],
    file: Annotated[
        Path | None,
        typer.Option("--file", metavar="FILE", help="The published file, if it is here; else it is downloaded."),
    ] = None,
) -> None:
    """Get an encoder's weights, from a file or by downloading them, check them and keep them for all later runs."""
    from autophagy.core.errors import ConfigError, listed, nearest
    from autophagy.encoders import _inception_weights, _vgg16_weights

    from .terminal import say

    known = {each.encoder: each for each in (_inception_weights.WEIGHTS, _vgg16_weights.WEIGHTS)}
    if name not in known:
        raise ConfigError(
            f"there are no weights to get for '{name}'.{nearest(name, known)} There are: {listed(known)}."
        )
    say(f"weights of {known[name].who}: {known[name].install(file)}")
