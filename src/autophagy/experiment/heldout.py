"""Held-out real rows: those that metrics compare with, others to compare these with, and those that fits choose by."""

from __future__ import annotations

from dataclasses import replace

from autophagy.core.abilities import Validated
from autophagy.core.errors import PlanError
from autophagy.core.parts import Encoder, Metric

from . import reals
from .config import Arm
from .reals import Rows


def heldout(name: str, arm: Arm, samples: int) -> tuple[Rows, Rows, Rows | None]:
    """The reference, the control and the rows that fits choose by, if they do: rows held out, none of them twice."""
    endless = reals.HELDOUT_OF_A_STREAM
    total = endless if arm.source.size("heldout") is None else arm.source.size("heldout") or 0
    size = arm.reference or min(total, max(1, total // 2))  # whatever fits choose by, so that arms can be compared
    validation = _validation(name, arm, total, size)
    if validation is not None and validation.source is arm.source:
        total = validation.offset
    if not total and arm.metrics:
        raise PlanError(
            f"arm '{name}': metrics compare with held-out real data, but source '{arm.source.name}' holds out none; "
            "give it some (a folder: test beside train, or all in one with heldout = 0.2; texts that also stand in "
            "train are not held out)."
        )
    reference, control = _by_group(name, arm) if arm.reference_per_group else _plain(name, arm, total, size, samples)
    there = reals.count(reference)
    for metric in arm.metrics:
        _check_encoder(name, metric, there, total)
        if metric.fewest > min(there, samples):
            raise PlanError(
                f"arm '{name}': metric '{metric.name}' needs at least {metric.fewest} samples and reference rows, "
                f"but there are {samples} and {there}; raise samples or reference, or what the metric asks for."
            )
    return reference, control, validation


def _check_encoder(name: str, metric: Metric, there: int, total: int) -> None:
    encoder = getattr(metric, "encoder", None)
    if isinstance(encoder, Encoder) and there < encoder.fewest:
        raise PlanError(
            f"arm '{name}': encoder '{encoder.name}' of metric '{metric.name}' is fitted on at least {encoder.fewest} "
            f"reference rows, but there are {there}; raise reference, hold out more (of the source {total} rows are), "
            "or ask for less of the encoder."
        )


def _validation(name: str, arm: Arm, total: int, reference: int) -> Rows | None:
    """Of a split of their own where the source has one, else the last of what is held out."""
    wanted = arm.model.validation_rows if isinstance(arm.model, Validated) else 0
    if not wanted:
        return None
    if (own := arm.source.for_choosing()) is not None:
        if wanted > (there := own.size("heldout") or 0):
            raise PlanError(
                f"arm '{name}': model '{arm.model.name}' chooses by {wanted} rows, but source '{arm.source.name}' has "
                f"{there} for that; ask for fewer."
            )
        return Rows(own, "heldout", -1, wanted).named()
    if arm.reference_per_group:
        raise PlanError(
            f"arm '{name}': model '{arm.model.name}' chooses by held-out rows, which cannot be set aside from a "
            "reference by group; say reference = … in place of reference_per_group."
        )
    if arm.source.size("heldout") is None:
        return Rows(arm.source, "heldout", -1, wanted, offset=total).named()
    if reference + wanted > total:
        raise PlanError(
            f"arm '{name}': model '{arm.model.name}' chooses by {wanted} held-out rows that are not in the reference, "
            f"but source '{arm.source.name}' holds out {total}, of which the reference takes {reference}; lower "
            "reference, or the rows that it chooses by."
        )
    return Rows(arm.source, "heldout", -1, wanted, offset=total - wanted).named()


def _plain(name: str, arm: Arm, total: int, size: int, samples: int) -> tuple[Rows, Rows]:
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
