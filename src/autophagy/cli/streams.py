"""Standard output and error that say themselves when they fail: nobody need guess whose an OSError was.

Neither of our errors is a BrokenPipeError or has its number, for which rich and typer end a command with a code of
their own.
"""

from __future__ import annotations

import io
import os
from typing import NoReturn, TextIO


class Lost(OSError):
    """What a command says arrives nowhere."""

    exit_code = 1


class Unread(Lost):
    """Whoever read the output has gone, and needs no sentence."""

    exit_code = 141


class Unwritten(Lost):
    """The output cannot be written; the text says why."""


class Stream(io.TextIOWrapper):
    """A stream of text on the bytes of another one. Raises Unread or Unwritten."""

    def write(self, text: str, /) -> int:
        try:
            return super().write(text)
        except OSError as error:
            _lose(error)

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            _lose(error)


def _lose(error: OSError) -> NoReturn:
    if isinstance(error, BrokenPipeError):
        raise Unread from None
    raise Unwritten(
        f"the output cannot be written: {error.strerror}; send it elsewhere and run the same command again."
    ) from None


def outgoing(stream: TextIO | None) -> TextIO:
    """The same stream, with our errors; one that leads nowhere in place of one that was closed from the start."""
    if stream is None:  # `>&-`; left closed, its number would go to the next file, and what others print into it
        return open(os.devnull, "w", encoding="utf-8")
    if not isinstance(stream, io.TextIOWrapper):
        return stream
    return Stream(
        stream.buffer,
        encoding=stream.encoding,
        errors="replace",  # a terminal that cannot show λ shows "?" instead of failing
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )


def let_go(stream: TextIO) -> None:
    """Flushes; what cannot be written goes nowhere, so that Python does not fail over it while it leaves."""
    try:
        stream.flush()
    except Lost:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), stream.fileno())
