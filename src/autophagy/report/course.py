"""Distance and what was asked of the model, side by side: a curve an arm, controls open, branches where they part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from autophagy.analysis import words
from autophagy.analysis.lineages import split, unlabelled
from autophagy.analysis.trajectories import Curve

from .charts import LEFT, RIGHT, WIDTH, Chart, Scale, chart, line, within
from .look import PATHS, look
from .story import Story

WANTED = ("frechet.distance", "clip-score.mean")
SPREAD = "sd"  # over samples; stands beside "mean"
DODGE = 0.3  # generations to either side, so that bars of several arms stand side by side
HOLLOW = {"plus": "diamond", "cross": "square"}  # marks without an inside cannot be open


@dataclass(frozen=True)
class Track:
    """How one arm is drawn in all panels.

    Attributes:
        since: the generation at which its line begins.
        of: the arm whose line it goes on from; empty if it begins by itself.
        curators: empty unless it is a control, whose marks are open.
        shift: generations to the right, where bars would lie on one another.
    """

    arm: int
    name: str
    mark: str
    since: int
    of: str
    curators: tuple[str, ...]
    shift: float

    @property
    def is_open(self) -> bool:
        return bool(self.curators)

    @property
    def path(self) -> str:
        return PATHS[self.mark]

    @property
    def about(self) -> str:
        """What a legend adds to the name."""
        parts = [f"with {words.listed(list(self.curators))}"] if self.curators else []
        parts += [f"up to generation {self.since} it is {self.of}"] if self.of else []
        return "; ".join(parts)


@dataclass(frozen=True)
class Course:
    """The panels with the tracks in them."""

    charts: tuple[Chart, ...]
    tracks: tuple[Track, ...]
    has_bars: bool


def course(story: Story) -> Course | None:
    """None unless both scores were measured on the generations' own samples."""
    scores = scores_of(story)
    if len(scores) < len(WANTED):
        return None
    found = tracks(story)
    panels = tuple(_panel(story, score, found) for score in scores)
    return Course(panels, tuple(found), any(bars(story, score) for score in scores))


def scores_of(story: Story) -> list[str]:
    """The first score of each kind that is wanted; a primary one before others."""
    own = [s for s in (*story.primary.values(), *story.scores) if "@" not in split(s)[0] and s in story.scores]
    found = (next((s for s in own if unlabelled(s) == wanted), None) for wanted in WANTED)
    return [score for score in found if score is not None]


def tracks(story: Story) -> list[Track]:
    """One for each arm; a branch stands where the arm stands that it goes on from."""
    names = [arm.name for arm in story.arms]
    roots = [name for name in names if name not in story.branches]
    places = np.linspace(-DODGE, DODGE, len(roots)) if len(roots) > 1 else np.zeros(len(roots))
    shift = dict(zip(roots, places.tolist(), strict=True))
    for name in sorted(story.branches, key=lambda name: story.branches[name].generation):
        shift[name] = shift.get(story.branches[name].of, 0.0)
    return [_track(story, i, name, shift[name]) for i, name in enumerate(names)]


def _track(story: Story, i: int, name: str, shift: float) -> Track:
    branch, curators, mark = story.branches.get(name), story.curators(name), look(i).mark
    since, of = (branch.generation, branch.of) if branch else (0, "")
    return Track(i, name, HOLLOW.get(mark, mark) if curators else mark, since, of, curators, shift)


def drawn(story: Story, track: Track, score: str) -> Curve | None:
    """An arm's curve as far as it is its own, the last shared generation included."""
    curve = story.curve(track.name, score)
    return None if curve is None else within(cut(curve, track.since))


def cut(curve: Curve, since: int) -> Curve:
    """The curve from a generation on."""
    keep = curve.generations >= since
    arrays = {n: getattr(curve, n)[keep] for n in ("generations", "mean", "low", "high", "n", "diverged")}
    return replace(curve, **arrays)


def bars(story: Story, score: str) -> str:
    """The score that is the standard deviation over samples beside a mean; empty if there is none."""
    label, value = split(score)
    beside = f"{label}.{SPREAD}"
    return beside if value == "mean" and beside in story.scores else ""


def reach(story: Story, track: Track, score: str) -> Curve | None:
    """The mean with low and high one standard deviation over samples away; None without one."""
    curve, spread = drawn(story, track, score), story.curve(track.name, bars(story, score))
    if curve is None or spread is None:
        return None
    spread = cut(spread, track.since)
    if len(spread.mean) != len(curve.mean):
        return None
    return replace(curve, low=curve.mean - spread.mean, high=curve.mean + spread.mean)


def _panel(story: Story, score: str, found: Sequence[Track]) -> Chart:
    """The usual chart with other lines in it."""
    curves = {t.arm: c for t in found if (c := drawn(story, t, score)) is not None}
    reaches = {t.arm: c for t in found if (c := reach(story, t, score)) is not None}
    usual = chart(story, score, room_for=list(reaches.values()))
    room = DODGE + 0.1 if reaches else 0.0
    x = Scale(-room, max(story.last, 1) + room, LEFT, WIDTH - RIGHT)
    lines = []
    for track in (t for t in found if t.arm in curves):
        its = track.shift if reaches else 0.0
        moved = replace(x, low=x.low - its, high=x.high - its)
        own = line(story, track.arm, curves[track.arm], moved, usual.y, track.path)
        whiskers = _whiskers(reaches[track.arm], moved, usual.y) if track.arm in reaches else ""
        lines.append(replace(own, whiskers=whiskers, is_open=track.is_open, is_branch=bool(track.of)))
    return replace(usual, x=x, lines=tuple(lines))


def _whiskers(curve: Curve, x: Scale, y: Scale) -> str:
    rows = zip(x(curve.generations).tolist(), y(curve.low).tolist(), y(curve.high).tolist(), strict=True)
    return "".join(f"M{at:.1f} {low:.1f}V{high:.1f}" for at, low, high in rows if np.isfinite(low + high))
