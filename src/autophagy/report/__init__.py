"""One offline HTML page about a run, its figures, and a poster of it."""

from .write import poster, write

__all__ = ["poster", "write"]
