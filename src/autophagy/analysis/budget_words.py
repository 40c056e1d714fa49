"""A synthetic budget in sentences: what an engineer may do, and what should give them pause."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping

from . import words
from .budget import Budget, Dose
from .effective_size import EffectiveSize
from .monotone import FEWEST, Crossing
from .paired import paired
from .trajectories import Interval

WIDE = 0.3  # a gap between two shares that were tried, across which an estimate should not be trusted blindly


def sentence(budget: Budget) -> str:
    """The whole answer: the budget, what a share is worth, and what both stand on."""
    against = "" if budget.is_alone else f"Against '{budget.group.reference.name}': "
    if not budget.shares[1:]:
        first = budget.additions[0]
        return f"{against}Adding {_addition(budget, first)} ({_basis(budget, first.loss.n)})."
    valued = _worth_clause(budget)
    n = budget.passed.n if budget.passed else budget.shares[0].value.n
    return f"{against}{_shares_clause(budget)}, {_basis(budget, n)}{f'; {valued}' if valued else ''}."


def additions(budget: Budget) -> list[str]:
    """A sentence for each arm that adds synthetic rows to all N real ones, where `sentence` is about shares."""
    told = budget.additions if budget.shares[1:] else budget.additions[1:]
    return [f"Adding {_addition(budget, dose)}." for dose in told]


def caveats(budget: Budget) -> list[str]:
    """What the sentence does not say, the weightiest first."""
    found = [*_absent(budget), *_too_few(budget), *_ended(budget), *_not_tried(budget)]
    found += _no_interval(budget)
    found += _no_worth(budget)
    if budget.group.cut_by:
        at = budget.group.generation
        found.append(f"Judged at generation {at}, where '{budget.group.cut_by}' ends; other arms go on (--generation).")
    found += [f"Left out: '{arm}' {reason}." for arm, reason in budget.group.left_out.items()]
    return found


def percent(x: float) -> str:
    """A share: "18 %", "5.3 %"."""
    if not math.isfinite(x):
        return words.share(x)
    text = f"{100 * x:.0f} %" if abs(x) >= 0.0995 or x == 0 else f"{100 * x:.2g} %"
    return text.replace("-", "−")


def amount(budget: Budget, x: float) -> str:
    """A loss or a tolerance in the unit of the tolerance."""
    return percent(x) if budget.tolerance.is_relative else words.number(x)


def allowed(budget: Budget) -> str:
    """The tolerance as it was asked for: "12.5 %"."""
    tolerance = budget.tolerance
    return f"{100 * tolerance.amount:.4g} %" if tolerance.is_relative else words.number(tolerance.amount)


def loss(budget: Budget, found: Interval) -> str:
    """ "+12 % (8.1 % to 16 %)": positive for worse."""
    sign = "+" if found.mean > 0 else ""
    bounds = f" ({amount(budget, found.low)} to {amount(budget, found.high)})" if math.isfinite(found.low) else ""
    return f"{sign}{amount(budget, found.mean)}{bounds}"


def worth(found: EffectiveSize | None, rows: int) -> str:
    """n_e/N with its interval: "0.70 (0.62–0.79)", "less than 0.10", "more than 2.0"; "–" where it is not known."""
    if found is None or math.isnan(found.size):
        return "–"
    ends = found.smallest / rows, found.largest / rows
    at = _end(found.size / rows, ends) or f"{found.size / rows:.2f}"
    if math.isnan(found.low) or found.low == found.high:
        return at
    low, high = (_end(bound / rows, ends) for bound in (found.low, found.high))
    if low and high:
        return f"{at} ({low} to {high})" if low != high else at
    if low or high:
        return f"{at} ({low or f'{found.low / rows:.2f}'} to {high or f'{found.high / rows:.2f}'})"
    return f"{at} ({found.low / rows:.2f}–{found.high / rows:.2f})"


def _end(x: float, ends: tuple[float, float]) -> str:
    return f"less than {ends[0]:.2g}" if x == 0 else f"more than {ends[1]:.2g}" if x == math.inf else ""


def _shares_clause(budget: Budget) -> str:
    of = "of" if budget.tolerance.is_relative else "in"
    cost = f"{allowed(budget)} {of} {words.axis_name(budget.score)}"
    tried = [dose.diet.share for dose in budget.judged[1:]]
    passed = budget.passed
    if passed is None or not tried:
        first = budget.shares[1]
        why = f": {first.ended} of {first.lineages} lineages came to no value" if first.ended else ""
        return f"Not even {percent(first.diet.share)} synthetic, the smallest share tried, can be judged{why}"
    if passed.at == math.inf:
        return _all_within(budget, passed, cost)
    bounds = _bounds(passed.low, passed.high, tried[-1])
    found = f"{percent(passed.at)}{f' ({bounds})' if bounds else ''}"
    if passed.at < tried[0]:
        own = budget.judged[1].loss
        is_sure = own.low > budget.tolerance.amount and (passed.high < tried[0] or len(tried) == 1)
        verb = "already costs" if is_sure else f"seems to cost {loss(budget, own)},"
        already = f"The smallest share tried, {percent(tried[0])} synthetic, {verb} more than {cost}"
        if len(tried) == 1:
            return already
        return f"{already}; a curve from there to none passes it at {found}"
    if passed.high == math.inf and passed.low <= 0:
        guess = f"anything up to {percent(tried[-1])}, by the curve {percent(passed.at)}"
        return f"How much synthetic data costs less than {cost} cannot be told: {guess}{_though(budget, passed.at)}"
    return f"Up to {found} synthetic costs less than {cost}{_though(budget, passed.at)}"


def _all_within(budget: Budget, passed: Crossing, cost: str) -> str:
    """Where no share tried passes the tolerance; how sure that is, and whether there were others."""
    judged = budget.judged
    low = max(passed.low, 0.0)
    sure = f" (95 % interval from {percent(low) if low else 'none'})" if passed.low < math.inf else ""
    over = budget.shares[len(judged) :]
    ends = f", but at {percent(over[0].diet.share)} lineages end" if over else ""
    largest = f"up to {percent(judged[-1].diet.share)} synthetic{sure}"
    if though := _though(budget, math.inf):
        return f"The curve through all shares tried, {largest}, stays below {cost}{though}{ends}"
    return f"Every share tried, {largest}, costs less than {cost}{ends}"


def _though(budget: Budget, at: float) -> str:
    """A share below the budget that by itself costs too much: larger ones came out better, and curves never fall."""
    alone = [d for d in budget.judged[1:] if d.diet.share <= at and d.loss.mean > budget.tolerance.amount]
    if not alone:
        return ""
    worst = max(alone, key=lambda dose: dose.loss.mean)
    verb = "costs" if worst.loss.low > budget.tolerance.amount else "seems to cost"
    return f", though {percent(worst.diet.share)} by itself {verb} {loss(budget, worst.loss)}"


def _bounds(low: float, high: float, largest: float) -> str:
    """A budget's interval: "11–24 %", or what is open of it."""
    if math.isnan(low):
        return ""
    if high == math.inf:
        return f"more than {percent(low)}" if low > 0 else f"anything up to {percent(largest)}"
    return f"{percent(max(low, 0)).removesuffix(' %')}–{percent(high)}"


