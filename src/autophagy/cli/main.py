"""Where the command `autophagy` begins. Whatever happens, a person reads a sentence and not a traceback."""

from __future__ import annotations

import sys


def main() -> None:
    """Runs the command line and leaves with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal that cannot show λ shows "?" instead of failing
    try:
        from .app import app

        app()
    except KeyboardInterrupt:  # before a command had begun, or while Python was leaving
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()
