"""What fits had to do otherwise than their recipe has it, in a line for each such thing."""

from __future__ import annotations

from collections.abc import Iterable

from autophagy.core.generation import Record, remarked

from .terminal import count, say


def say_remarks(records: Iterable[Record]) -> None:
    for remark, where in remarked(records).items():
        first = where[0]
        more = f", and in {count(len(where) - 1, 'other turn')}" if len(where) > 1 else ""
        say(f"remark: {remark}: {first.arm}, seed {first.seed}, generation {first.generation}{more}.")
