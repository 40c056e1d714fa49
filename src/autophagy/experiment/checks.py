"""What can be known to be wrong before the first fit."""

from __future__ import annotations

import dataclasses

import numpy as np

from autophagy.core.abilities import DrawsByCondition, NeedsSamples
from autophagy.core.catalog import find, known_names
from autophagy.core.errors import PlanError, listed
from autophagy.core.known import Tokenised
from autophagy.core.mixture import Draw, Mixture
from autophagy.core.parts import Encoder, Part, Pretrained, Source
from autophagy.core.settings import shown

from .config import Arm
from .reals import Rows, sample, seen_before, unseen


def check_arm(name: str, arm: Arm) -> None:
    """Raises PlanError if the arm's parts do not fit one another."""
    for part in (arm.model, arm.loop, *arm.curators, *arm.metrics):
        _check_space(name, arm, part)
        objection = part.objection(arm.source, arm.model)
        if objection:
            raise PlanError(f"arm '{name}': {objection}")
    if arm.founder == "pretrained" and not isinstance(arm.model, Pretrained):
        raise PlanError(f"arm '{name}': model '{arm.model.name}' has no pretrained weights; say founder = \"fit\".")
    if arm.conditions == "even" and not (arm.model.conditional and arm.source.conditions("train") is not None):
        whose = f"model '{arm.model.name}' takes" if not arm.model.conditional else f"source '{arm.source.name}' has"
        raise PlanError(f"arm '{name}': {whose} no classes or captions to be drawn evenly; say conditions = \"real\".")
    if arm.conditions == "even" and arm.seeding is not None:
        raise PlanError(
            f"arm '{name}': generation 0 begins from real images and has their conditions; leave seeding out, or say "
            'conditions = "real".'
        )
    if arm.seeding is not None and not arm.model.begins:
        raise PlanError(f"arm '{name}': model '{arm.model.name}' cannot start from real samples; leave seeding out.")
    if arm.seeding is not None and (problem := arm.model.unbegun(arm.seeding)):
        raise PlanError(f"arm '{name}': seeding = {arm.seeding:g}: {problem}.")
    if arm.bias < 1 and not arm.model.biased:
        raise PlanError(f"arm '{name}': model '{arm.model.name}' has no knob for bias = {arm.bias:g}; leave it out.")
    if arm.model.redraws and arm.curators:
        raise PlanError(f"arm '{name}': model '{arm.model.name}' redraws past every curator; leave curators out.")
    if misuse := arm.model.misuse(arm.source, start=arm.start, bias=arm.bias):
        raise PlanError(f"arm '{name}': {misuse}.")
    if arm.start != "scratch" and not arm.model.continues:
        raise PlanError(
            f"arm '{name}': model '{arm.model.name}' cannot go on from earlier weights; say start = \"scratch\"."
        )
    if arm.probes and any(p.conditions for p in arm.probes.values()) and not arm.model.conditional:
        raise PlanError(f"arm '{name}': probes name conditions, but model '{arm.model.name}' takes none.")
    _check_conditions(name, arm)
    for taken in ("gallery", "begun"):
        if taken in arm.probes:
            raise PlanError(f"arm '{name}': a probe cannot be called '{taken}'; that is the report's own.")


