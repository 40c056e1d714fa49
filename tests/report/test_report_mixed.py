"""Reports of arms that differ in space, dimension or size: every arm is shown in its own way, or named."""

from __future__ import annotations

import base64
import io
import json
import re
from dataclasses import dataclass, replace
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_pictures import PictureRun
from fake_run import PAYLOADS, Draws, FakeRun, digits, line, symbols, texts, vectors
from PIL import Image

from autophagy import Experiment
from autophagy.report import picture_figures, posters
from autophagy.report.figures import style
from autophagy.report.gallery import APART, album
from autophagy.report.grids import by_arm
from autophagy.report.page import render
from autophagy.report.shelf import Shelf
from autophagy.report.sprites import PIXELS
from autophagy.report.story import Story

ARMS: dict[str, dict[str, Any]] = {
    "line": {"source": {"use": "normal", "dim": 1}, "model": "gaussian", "metrics": ["moments"]},
    "plane": {"source": {"use": "normal", "dim": 2}, "model": "gaussian", "metrics": ["moments"]},
    "space": {"source": {"use": "normal", "dim": 3}, "model": "gaussian", "metrics": ["moments"]},
    "symbols": {"source": "categorical", "model": "categorical", "metrics": ["symbols"]},
    "digits": {"source": "digits", "model": "eigen-mixture", "metrics": ["moments"]},
    "mnist": {"source": "mnist", "model": "eigen-mixture", "metrics": ["moments"]},
    "coloured": {"source": "coloured-digits", "model": "eigen-mixture", "metrics": ["moments"]},
    "texts": {
        "source": {"use": "shakespeare", "unit": "words", "length": 20, "prompt": 0},
        "model": {"use": "n-gram", "order": 1, "length": 20},
        "metrics": ["lexical"],
    },
}
PAIRS = [
    ("plane", "space"), ("line", "plane"), ("plane", "symbols"), ("plane", "texts"), ("texts", "symbols"),
    ("digits", "symbols"), ("digits", "plane"), ("digits", "texts"), ("digits", "mnist"), ("digits", "coloured"),
]  # fmt: skip


def small(*names: str) -> Experiment:
    base = {"real": 40, "reference": 40, "gallery": 6, "loop": "fully-synthetic"}
    arms = {name: ARMS[name] for name in names}
    return Experiment.of({"seeds": [0, 1, 2], "generations": 2, "base": base, "arms": arms}, name="mixed")


def page(run: FakeRun) -> str:
    return render(run.root, Story.read(run.root, run.name))


def shown(html: str) -> str:
    """The galleries, with what stands above them."""
    return html.partition('<section id="gallery"')[2].partition('<section id="curves"')[0]


def above(html: str) -> list[str]:
    return [unescape(text) for text in re.findall(r"<p[^>]*>([^<]*)</p>", shown(html).partition("</section>")[0])]


def island(html: str) -> Any:
    return json.loads(html.split('<script type="application/json" id="data">')[1].split("</script>")[0])


def sprites(html: str) -> list[np.ndarray]:
    found = re.findall(r'<image class="drawn" href="data:image/png;base64,([^"]+)"', html)
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(text)))) for text in found]


def mixed(**by_arm: Draws) -> Draws:
    return lambda arm, generation, rng: by_arm[arm](arm, generation, rng)


def small_digits(arm: str, generation: int, rng: np.random.Generator) -> np.ndarray:
    return digits(arm, generation, rng)[:, :, ::4, ::4].copy()  # 7 × 7 of 28 × 28


def coloured(arm: str, generation: int, rng: np.random.Generator) -> np.ndarray:
    return np.repeat(digits(arm, generation, rng), 3, axis=1)


def tokens(arm: str, generation: int, rng: np.random.Generator) -> np.ndarray:
    return np.zeros((3, 4), np.int32)


# ── whole experiments ────────────────────────────────────────────────────────


@pytest.mark.parametrize("names", PAIRS, ids="-".join)
def test_a_page_of_two_kinds_of_arms_holds_both(names: tuple[str, str], tmp_path: Path) -> None:
    small(*names).run(tmp_path)
    html = render(tmp_path, Story.read(tmp_path, "mixed"))
    for i, name in enumerate(names):
        if name == "texts":
            assert "Texts of “texts” stand further up, prompt by prompt." in above(html)
            assert f'class="arm-{i}"' in html.partition('<section id="texts"')[2].partition("</table>")[0]
            assert f'data-row="{i}"' not in html
        else:
            (sheet,) = re.findall(rf'<svg class="sheet" data-row="{i}".*?</svg>', shown(html), re.DOTALL)
            assert f"draws of {name}" in sheet
            assert re.search(r'class="drawn" (d="M|href="data:)', sheet)
            assert all(slot is not None for slot in island(html)["rows"][i]["slots"])
    assert shown(html).count("<h3>") == (0 if "texts" in names else 2)
    assert (APART in above(html)) == ("texts" not in names)


