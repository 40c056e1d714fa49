"""The report as one HTML file that needs no network and lets nothing in it run but its own script."""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autophagy.analysis import words
from autophagy.core.text import clean

from . import beside, budget, curation, distances
from .charts import BOTTOM, HEIGHT, RIGHT, TICKS, TOP, WIDTH, charts
from .diets import HEIGHT as DIET_HEIGHT
from .diets import KINDS, class_tables, diets
from .diets import WIDTH as DIET_WIDTH
from .gallery import Album, album
from .look import PATHS, look
from .pictures import Pictures
from .reach import reach
from .story import AXES, Story

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATE = Path(__file__).parent / "template"


def render(root: Path, story: Story, pictures: Pictures | None = None) -> str:
    """Returns the whole page; reads the pictures it is not given."""
    from markupsafe import Markup

    environment, drawn = _environment(), album(root, story)
    script = (TEMPLATE / "report.js").read_text(encoding="utf-8")
    looks = [look(i) for i in range(len(story.arms))]
    style = environment.get_template("report.css").render(looks=looks, is_parted=len(drawn.parts) > 1)
    return environment.get_template("report.html").render(
        style=Markup(style),  # noqa: S704  our own file, filled with our own colours
        script=Markup(script),  # noqa: S704  our own file, as it is
        policy=policy(style, script),
        pictures=pictures or Pictures.read(root, story),
        panel={"width": distances.WIDTH, "height": distances.HEIGHT, "low": distances.LOW},
        bars={"width": curation.WIDTH, "height": curation.HEIGHT},
        **_contents(story, drawn),
    )


def policy(style: str, script: str) -> str:
    """A content security policy under which only these two texts count as style and script."""
    return (
        f"default-src 'none'; img-src data:; style-src '{_hashed(style)}'; script-src '{_hashed(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def settings(story: Story) -> dict[str, Any]:
    """What the arms have in common, and what differs: `common` and `differing` settings, each name → text."""
    per_arm = [
        {name: words.setting(value) for name, value in arm.parts.items()}
        | {"samples": words.count(arm.samples), "real": words.count(arm.real), "generations": str(arm.generations)}
        for arm in story.arms
    ]
    names = list(dict.fromkeys(["source", "model", "loop", "bias", *(name for texts in per_arm for name in texts)]))
    differing = [n for n in names if len({texts.get(n, "–") for texts in per_arm}) > 1]
    common = {n: per_arm[0].get(n, "–") for n in names if n not in differing}
    return {
        "common": {n: text for n, text in common.items() if text not in ("–", "")},
        "differing": differing,
        "rows": [[texts.get(n, "–") for n in differing] for texts in per_arm],
    }


def _environment() -> Environment:
    """Everything that is printed is escaped, and cleaned of what no one can see."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: clean(value) if type(value) is str else value,
    )
    environment.filters.update(
        number=words.number, change=words.change, count=words.count, share=words.share, times=words.times,
        spread=words.spread, p=words.p_value, lineages=words.lineages, since=words.since, visible=words.visible,
        wanted=words.wanted, setting=words.setting, listed=words.listed, axis_name=words.axis_name,
    )  # fmt: skip
    return environment


def _contents(story: Story, drawn: Album) -> dict[str, Any]:
    """What the template tells, by the names it uses."""
    right, low = WIDTH - RIGHT, HEIGHT - BOTTOM
    return {
        "story": story,
        "reach": reach(story),
        "frame": {"width": WIDTH, "height": HEIGHT, "right": right, "top": TOP, "low": low, "ticks": TICKS},
        "charts": charts(story),
        "diets": diets(story),
        "diet": {"width": DIET_WIDTH, "height": DIET_HEIGHT},
        "kinds": KINDS,
        "tables": class_tables(story),
        "album": drawn,
        "island": _island(story, drawn),
        "settings": settings(story),
        "axes": [(axis, story.primary[axis]) for axis in AXES if story.primary.get(axis) in story.scores],
        "floors": {score: _floors(story, score) for score in story.primary.values()},
        "foretold": beside.foretold(story),
        "spreads": beside.spreads(story),
        "budgets": budget.sections(story),
        "budget_heads": budget.HEADINGS,
        "found": {(v.arm, v.score): v for v in story.verdicts},
        "marks": [PATHS[look(i).mark] for i in range(len(story.arms))],
    }


def _floors(story: Story, score: str) -> str:
    """The real-against-real values of a score, one or their range; empty where none was measured."""
    found = [f for arm in story.arms if math.isfinite(f := story.floor(arm.name, score))]
    return " to ".join(words.number(f) for f in sorted({min(found), max(found)})) if found else ""


def _island(story: Story, drawn: Album) -> Mapping[str, Any]:
    """What the script needs, rows by arm; every text cleaned, for no template sees it."""
    height = math.gcd(*(its.height for _, its in drawn.parts))  # of a slot: sheets of all heights step by whole ones
    rows: list[dict[str, Any] | None] = [None] * max((r.arm + 1 for _, its in drawn.parts for r in its.rows), default=0)
    for _, its in drawn.parts:
        for row in its.rows:
            slots = [None if slot is None else slot * its.height // height for slot in row.slots]
            rows[row.arm] = {"slots": slots, "paths": row.paths, "notes": [clean(note) for note in row.notes]}
    return {"frames": story.frames, "last": max(story.last, 1), "height": height, "rows": rows}


def _hashed(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
