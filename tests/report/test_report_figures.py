"""Figures for papers: what they say of themselves, and that names in them can be told apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from fake_run import CLASSES, FRECHET, MOMENTS, FakeRun
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from autophagy.report import posters
from autophagy.report.figures import TITLE, curves, label, mixtures, style, wrapped
from autophagy.report.look import look
from autophagy.report.story import Story

LONG = "synthetic augmentation with all kept, λ=0.8"
ALIKE = (f"{LONG}, dedupe", f"{LONG}, quality", f"{LONG}, dedupe, quality")  # 43 letters in common


@pytest.fixture(autouse=True)
def _style() -> Iterator[None]:
    with style():
        yield


def story(run: FakeRun) -> Story:
    run.written()
    return Story.read(run.root, run.name)


def foot(figure: Figure) -> str:
    return " ".join(figure.get_supxlabel().split())


def test_arms_whose_names_begin_alike_have_entries_of_their_own(fake: FakeRun) -> None:
    figure = curves(story(replace(fake, arms=ALIKE, seeds=(0,))), [f"{FRECHET}.distance", f"{MOMENTS}.variance_ratio"])
    (legend,) = figure.legends
    texts = [" ".join(text.get_text().split()) for text in legend.get_texts()]
    assert texts == list(ALIKE)
    assert [line.get_color() for line in legend.get_lines()] == [look(i).light for i in range(3)]


def test_a_legend_has_every_arm_once_whichever_panels_it_is_in(fake: FakeRun) -> None:
    run = story(replace(fake, seeds=(0,)))
    records = tuple(
        replace(r, scores={k: x for k, x in r.scores.items() if k.startswith(FRECHET) == (r.arm == "hungry")})
        for r in run.records
    )
    figure = curves(replace(run, records=records), [f"{FRECHET}.distance", f"{MOMENTS}.variance_ratio"])
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["hungry", "fed"]


@pytest.mark.parametrize(
    ("names", "rows"),
    [
        ([f"λ = {share}" for share in (1, 0.8, 0.66, 0.5)], 1),
        ([f"p={share}" for share in range(12)], 4),
        ([f"MMMMWWWW0{number}" for number in range(9)], 3),
        ([f"合成数据的循环第{number}" for number in range(6)], 2),
    ],
    ids=["few", "many", "wide letters", "wide script"],
)
@pytest.mark.parametrize("panels", [2, 4])
def test_a_legend_stays_on_its_figure(fake: FakeRun, names: list[str], rows: int, panels: int) -> None:
    scores = [f"{FRECHET}.distance", f"{MOMENTS}.variance_ratio"] * (panels // 2)
    figure = curves(story(replace(fake, arms=tuple(names), seeds=(0,))), scores)
    FigureCanvasAgg(figure).draw()
    (legend,) = figure.legends
    assert legend.get_window_extent().x1 <= figure.bbox.x1
    assert len({round(text.get_window_extent().y0) for text in legend.get_texts()}) == rows


def test_titles_of_mixtures_stay_above_their_panels(fake: FakeRun) -> None:
    figure = mixtures(story(replace(fake, arms=ALIKE, seeds=(0,))))
    FigureCanvasAgg(figure).draw()
    titles = [text for text in figure.findobj(Text) if text.get_text() in {wrapped(name, TITLE) for name in ALIKE}]
    assert len(titles) == 3
    spans = [text.get_window_extent() for text in titles]
    assert all(left.x1 < right.x0 for left, right in pairwise(spans))
    assert spans[-1].x1 < figure.bbox.x1


def test_a_name_is_cut_in_its_middle() -> None:
    assert label("short") == "short"
    assert {len(label(name)) for name in ALIKE} == {40}
    assert len(set(map(label, ALIKE))) == 3
    assert label(ALIKE[0]).startswith("synthetic augmentati…")
    assert label("_hidden") == " _hidden"


def test_wide_letters_take_the_room_of_two() -> None:
    assert max(map(len, wrapped("日本語の腕" * 10, TITLE).split("\n"))) == TITLE // 2
    assert max(map(len, wrapped("letter " * 10, TITLE).split("\n"))) <= TITLE


def test_a_figure_says_what_its_lines_and_bands_are_over(fake: FakeRun) -> None:
    run = story(replace(fake, diverged=(("fed", 1, 4),)))
    assert foot(curves(run, [f"{FRECHET}.distance"])) == (
        "Lines and bands: mean of 4–5 lineages, 95 % t-interval over lineages."
    )
    assert "lineage with seed 0" in foot(mixtures(run))


def test_a_band_over_samples_is_told_from_one_over_lineages(fake: FakeRun) -> None:
    run = story(replace(fake, seeds=(0,), error=0.25))
    assert foot(curves(run, [f"{FRECHET}.distance", f"{MOMENTS}.variance_ratio"])) == (
        "Lines and bands: 95 % interval over the samples of one lineage (frechet[lenet] distance); "
        "one lineage, no interval (moments variance ratio)."
    )


def test_a_poster_says_what_its_curves_are_over(fake: FakeRun) -> None:
    run = story(fake)
    figure = posters.figure(fake.root, run)
    assert " ".join(figure.subfigs[1].get_supxlabel().split()) == (
        "Lines and bands: mean of 5 lineages, 95 % t-interval over lineages."
    )


def test_a_panel_without_a_finite_value_says_so(fake: FakeRun) -> None:
    run = story(replace(fake, seeds=(0,)))
    score = f"{CLASSES}.entropy"
    records = tuple(replace(r, scores={**r.scores, score: np.inf}) for r in run.records)
    full, empty = curves(replace(run, records=records), [f"{FRECHET}.distance", score]).axes
    assert [text.get_text() for text in empty.texts] == ["no finite value"]
    assert not len(empty.get_xticks())
    assert not len(empty.get_yticks())
    assert not full.texts


def test_generations_of_mixtures_have_whole_ticks(fake: FakeRun) -> None:
    (panel, *_) = mixtures(story(replace(fake, seeds=(0,), generations=1))).axes
    assert all(float(x).is_integer() for x in panel.get_xticks())