def test_the_report_and_its_figures_are_written_of_arms_of_every_kind(tmp_path: Path) -> None:
    html = small("line", "texts", "symbols", "digits").run(tmp_path).report().read_text(encoding="utf-8")
    titles = re.findall(r"<h3>([^<]*)</h3>", shown(html))
    assert titles == ["Vectors of 1 coordinate", "Symbols", "Images, 8 × 8 pixels"]
    assert re.findall(r'id="note-(\d)"', shown(html)) == ["0", "2", "3"]
    assert above(html)[1:] == ["Texts of “texts” stand further up, prompt by prompt."]
    assert sum(path.suffix == ".svg" for path in (tmp_path / "runs" / "mixed" / "figures").iterdir()) >= 4


def test_the_first_sentence_names_arms_that_its_scores_say_nothing_of(tmp_path: Path) -> None:
    small("plane", "symbols").run(tmp_path)
    html = render(tmp_path, Story.read(tmp_path, "mixed"))
    lead = html.partition('<p class="lead">')[2].partition("</p>")[0]
    assert "None of the scores in the first table was measured of <strong>symbols</strong>" in lead


# ── what stands together, and what apart ─────────────────────────────────────


def test_images_of_two_sizes_are_all_shown_and_step_by_their_own_heights(fake: FakeRun) -> None:
    run = replace(fake, draws=mixed(hungry=digits, fed=small_digits), seeds=(0,), generations=3).written()
    html = page(run)
    large, small = sprites(html)
    assert large.shape == (4 * 28, 20 * 29 - 1)
    assert small.shape == (4 * 7, 20 * 8 - 1)
    for sprite, draws, side, i in ((large, digits, 28, 0), (small, small_digits, 7, 1)):
        drawn = draws(run.arms[i], 2, np.random.default_rng((i, 0, 2)))
        assert np.array_equal(sprite[2 * side : 3 * side, :side], drawn[0, 0])
    told = island(html)
    assert [[slot * told["height"] for slot in row["slots"]] for row in told["rows"]] == [
        [0, 28, 56, 84],
        [0, 7, 14, 21],
    ]


def test_grey_and_coloured_images_of_one_size_stand_together(fake: FakeRun) -> None:
    html = page(replace(fake, draws=mixed(hungry=digits, fed=coloured), seeds=(0,), generations=1).written())
    assert "<h3>" not in shown(html)
    assert [sprite.ndim for sprite in sprites(html)] == [2, 3]


def test_arms_of_one_form_share_axes_wherever_they_stand(tmp_path: Path) -> None:
    def wide(arm: str, generation: int, rng: np.random.Generator) -> np.ndarray:
        return 1000 * vectors(arm, generation, rng)

    draws = mixed(a=vectors, b=symbols, c=wide, d=line)
    run = FakeRun(tmp_path, arms=("a", "b", "c", "d"), draws=draws, seeds=(0,), generations=1).written()
    found = album(run.root, Story.read(run.root, run.name))
    assert [(title, [row.name for row in its.rows]) for title, its in found.parts] == [
        ("Vectors of 2 coordinates", ["a", "c"]), ("Symbols", ["b"]), ("Vectors of 1 coordinate", ["d"]),
    ]  # fmt: skip
    assert [row["paths"] for row in island(page(run))["rows"]] == [
        list(row.paths) for row in sorted((row for _, its in found.parts for row in its.rows), key=lambda row: row.arm)
    ]
    narrow = {path for row in found.parts[0][1].rows if row.name == "a" for path in row.paths}
    places = {place for path in narrow for place in re.findall(r"M(\d+) (\d+)", path)}
    assert len(places) <= 9  # a thousandth of the other's width


def test_images_of_many_sizes_share_one_budget(tmp_path: Path) -> None:
    def photos(side: int) -> Draws:
        return lambda arm, generation, rng: rng.integers(0, 256, (20, 3, side, side), dtype=np.uint8)

    arms = {f"of {side}": photos(side) for side in (96, 100, 104, 108)}
    run = FakeRun(tmp_path, arms=tuple(arms), draws=mixed(**arms), seeds=(0,), generations=7).written()
    found = sprites(page(run))
    assert len(found) == len(arms)
    assert sum(sprite.size for sprite in found) < 1.2 * PIXELS


# ── what cannot be shown ─────────────────────────────────────────────────────


