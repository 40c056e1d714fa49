"""The same draws in every generation, as a reader steps through them: a gallery for each form that draws have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .draws import Drawn, Gallery, read
from .forms import Form, forms
from .plots import symbols, vectors
from .sheets import quoted
from .sprites import images
from .story import Story

APART = "Draws that differ in kind or size stand apart; all of them go through the generations together."


@dataclass(frozen=True)
class Album:
    """All galleries of a page.

    Attributes:
        about: paragraphs above them; an arm that is in none of them is named there.
        parts: a title and a gallery for each form of draws that can be shown.
    """

    about: tuple[str, ...]
    parts: tuple[tuple[str, Gallery], ...]


def album(root: Path, story: Story) -> Album:
    """Arms of which nothing is stored stand beside the others, where those are all alike."""
    drawn = read(root, story, story.frames, is_held=True)
    its: Sequence[Form | None] = forms(drawn)
    found = [form for form in dict.fromkeys(its) if form is not None]
    if not found:
        return Album(("No generation's draws are stored.",), ())
    if len(found) == 1 and found[0].is_drawn:
        its = [found[0]] * len(its)
    parts = tuple((form.title, _gallery(story, drawn, its, form)) for form in found if form.is_drawn)
    above = (APART,) if len(parts) > 1 else tuple(part.about for _, part in parts)
    return Album((*above, *_elsewhere(story, drawn, its)), parts)


def _gallery(story: Story, drawn: Drawn, its: Sequence[Form | None], form: Form) -> Gallery:
    among = drawn.among([k for k, other in enumerate(its) if other == form])
    if form.kind == "images":
        return images(story, among, drawn)
    return vectors(story, among, form.size[0]) if form.kind == "vectors" else symbols(story, among)


def _elsewhere(story: Story, drawn: Drawn, its: Sequence[Form | None]) -> list[str]:
    """Where else to look for the arms that have no gallery, or why there is nothing to see of them."""
    names: dict[str, list[str]] = {}
    for i, form in zip(drawn.arms, its, strict=True):
        names.setdefault("nothing" if form is None else form.kind, []).append(story.arms[i].name)
    is_one_kind = len(names.keys() - {"nothing"}) == 1
    told = []
    if "texts" in names:
        of = "" if is_one_kind else f" of {quoted(names['texts'])}"
        told.append(f"Texts{of} stand further up, prompt by prompt.")
    if "other" in names:
        of = "of this kind of data" if is_one_kind else f"of {quoted(names['other'])}"
        told.append(f"Draws {of} cannot be shown here.")
    empty = [k for k, form in enumerate(its) if form is None]
    told += [_nothing(story.arms[drawn.arms[k]].name, drawn.notes[k][0]) for k in empty]
    return told


def _nothing(arm: str, why: str) -> str:
    return f"Nothing of “{arm}” can be shown: {why.rstrip('. ')}."
