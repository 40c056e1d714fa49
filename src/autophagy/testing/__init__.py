"""Conformance checks for parts, ours and other people's."""

from .checks import CheckFailed, Claim, check

__all__ = ["CheckFailed", "Claim", "check"]
