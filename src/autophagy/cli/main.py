"""Where the command `autophagy` begins. Whatever happens, a person reads a sentence and not a traceback."""

from __future__ import annotations

import sys


def main() -> None:
    """Runs the command line and leaves with its exit code."""
    try:
        _spoken()
    except KeyboardInterrupt:  # before a command had begun, or while Python was leaving
        raise SystemExit(130) from None


def _spoken() -> None:
    from contextlib import suppress

    from .streams import Lost, Unread, let_go, outgoing

    sys.stdout, sys.stderr = outgoing(sys.stdout), outgoing(sys.stderr)
    try:
        _run()
    except Lost as lost:
        if not isinstance(lost, Unread):
            with suppress(Lost):
                print(f"autophagy: {lost}", file=sys.stderr)
        raise SystemExit(lost.exit_code) from None
    finally:
        for stream in (sys.stdout, sys.stderr):
            let_go(stream)


def _run() -> None:
    from .app import app

    try:
        app()
    finally:
        sys.stdout.flush()  # now, while a failure can still be told


if __name__ == "__main__":
    main()
