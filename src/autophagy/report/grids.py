"""Samples of the same captions from the same seeds: generations down, and arms or other prompts across."""

from __future__ import annotations

from collections.abc import Sequence

from autophagy.analysis import words
from autophagy.core.pool import Pool

from .draws import GALLERY
from .sheets import ROWS, Cell, Sheet, block, captions, is_captioned, left_out, quoted, room, spaced
from .shelf import Shelf

COLUMNS = 12  # arms in one sheet
PROMPTS = 8  # of all probes
PROBE = "probe "  # what names of probes begin with in records
OWN = (GALLERY, "probe begun")  # pools that look like probes and are no prompts of the user's


def by_arm(shelf: Shelf) -> Sheet | None:
    """The gallery's samples, generation × arm; None without images that captions asked for."""
    story = shelf.story
    firsts = ((i, _first(shelf, arm.name, GALLERY)) for i, arm in enumerate(story.arms))
    shapes = {i: pool.samples.shape[1:] for i, pool in firsts if pool is not None and is_captioned(pool)}
    arms = list(shapes)[:COLUMNS]
    have = sorted({g for i in arms for g in shelf.generations(story.arms[i].name, GALLERY)})
    if not arms or not have:
        return None
    first = _first(shelf, story.arms[arms[0]].name, GALLERY)
    generations = spaced(have, ROWS)
    count, side = room(len(arms) * len(generations), [max(shapes[i][axis] for i in arms) for axis in range(3)])
    asked = spaced(captions(first), count) if first else []
    rows = tuple(
        (g, tuple(_cell(shelf, story.arms[i].name, g, GALLERY, asked, count, side) for i in arms)) for g in generations
    )
    about = (
        f"In every cell{_placed(min(count, len(asked)))}: {quoted(asked)}, from the same seeds in every generation and "
        f"arm (lineage with seed {story.first_seed}).{left_out(generations, have)}"
    )
    if len(arms) < len(story.arms):
        about += f" {len(arms)} of {words.count(len(story.arms))} arms are shown."
    return Sheet("", tuple(story.arms[i].name for i in arms), tuple(arms), rows, about)


def by_prompt(shelf: Shelf) -> list[list[Sheet]]:
    """For each arm its sheets, generation × prompt; arms without such probes have none."""
    story = shelf.story
    asked = {i: _prompts(shelf, arm.name) for i, arm in enumerate(story.arms)}
    parts = [(i, part, _probed(shelf, story.arms[i].name, part)) for i in asked for part in _packed(asked[i])]
    cells = sum(len(spaced(have, ROWS)) * min(len(part), PROMPTS) for _, part, have in parts)
    sheets = [(i, _prompt_sheet(shelf, i, part, have, cells)) for i, part, have in parts]
    return [found for i in asked if (found := [sheet for k, sheet in sheets if k == i])]


def _packed(asked: list[tuple[str, str]]) -> list[list[tuple[str, str]]]:
    """Whole probes in as few sheets as have room for them; one that has more prompts than a sheet is alone in it."""
    packed: list[list[tuple[str, str]]] = []
    for name in dict.fromkeys(name for name, _ in asked):
        its = [prompt for prompt in asked if prompt[0] == name]
        if packed and len(packed[-1]) + len(its) <= PROMPTS:
            packed[-1] += its
        else:
            packed.append(its)
    return packed


def _prompt_sheet(shelf: Shelf, i: int, asked: list[tuple[str, str]], have: list[int], cells: int) -> Sheet:
    arm, generations, shown = shelf.story.arms[i].name, spaced(have, ROWS), asked[:PROMPTS]
    example = next(p for g in have if (p := shelf.pool(arm, g, shown[0][0])) is not None)
    count, side = room(cells, example.samples.shape[1:])
    rows = tuple(
        (g, tuple(_cell(shelf, arm, g, name, [text], count, side) for name, text in shown)) for g in generations
    )
    probes = list(dict.fromkeys(name.removeprefix(PROBE) for name, _ in shown))
    about = (
        f"Probe{'s' if len(probes) > 1 else ''} {words.listed(probes)}: drawn to be looked at and measured, from the "
        f"same seeds in every row and arm (lineage with seed {shelf.story.first_seed}).{left_out(generations, have)}"
    )
    if len(shown) < len(asked):
        about += f" {len(shown)} of {len(asked)} prompts are shown."
    return Sheet(arm, tuple(text for _, text in shown), (None,) * len(shown), rows, about)


def _prompts(shelf: Shelf, arm: str) -> list[tuple[str, str]]:
    """Every probe's pool name with each of its texts."""
    records = [r for r in shelf.story.records if r.arm == arm]
    names = dict.fromkeys(name for r in records for name in r.pools if name.startswith(PROBE) and name not in OWN)
    found = []
    for name in names:
        pool = _first(shelf, arm, name)
        if pool is not None and is_captioned(pool):
            found += [(name, text) for text in captions(pool)]
    return found


def _probed(shelf: Shelf, arm: str, asked: list[tuple[str, str]]) -> list[int]:
    """Generations of which a probe is still stored."""
    names = dict.fromkeys(name for name, _ in asked)
    found = {g for name in names for g in shelf.generations(arm, name) if shelf.is_there(arm, g, name)}
    return sorted(found)


def _first(shelf: Shelf, arm: str, name: str) -> Pool | None:
    """An arm's earliest pool of that name which is still stored."""
    return next((p for g in shelf.generations(arm, name) if (p := shelf.pool(arm, g, name)) is not None), None)


def _cell(shelf: Shelf, arm: str, generation: int, name: str, asked: Sequence[str], count: int, side: int) -> Cell:
    """Up to `count` images of a pool, those of each caption in turn."""
    if not shelf.key(arm, generation, name):
        return Cell(None, "")
    about = f"{arm}, generation {generation}: {', '.join(asked)}"
    pool = shelf.pool(arm, generation, name)
    if pool is None or pool.condition is None or not is_captioned(pool):
        return Cell(None, f"{about}; not stored")
    texts = pool.condition.tolist()
    per_text = [[k for k, text in enumerate(texts) if text == wanted] for wanted in asked]
    turns = [rows[k] for k in range(count) for rows in per_text if k < len(rows)][:count]
    if not turns:
        return Cell(None, f"{about}; not drawn")
    return Cell(block(pool, turns, side, 2 if len(turns) > 1 else 1), about)


def _placed(count: int) -> str:
    return {2: ", left and right", 3: ", in reading order", 4: ", in reading order"}.get(count, "")
