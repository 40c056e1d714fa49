"""How far a run has come by the time that its page is written."""

from __future__ import annotations

from dataclasses import dataclass

from autophagy.analysis.starved import starved

from .story import Story


@dataclass(frozen=True)
class Reach:
    """Turns: one for each arm, lineage and generation.

    Attributes:
        planned: of the whole run.
        there: with a record.
        finished: of these, with something to show; the others diverged.
        ended: that will not come, for their lineage, or one that it eats from, has diverged before.
    """

    planned: int
    there: int
    finished: int
    ended: int

    @property
    def missing(self) -> int:
        """Turns that may still come."""
        return self.planned - self.there - self.ended


def reach(story: Story) -> Reach:
    """Counts the turns of all arms, the points of a learning curve among them; records of no planned turn are not."""
    notes = story.notes
    diverged = {(r.arm, r.seed): r.generation for r in story.diverged()}
    hungry = {(arm, s, g) for (arm, s), found in starved(notes.arms, notes.seeds, diverged).items() for g in found}
    turns = [(a.name, s, g) for a in notes.arms for s in notes.seeds for g in range(a.generations + 1)]
    absent = [turn for turn in turns if turn not in story.by_address]
    ended = sum(turn in hungry or turn[2] > diverged.get(turn[:2], turn[2]) for turn in absent)
    finished = sum(turn in story.by_address and story.by_address[turn].status == "finished" for turn in turns)
    return Reach(len(turns), len(turns) - len(absent), finished, ended)