def _addition(budget: Budget, dose: Dose) -> str:
    added = f"{dose.diet.synthetic:,.0f} synthetic rows to {dose.diet.real:,.0f} real ones"
    if dose.ended == dose.lineages:
        return f"{added} leaves no lineage with a value of {words.axis_name(budget.score)}"
    valued = worth(dose.worth, budget.group.rows)
    return f"{added} changes {words.axis_name(budget.score)} by {loss(budget, dose.loss)}, + being worse" + (
        f", and is worth {valued} of your real data" if valued != "–" else ""
    )


def _worth_clause(budget: Budget) -> str:
    """What the first share over the budget is worth, or the largest where there is none."""
    tried = budget.judged[1:]
    over = [dose for dose in tried if budget.passed and dose.diet.share > budget.passed.at]
    told = over[0] if over else tried[-1] if tried else None
    valued = worth(told.worth, budget.group.rows) if told else "–"
    return (
        f"by that score {percent(told.diet.share)} is worth {valued} of your real data"
        if told and valued != "–"
        else ""
    )


def _basis(budget: Budget, n: int) -> str:
    span = f"generations {budget.group.generation - budget.last + 1}–" if budget.last > 1 else "generation "
    return f"n = {n} seed{'' if n == 1 else 's'}, {span}{budget.group.generation}"