@pytest.mark.parametrize("draws", [digits, vectors, line, symbols])
def test_an_arm_that_diverged_at_once_has_a_row_beside_arms_that_are_alike(draws: Draws, fake: FakeRun) -> None:
    html = page(replace(fake, draws=draws, diverged=(("fed", 0, 0),)).written())
    assert len(above(html)) == 1
    assert island(html)["rows"][1]["slots"] == [None] * 11
    assert island(html)["rows"][1]["notes"][:2] == ["diverged: the loss is not finite ", "diverged at generation 0"]


@pytest.mark.parametrize("draws", [mixed(hungry=digits, fed=vectors), texts, tokens])
def test_an_arm_that_diverged_at_once_is_named_where_it_has_no_row(draws: Draws, fake: FakeRun) -> None:
    arms, ended = ("hungry", "fed", "lost"), (("lost", 0, 0),)
    html = page(replace(fake, arms=arms, draws=draws, seeds=(0,), generations=2, diverged=ended).written())
    assert above(html)[1:] == ["Nothing of “lost” can be shown: diverged: the loss is not finite."]


def test_nothing_is_shown_where_all_diverged_at_once(fake: FakeRun) -> None:
    run = replace(fake, seeds=(0,), diverged=(("hungry", 0, 0), ("fed", 0, 0))).written()
    assert above(page(run)) == ["No generation's draws are stored."]


def test_draws_of_no_kind_that_we_know_are_named(fake: FakeRun) -> None:
    html = page(replace(fake, draws=mixed(hungry=vectors, fed=tokens), seeds=(0,), generations=1).written())
    assert above(html)[1:] == ["Draws of “fed” cannot be shown here."]
    assert shown(html).count('<path class="drawn" d="M') == 1
    other = replace(fake, name="other", root=fake.root / "other", draws=mixed(hungry=texts, fed=tokens))
    assert above(page(replace(other, seeds=(0,), generations=1).written())) == [
        "Texts of “hungry” stand further up, prompt by prompt.",
        "Draws of “fed” cannot be shown here.",
    ]


def test_hostile_names_in_those_sentences_are_only_text(tmp_path: Path) -> None:
    def tags(folder: str, names: list[str]) -> list[str]:
        draws = dict(zip(names, (vectors, digits, texts, tokens), strict=True))
        ended = tuple((name, 0, 0) for name in names[4:])
        run = FakeRun(tmp_path / folder, arms=tuple(names), draws=mixed(**draws), seeds=(0,), diverged=ended)
        return re.findall(r"<[a-z]+[\s>]", page(replace(run, generations=1).written()))

    names = [p for p in PAYLOADS if "\x00" not in p][:4]
    assert tags("hostile", names) == tags("plain", [f"plain {i}" for i in range(len(names))])


# ── sheets, figures and posters ──────────────────────────────────────────────


@dataclass(frozen=True)
class TwoSizes(PictureRun):
    """Captioned images of 8 × 8 in arm "real", of 24 × 24 in arm "half"."""

    arms: tuple[str, ...] = ("real", "half")
    seeds: tuple[int, ...] = (0,)

    def _images(self, n: int, arm: str, generation: int) -> np.ndarray:
        found = super()._images(n, arm, generation)
        return found.repeat(3, axis=2).repeat(3, axis=3) if arm == "half" else found


def test_a_sheet_shows_images_of_two_sizes_as_they_are(tmp_path: Path) -> None:
    run = TwoSizes(tmp_path).written()
    story = Story.read(run.root, run.name)
    sheet = by_arm(Shelf(run.root, story))
    assert sheet is not None
    for _, (small, large) in sheet.rows[1:]:
        assert small.pixels is not None
        assert large.pixels is not None
        assert small.pixels.shape == (17, 17, 4)  # two by two
        assert large.pixels.shape == (49, 49, 4)
    with style():
        (picture,) = picture_figures.sheet(story, sheet).axes[0].get_images()
    whole = np.asarray(picture.get_array())
    assert np.array_equal(whole[-49:, -49:], sheet.rows[-1][1][1].pixels)


def test_a_poster_has_axes_for_each_kind_of_draws(fake: FakeRun) -> None:
    run = replace(fake, draws=mixed(hungry=digits, fed=vectors), seeds=(0,), generations=3).written()
    with style():
        figure = posters.figure(run.root, Story.read(run.root, run.name))
    spans = [axes.get_xlim() for part in figure.subfigs[:1] for axes in part.axes if axes.collections]
    assert len(spans) == 3  # generations
    assert all(high - low < 20 for low, high in spans)  # of grey values they would be 255
