"""Distance and what was asked of the model, side by side: a curve an arm, controls open, branches where they part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from autophagy.analysis import words
from autophagy.analysis.lineages import split, unlabelled
from autophagy.analysis.trajectories import Curve

from .charts import Chart, chart, line, within
from .look import PATHS, look
from .story import Story

WANTED = ("frechet.distance", "clip-score.mean")
SPREAD = "sd"  # over samples; stands beside "mean"
HOLLOW = {"plus": "diamond", "cross": "square"}  # marks without an inside cannot be open


@dataclass(frozen=True)
class Track:
    """How one arm is drawn in all panels.

    Attributes:
        since: the generation at which its line begins.
        of: the arm whose line it goes on from; empty if it begins by itself.
        curators: empty unless it is a control, whose marks are open.
    """

    arm: int
    name: str
    mark: str
    since: int
    of: str
    curators: tuple[str, ...]

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
    """A chart for each of `scores`, with the tracks in all of them; the last may be a spread over samples."""

    scores: tuple[str, ...]
    charts: tuple[Chart, ...]
    tracks: tuple[Track, ...]

    @property
    def has_spread(self) -> bool:
        return len(self.scores) > len(WANTED)


def course(story: Story) -> Course | None:
    """None unless both scores were measured on the generations' own samples."""
    scores = _scores(story)
    if len(scores) < len(WANTED):
        return None
    tracks = tuple(_track(story, i, arm.name) for i, arm in enumerate(story.arms))
    return Course(tuple(scores), tuple(_panel(story, score, tracks) for score in scores), tracks)


def drawn(story: Story, track: Track, score: str) -> Curve | None:
    """An arm's curve as far as it is its own, the last shared generation included."""
    curve = story.curve(track.name, score)
    return None if curve is None else within(cut(curve, track.since))


def cut(curve: Curve, since: int) -> Curve:
    """The curve from a generation on."""
    keep = curve.generations >= since
    arrays = {n: getattr(curve, n)[keep] for n in ("generations", "mean", "low", "high", "n", "diverged")}
    return replace(curve, **arrays)


def _scores(story: Story) -> list[str]:
    """The first score of each kind that is wanted, a primary one before others; then the spread of the last."""
    own = [s for s in (*story.primary.values(), *story.scores) if "@" not in split(s)[0] and s in story.scores]
    found = (next((s for s in own if unlabelled(s) == wanted), None) for wanted in WANTED)
    scores = [score for score in found if score is not None]
    spread = f"{split(scores[-1])[0]}.{SPREAD}" if scores else ""
    return [*scores, spread] if spread in story.scores else scores


def _track(story: Story, i: int, name: str) -> Track:
    branch, curators, mark = story.branches.get(name), story.curators(name), look(i).mark
    since, of = (branch.generation, branch.of) if branch else (0, "")
    return Track(i, name, HOLLOW.get(mark, mark) if curators else mark, since, of, curators)


def _panel(story: Story, score: str, tracks: Sequence[Track]) -> Chart:
    """The usual chart with other lines in it."""
    usual = chart(story, score)
    lines = []
    for track in tracks:
        curve = drawn(story, track, score)
        if curve is not None:
            own = line(story, track.arm, curve, usual.x, usual.y, track.path)
            lines.append(replace(own, is_open=track.is_open, is_branch=bool(track.of)))
    return replace(usual, lines=tuple(lines))
