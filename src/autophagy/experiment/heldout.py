"""Held-out real rows: those that metrics compare with, and others to compare these with."""

from __future__ import annotations

from dataclasses import replace

from autophagy.core.errors import PlanError

from . import reals
from .config import Arm
from .reals import Rows


def heldout(name: str, arm: Arm, samples: int) -> tuple[Rows, Rows]:
    """The reference, and the control: rows held out likewise, none of them in the reference."""
    endless = reals.HELDOUT_OF_A_STREAM
    total = endless if arm.source.size("heldout") is None else arm.source.size("heldout") or 0
    if not total and arm.metrics:
        raise PlanError(
            f"arm '{name}': metrics compare with held-out real data, but source '{arm.source.name}' holds out none; "
            "give it some (a folder: test beside train, or all in one with heldout = 0.2; texts that also stand in "
            "train are not held out)."
        )
    reference, control = _by_group(name, arm) if arm.reference_per_group else _plain(name, arm, total, samples)
    size = reals.count(reference)
    for metric in arm.metrics:
        if metric.fewest > min(size, samples):
            raise PlanError(
                f"arm '{name}': metric '{metric.name}' needs at least {metric.fewest} samples and reference rows, "
                f"but there are {samples} and {size}; raise samples or reference, or what the metric asks for."
            )
    return reference, control


def _plain(name: str, arm: Arm, total: int, samples: int) -> tuple[Rows, Rows]:
    size = arm.reference or min(total, max(1, total // 2))
    if size > total:
        raise PlanError(f"arm '{name}': reference = {size}, but source '{arm.source.name}' holds out {total}.")
    left = min(samples, total - size)
    return (
        Rows(arm.source, "heldout", -1, size).named(),
        Rows(arm.source, "heldout", -1, left, offset=size).named(),
    )


def _by_group(name: str, arm: Arm) -> tuple[Rows, Rows]:
    """So many of every group, or what it has; the control is as many of the next ones, where there are any."""
    wanted = arm.reference_per_group or 0
    if reals.group_sizes(arm.source, "heldout") is None:
        raise PlanError(
            f"arm '{name}': reference_per_group = {wanted} needs classes or captions, but source '{arm.source.name}' "
            "has none; say reference = … instead."
        )
    reference = Rows(arm.source, "heldout", -1, wanted, per_group=True, upto=True).named()
    control = Rows(arm.source, "heldout", -1, wanted, offset=wanted, per_group=True, upto=True)
    return reference, (control if reals.count(control) else replace(control, size=0)).named()