def _too_few(budget: Budget) -> list[str]:
    n = budget.passed.n if budget.passed else 0 if budget.shares[1:] else budget.additions[0].loss.n
    if 0 < n < FEWEST:
        told = "1 lineage of every arm gives" if n == 1 else f"{n} lineages of every arm give"
        way = "run what is missing" if budget.absent else f"run at least {FEWEST} seeds"
        return [f"{told} no interval; {way}."]
    if budget.resolution > budget.tolerance.amount:
        where = budget.nearest.diet.arm
        return [
            f"These lineages cannot tell a loss below {amount(budget, budget.resolution)} from none at '{where}', so a "
            f"tolerance of {allowed(budget)} is finer than they can judge: run more seeds, or average over more "
            "generations (--last)."
        ]
    return []


def _no_interval(budget: Budget) -> list[str]:
    """Why losses in per cent have no interval, though there are lineages enough."""
    losses = [dose.loss for dose in (*budget.shares, *budget.additions)]
    if not any(one.n >= FEWEST and math.isnan(one.low) for one in losses):
        return []
    return [
        f"A loss in per cent has no interval: these lineages do not tell the {words.axis_name(budget.score)} of "
        f"'{budget.group.reference.name}' itself from 0; give the tolerance as an amount, without %, or run more seeds."
    ]


def _no_worth(budget: Budget) -> list[str]:
    """Why nothing is said of what a share is worth in real data."""
    curve = budget.curve
    if curve is None:
        return [
            "What a share is worth in real data is not known without real-only founders of several sizes: add "
            f"learning_curve = [100, 200, …] to [arms.{_key(budget.group.reference.name)}] and run the experiment "
            "again, which computes those founders alone."
        ]
    if curve.improves:
        return []
    if len(paired(curve.columns).seeds) < FEWEST:
        return [
            "What a share is worth in real data is not said by fewer than three lineages with founders of every size, "
            "which do not show whether these get better with more real data."
        ]
    first, last = (words.number(float(column.mean())) for column in paired(curve.columns).values.T[[0, -1]])
    return [
        f"By {words.axis_name(budget.score)}, founders are not seen to get better with more real data ({first} at "
        f"{curve.sizes[0]:,}, {last} at {curve.sizes[-1]:,}), so it cannot say what data are worth: choose another "
        "--metric for that."
    ]


def _key(name: str) -> str:
    """An arm's name as TOML has it in a heading."""
    return name if re.fullmatch("[A-Za-z0-9_-]+", name) else json.dumps(name, ensure_ascii=False)


def _absent(budget: Budget) -> list[str]:
    if not budget.absent:
        return []
    told = ", ".join(f"{count} of '{arm}'" for arm, count in budget.absent.items())
    return [
        f"Lineages that have not come so far, since a turn failed or is still to run: {told}. A loss is that of the "
        "seeds which a share and the real-only arm both have, the budget and n that of those which all arms have."
    ]


def _ended(budget: Budget) -> list[str]:
    counts: Mapping[str, str] = {
        dose.diet.arm: f"{dose.ended} of {dose.lineages}" for dose in (*budget.shares, *budget.additions) if dose.ended
    }
    if not counts:
        return []
    told = ", ".join(f"{count} of '{arm}'" for arm, count in counts.items())
    return [
        f"Lineages that diverged or came to no value: {told}. Such a share, and any larger one, counts as too much."
    ]


def _not_tried(budget: Budget) -> list[str]:
    passed, tried = budget.passed, [dose.diet.share for dose in budget.judged]
    if passed is None or not 0 <= passed.at < math.inf:
        return []
    below = max(share for share in tried if share <= passed.at)
    above = min(share for share in tried if share > passed.at)
    if above - below < WIDE:
        return []
    rest = "; what lies between is interpolated" if len(tried) > 2 else ""
    return [f"Nothing was tried between {percent(below)} and {percent(above)}{rest}."]
