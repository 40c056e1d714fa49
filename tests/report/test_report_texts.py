"""What a report shows of texts: what went on from one prompt, and how likely single texts were."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from html import unescape
from pathlib import Path

import numpy as np
import pytest
from fake_run import PAYLOADS, FakeRun, texts
from matplotlib.axes import Axes

from autophagy.report import picture_figures, posters
from autophagy.report.distances import WIDTH
from autophagy.report.figures import style
from autophagy.report.page import render
from autophagy.report.passages import LONGEST, PROMPTS, readings
from autophagy.report.pictures import Pictures
from autophagy.report.shelf import Shelf
from autophagy.report.story import Story
from autophagy.report.surprise import surprise
from autophagy.report.vocabulary import lost, vocabulary


@dataclass(frozen=True)
class TextRun(FakeRun):
    """Texts of arm "hungry" gather at likely ones and grow a tail of unlikely ones; those of "fed" stay."""

    def _scores(self, arm: str, seed: int, generation: int) -> dict[str, float]:
        rng, moved = np.random.default_rng((seed, generation)), generation if arm == "hungry" else 0
        likely, unlikely = rng.normal(3.5 - 0.08 * moved, 0.3, 400), rng.normal(6, 0.2, 8 * moved)
        values = np.exp(np.concatenate([likely, unlikely]))
        curve = {f"perplexity.founder_q{p:02}": float(np.quantile(values, p / 100)) for p in range(1, 100)}
        return {**super()._scores(arm, seed, generation), **curve}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> FakeRun:
    return TextRun(tmp_path_factory.mktemp("texts"), draws=texts, seeds=(0, 1, 2)).written()


@pytest.fixture(scope="module")
def story(run: FakeRun) -> Story:
    return Story.read(run.root, run.name)


def test_each_prompt_has_the_text_of_every_arm_and_generation(run: FakeRun, story: Story) -> None:
    found = readings(Shelf(run.root, story))
    assert found is not None
    assert found.names == ("hungry", "fed")
    assert [table.prompt for table in found.tables] == [f"Prompt {k}" for k in range(PROMPTS)]
    third = next(table for table in found.tables if table.prompt == "Prompt 2")
    for generation, shown in third.rows:
        for i, arm in enumerate(run.arms):
            assert shown[i] == texts(arm, generation, np.random.default_rng((i, 0, generation)))[2]


@dataclass(frozen=True)
class TwoPrompts(FakeRun):
    """Arm "fed" goes on from other prompts than "hungry"."""

    def condition(self, arm: str, samples: np.ndarray) -> np.ndarray:
        return np.array([f"{arm} {k}" for k in range(len(samples))])


def test_no_text_stands_under_a_prompt_that_its_arm_never_had(tmp_path: Path) -> None:
    run = TwoPrompts(tmp_path, draws=texts, seeds=(0,), generations=1).written()
    found = readings(Shelf(run.root, Story.read(run.root, run.name)))
    assert found is not None
    assert [table.prompt for table in found.tables] == [f"{arm} {k}" for arm in run.arms for k in range(PROMPTS)]
    assert len({table.place for table in found.tables}) == len(found.tables)
    for table in found.tables:
        assert all((text is not None) == table.prompt.startswith(arm) for _, row in table.rows
                   for arm, text in zip(run.arms, row, strict=True))  # fmt: skip


def test_rows_of_tokens_are_read_where_they_can_be_decoded(tmp_path: Path) -> None:
    run = FakeRun(tmp_path, draws=lambda *_: np.full((3, 4), 7), seeds=(0,), generations=1).written()
    story = Story.read(run.root, run.name)
    assert readings(Shelf(run.root, story)) is None
    found = readings(Shelf(run.root, story, lambda arm, rows: np.array([f"{arm}: {row}" for row in rows])))
    assert found is not None
    assert found.tables[0].rows[0][1] == ("hungry: [7 7 7 7]", "fed: [7 7 7 7]")


def test_long_texts_are_cut_and_say_so(tmp_path: Path) -> None:
    run = FakeRun(tmp_path, draws=lambda *_: np.array(["word " * 1000]), seeds=(0,), generations=1).written()
    found = readings(Shelf(run.root, Story.read(run.root, run.name)))
    assert found is not None
    text = found.tables[0].rows[0][1][0]
    assert text is not None
    assert len(text) <= LONGEST + 2
    assert text.endswith("…")


def test_a_run_without_texts_has_neither_section(tmp_path: Path) -> None:
    run = FakeRun(tmp_path, seeds=(0,), generations=1).written()
    page = render(run.root, Story.read(run.root, run.name))
    assert '<section id="texts"' not in page
    assert '<section id="surprise"' not in page
    assert '<section id="vocabulary"' not in page


def test_hostile_prompts_and_texts_are_only_text(tmp_path: Path) -> None:
    payload = "".join(PAYLOADS)[:600]
    run = FakeRun(tmp_path, draws=lambda *_: np.array([payload] * 3), seeds=(0,), generations=1, text=payload).written()
    page = render(run.root, Story.read(run.root, run.name))
    section = page.partition('<section id="texts"')[2].partition("</section>")[0]
    assert section.count("<td>") == 3 * 2 * 2  # prompts × generations × arms; no payload added a cell
    assert "<script" not in section
    assert "<img" not in section
    assert "\x1b" not in section
    assert "\u202e" not in unescape(section)


def test_ridges_move_with_the_texts_and_keep_both_tails(story: Story) -> None:
    (its,) = surprise(story)
    assert its.title == "perplexity under the founder"
    hungry, fed = its.arms
    assert np.array_equal(hungry.edges, fed.edges)
    middle = (hungry.edges[1:] + hungry.edges[:-1]) / 2
    first, last = (hungry.ridges[k].heights for k in (0, -1))
    assert first[middle > 5].sum() < 0.02 * first.sum()
    assert 0.08 < last[middle > 5].sum() / last.sum() < 0.25  # 80 of 480 in the unlikely tail
    assert middle[last[middle < 5].argmax()] < middle[first.argmax()] - 0.4
    assert np.abs(fed.ridges[0].heights - fed.ridges[-1].heights).max() < 0.35
    assert 0 < hungry.middle < WIDTH
    assert "median 3" in hungry.ridges[0].about
    assert hungry.n == 3


def test_texts_that_are_impossible_are_counted_and_their_generation_is_drawn(tmp_path: Path) -> None:
    @dataclass(frozen=True)
    class Impossible(TextRun):
        def _scores(self, arm: str, seed: int, generation: int) -> dict[str, float]:
            found = super()._scores(arm, seed, generation)
            gone = {f"perplexity.founder_q{p:02}": math.inf for p in range(41, 100)}
            return found | gone if generation == 2 else found

    run = Impossible(tmp_path, draws=texts, seeds=(0,), generations=3).written()
    (its,) = surprise(Story.read(run.root, run.name))
    ridges = its.arms[0].ridges
    assert [ridge.generation for ridge in ridges] == [0, 1, 2, 3]
    assert "about 60 % are impossible" in ridges[2].about
    assert "median ∞" in ridges[2].about or "median inf" in ridges[2].about
    assert 0 < ridges[2].heights.sum() < 0.5 * ridges[1].heights.sum()


def test_of_the_quantiles_of_a_distribution_only_four_are_curves_of_their_own(run: FakeRun, story: Story) -> None:
    drawn = [score for score in story.scores if score.startswith("perplexity")]
    assert drawn == [f"perplexity.founder_{name}" for name in ("q05", "q25", "q75", "q95")]
    assert len(story.lineages["hungry"].scores) > len(story.scores) + 90


def test_the_page_shows_a_histogram_of_every_generation(run: FakeRun, story: Story) -> None:
    page = render(run.root, story)
    section = page.partition('<section id="surprise"')[2].partition("</section>")[0]
    assert section.count('<path class="after"') == 2 * 11
    assert "generation 10: median" in section


def test_the_figure_has_a_panel_an_arm(run: FakeRun, story: Story) -> None:
    pictures = Pictures.read(run.root, story)
    with style():
        figure = picture_figures.ridges(pictures.surprise[0])
        figure.canvas.draw()
    titles = [axes.get_title(loc="left") or axes.get_title() for axes in figure.axes]
    assert titles[:2] == ["hungry (n = 3)", "fed (n = 3)"]
    ticks = [text.get_text() for text in figure.axes[0].get_xticklabels() if text.get_text()]
    assert ticks
    assert all("$" not in tick for tick in ticks)


def test_lost_words_are_the_founders_and_the_commonest_come_first() -> None:
    found = lost(Counter(["the", "the", "the", "sea", "sea", "king", "a"]), ["a", "new", "king"])
    assert (found.types, found.lost, found.examples) == (3, 2, ("the", "sea"))


def test_words_lost_are_counted_in_the_stored_texts(run: FakeRun, story: Story) -> None:
    found = vocabulary(Shelf(run.root, story))
    assert found is not None
    assert found.names == ("hungry", "fed")
    words = [
        {w for text in texts("hungry", g, np.random.default_rng((0, 0, g))).tolist() for w in text.split()}
        for g in (0, 10)
    ]
    generation, (hungry, fed) = found.rows[-1]
    assert generation == 10
    assert hungry is not None
    assert hungry.lost == len(words[0] - words[1]) > 5
    assert set(hungry.examples) <= words[0] - words[1]
    assert fed is not None
    assert fed.lost == 0
    section = render(run.root, story).partition('<section id="vocabulary"')[2].partition("</section>")[0]
    assert f"{hungry.lost} lost" in section


def test_rows_of_tokens_are_read_where_somebody_can(tmp_path: Path) -> None:
    run = TextRun(tmp_path, draws=tokens, seeds=(0,), generations=2).written()
    story = Story.read(run.root, run.name)
    assert vocabulary(Shelf(run.root, story)) is None
    assert vocabulary(Shelf(run.root, story, lambda arm, rows: None)) is None
    found = vocabulary(
        Shelf(run.root, story, lambda arm, rows: np.array([" ".join(map(str, r)) for r in rows.tolist()]))
    )
    assert found is not None
    hungry = found.rows[-1][1][0]
    assert hungry is not None
    assert (hungry.types, hungry.lost, hungry.examples) == (2, 2, ("2", "3"))


def tokens(arm: str, generation: int, rng: np.random.Generator) -> np.ndarray:
    """Two rows of four tokens, of which arm "hungry" loses one a generation."""
    known = 4 - generation if arm == "hungry" else 4
    return np.array([[k % known for k in range(4)]] * 2, np.int32)


def test_the_poster_prints_what_was_written(run: FakeRun, story: Story) -> None:
    with style():
        figure = posters.figure(run.root, story)
        figure.canvas.draw()
    printed = {" ".join(text.get_text().split()) for axes in figure.findobj(Axes) for text in axes.texts}
    written = texts("hungry", 10, np.random.default_rng((0, 0, 10)))[0]
    assert any(written.startswith(text.removesuffix(" …")) and len(text) > 50 for text in printed)
