"""What every part must do. Run these on your own parts: `check(part)`, or `autophagy check NAME`."""

from __future__ import annotations

import dataclasses
import os
import pickle
from collections.abc import Callable
from dataclasses import dataclass

from autophagy.core.errors import AutophagyError, where
from autophagy.core.identity import fingerprint
from autophagy.core.parts import KINDS, Part
from autophagy.experiment.commands import told_by

from . import curator_claims, data_claims, loop_claims, model_claims
from .allowed import allowed


class CheckFailed(AutophagyError):
    """A claim that the part does not keep, as a sentence."""


@dataclass(frozen=True)
class Claim:
    """One sentence about every part of a kind, and the function that tries it."""

    sentence: str
    holds: Callable[..., str | None]  # None, or what went wrong


def check(part: Part, *, allow_commands: bool = False) -> list[str]:
    """Tries every claim about parts of this kind; returns them, or raises CheckFailed at the first that fails.

    A model that starts programs is tried only with `allow_commands`.
    """
    kind = next(kind for kind, base in KINDS.items() if isinstance(part, base))
    tried = allowed(part) if allow_commands else part
    for told in () if allow_commands else told_by(part):
        raise CheckFailed(
            f"{kind} '{part.name}' would start programs of this machine: {'; '.join(told)}; read them, and if you "
            "trust them say --allow-commands (in Python check(part, allow_commands=True))."
        )
    if lacking := part.lacking():
        raise CheckFailed(f"nothing was tried: {lacking}")
    kept: list[str] = []
    for claim in (*_ANY, *_CLAIMS[kind]):
        try:
            problem = claim.holds(part if claim in _ANY else tried)
        except Exception as error:
            raise CheckFailed(
                f"{kind} '{part.name}': {claim.sentence}: it raised {type(error).__name__}: {error}{_place(error)}"
            ) from error
        if problem:
            raise CheckFailed(f"{kind} '{part.name}': {claim.sentence}: {problem}.")
        kept.append(claim.sentence)
    return kept


def _place(error: Exception) -> str:
    """Where a part's own code raised it; nothing if it was a claim that did."""
    found = where(error)
    return "" if f"autophagy{os.sep}testing{os.sep}" in found else f" ({found})"


def _has_one_identity(part: Part) -> str | None:
    again = type(part)(**{field.name: getattr(part, field.name) for field in dataclasses.fields(part)})
    if fingerprint(part) != fingerprint(again) or part != again or hash(part) != hash(again):
        return "a copy with the same settings has another fingerprint, or is not equal"
    return None


def _travels(part: Part) -> str | None:
    copy = pickle.loads(pickle.dumps(part))  # noqa: S301 (our own bytes; workers get parts this way)
    return None if copy == part else "it is another part after a trip to a worker process"


_ANY = (
    Claim("equal settings have one identity", _has_one_identity),
    Claim("it can be sent to a worker process", _travels),
)
_CLAIMS: dict[str, tuple[Claim, ...]] = {
    "source": tuple(Claim(*claim) for claim in data_claims.SOURCE),
    "encoder": tuple(Claim(*claim) for claim in data_claims.ENCODER),
    "metric": tuple(Claim(*claim) for claim in data_claims.METRIC),
    "model": tuple(Claim(*claim) for claim in model_claims.MODEL),
    "loop": tuple(Claim(*claim) for claim in loop_claims.LOOP),
    "curator": tuple(Claim(*claim) for claim in curator_claims.CURATOR),
}