def check_draw(name: str, arm: Arm, draw: Draw, number: int) -> None:
    """Raises PlanError for a draw that looks ahead, asks for groups that are not there, or makes no sense."""
    pool, here = draw.pool, f"arm '{name}', generation {number}"
    if pool.kind == "drawn" and not pool.arm and not 0 <= pool.generation < number:
        raise PlanError(
            f"{here}: loop '{arm.loop.name}' asks for {pool}, which does not exist by then; "
            f"it may look back at generations 0 to {number - 1}."
            if number
            else f"{here}: the founder trains on real data only, but loop '{arm.loop.name}' gives it {pool}."
        )
    if (draw.size or 0) < 0 or (draw.per_group or 0) < 0 or not 0 <= (draw.share or 0) <= 1:
        asked = next(x for x in (draw.size, draw.per_group, draw.share) if x is not None)
        raise PlanError(
            f"{here}: loop '{arm.loop.name}' draws {asked:g} of {pool}; draw 0 or more, or a share up to 1."
        )
    if pool.kind == "drawn" and pool.generation < 0:
        raise PlanError(f"{here}: generation {pool.generation} of arm '{pool.arm}' cannot exist.")
    if pool.arm and arm.model.redraws:
        raise PlanError(
            f"{here}: model '{arm.model.name}' redraws from its own generation before, but loop '{arm.loop.name}' eats "
            f"of arm '{pool.arm}'; choose one of them."
        )
    if draw.per_group is not None or draw.stratified:
        if arm.source.conditions("train") is None:
            raise PlanError(
                f"{here}: draws by group need classes or captions, but source '{arm.source.name}' has none."
            )
        if pool.kind == "drawn" and not arm.model.conditional:
            raise PlanError(f"{here}: draws by group need a conditional model, but '{arm.model.name}' is not.")


def fewest(arm: Arm) -> int:
    """How many samples the arm's model needs at least."""
    if not isinstance(arm.model, NeedsSamples):
        return 1
    shape = sample(arm.source).shape  # what is no vector, the fit tells
    return arm.model.fewest(shape[1]) if len(shape) == 2 else 1


def check_meal(name: str, arm: Arm, given: int, needed: int, number: int) -> None:
    """Raises PlanError for a training set without a sample, or with fewer than the model needs."""
    if given < 1:
        raise PlanError(
            f"arm '{name}', generation {number}: loop '{arm.loop.name}' gives it no sample to train on; "
            "raise real or samples."
        )
    if given < needed:
        raise PlanError(
            f"arm '{name}', generation {number}: model '{arm.model.name}' needs at least {needed} samples, but the "
            f"loop gives it {given}; raise real or samples."
        )


def check_refill(name: str, arm: Arm, samples: int, most: int) -> None:
    """Raises PlanError where curators are known to let too few samples pass, however often more are drawn."""
    if arm.refill == "redraw" and most < samples:
        raise PlanError(
            f"arm '{name}': of {samples * arm.redraw_limit:,} draws (redraw_limit = {arm.redraw_limit}) its curators "
            f"let at most {most:,} pass, and {samples:,} are wanted; loosen them, raise redraw_limit, or say "
            'refill = "shrink".'
        )


def check_redraw(name: str, arm: Arm, mixture: Mixture, number: int) -> None:
    """Raises PlanError for older samples without the newest, which are those that a redrawing model draws anew."""
    eaten = {draw.pool.generation for draw in mixture.draws if draw.pool.kind == "drawn"}
    if arm.model.redraws and eaten and number - 1 not in eaten:
        raise PlanError(
            f"arm '{name}', generation {number}: model '{arm.model.name}' redraws the samples of generation "
            f"{number - 1}, but loop '{arm.loop.name}' eats none of them; eat them, or do not redraw."
        )


def check_food(name: str, arm: Arm, other: str, of: Arm, number: int) -> None:
    """Raises PlanError for samples of another arm that are of another kind than its own."""
    if of.source.space != arm.source.space:
        raise PlanError(
            f"arm '{name}', generation {number}: arm '{other}' makes {of.source.space}, but this one trains on "
            f"{arm.source.space}; eat from an arm of the same space."
        )
    if _tokens(arm.source) != _tokens(of.source):
        raise PlanError(
            f"arm '{name}', generation {number}: the rows of arm '{other}' are of another tokenizer's tokens, or of "
            "another length; give both sources one tokenizer and block."
        )
    if (own := _kind(arm)) and own != (theirs := _kind(of)):
        raise PlanError(
            f"arm '{name}', generation {number}: model '{arm.model.name}' learns by {own}, but the samples of arm "
            f"'{other}' have {theirs or 'neither classes nor captions'}; eat from an arm of the same kind."
        )


