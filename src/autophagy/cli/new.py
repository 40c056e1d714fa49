"""autophagy new"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer


def new(
    file: Annotated[Path, typer.Argument(metavar="[FILE]", help="The file to write.")] = Path("experiment.toml"),
) -> None:
    """Write a commented experiment to start from; it runs as it is."""
    from autophagy.core.errors import ConfigError, StoreError
    from autophagy.experiment.config import check_name

    from .template import TEMPLATE
    from .terminal import say

    check_name("experiment", file.stem)
    try:
        with file.open("x", encoding="utf-8") as opened:
            opened.write(TEMPLATE)
    except FileExistsError:
        raise ConfigError(f"{file} is there already and is left as it is; give another name.") from None
    except OSError as error:
        raise StoreError(f"{file} cannot be written: {error.strerror}.") from None
    quoted = shlex.quote(str(file))  # the commands are there to be copied
    say(f"wrote {file}; see what it will do: autophagy plan {quoted}, run it: autophagy run {quoted} --profile smoke")
