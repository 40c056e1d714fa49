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
    from autophagy.core.errors import ConfigError, nearest
    from autophagy.encoders import _inception_weights

    from .terminal import say

    if name != "inception":
        raise ConfigError(f"there are no weights to get for '{name}'.{nearest(name, ['inception'])} Say: inception.")
    say(f"weights of encoder 'inception': {_inception_weights.install(file)}")