def _tokens(source: Source) -> tuple[str, int] | None:
    """Whose numbers its rows are, and how many; None of what is no rows of tokens."""
    return (source.vocabulary(), source.width) if isinstance(source, Tokenised) else None


def _kind(arm: Arm) -> str:
    """What an arm's samples are drawn by: "classes", "captions", or nothing."""
    known = arm.source.conditions("train") if arm.model.conditional else None
    return "" if known is None else "classes" if np.asarray(known).dtype.kind in "iu" else "captions"


def check_supply(name: str, arm: Arm, rows: Rows, number: int) -> int:
    """How many of these fresh rows the lineage has seen before; raises PlanError if it may not reuse any."""
    again = seen_before(rows)
    if again and arm.exhausted == "refuse":
        what = "of every group" if rows.per_group else "samples"
        raise PlanError(
            f"arm '{name}', generation {number}: {rows.size} unseen real {what} are needed, but source "
            f"'{arm.source.name}' has {max(0, unseen(rows) or 0)} left; "
            'use fewer generations or say exhausted = "reuse".'
        )
    return again


def _check_conditions(name: str, arm: Arm) -> None:
    """Probes may name captions that no real sample has where the model reads them, but not classes."""
    asking = {probe: settings.conditions for probe, settings in arm.probes.items() if settings.conditions}
    if isinstance(arm.model, DrawsByCondition) and (silent := [probe for probe in arm.probes if probe not in asking]):
        raise PlanError(
            f"arm '{name}': probe '{silent[0]}' names no conditions, and model '{arm.model.name}' draws nothing "
            'without them; say what to draw, e.g. conditions = ["a photo of a cat"].'
        )
    if not asking:
        return
    known = arm.source.conditions("train")
    if known is None:
        raise PlanError(
            f"arm '{name}': probe '{next(iter(asking))}' names conditions, but source '{arm.source.name}' has neither "
            "classes nor captions."
        )
    has_classes = np.asarray(known).dtype.kind in "iu"
    there = set(np.asarray(known).tolist())
    for probe, asked in ((probe, one) for probe, conditions in asking.items() for one in conditions):
        here, has = f"arm '{name}': probe '{probe}' asks for {shown(asked)}, but", f"source '{arm.source.name}' has"
        if isinstance(asked, str) == has_classes:
            raise PlanError(f"{here} {has} {'classes' if has_classes else 'captions'}, such as {_some(there, 1)}.")
        if asked not in there and has_classes:
            raise PlanError(f"{here} {has} the classes {_some(there)}.")
        if asked not in there and arm.model.only_seen:
            raise PlanError(f"{here} model '{arm.model.name}' draws only what it has seen; {has} {_some(there)}.")


def _some(conditions: set[object], most: int = 20) -> str:
    told = [shown(each) for each in sorted(conditions, key=str)]
    return ", ".join(told[:most]) + (f" and {len(told) - most} more" if len(told) > most > 1 else "")


def _check_space(name: str, arm: Arm, part: Part) -> None:
    if arm.source.space not in part.takes:
        raise PlanError(
            f"arm '{name}': '{part.name}' takes {' or '.join(part.takes)}, "
            f"but source '{arm.source.name}' gives {arm.source.space}{_instead(arm, part)}."
        )
    for field in dataclasses.fields(part):  # an encoder inside a metric, loops inside phases
        inner = getattr(part, field.name)
        for own in inner if isinstance(inner, tuple) else (inner,):
            if isinstance(own, Part):
                _check_space(name, arm, own)
                objection = own.objection(arm.source, arm.model)
                if objection:
                    raise PlanError(f"arm '{name}': {objection}")


def _instead(arm: Arm, part: Part) -> str:
    """What to give a metric in place of an encoder that cannot read the source."""
    if not isinstance(part, Encoder):
        return ""
    fit = [name for name in known_names("encoder") if arm.source.space in find("encoder", name).takes]
    return f"; give the metric an encoder that does: {listed(fit)}"
