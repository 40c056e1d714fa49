"""What a report shows of text-to-image runs, and that it shows none of it where a run has not left what it takes."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import replace
from html import unescape
from pathlib import Path

import numpy as np
import pytest
from fake_pictures import CAPTIONS, CLIP, CURATORS, FRECHET, PAIRWISE, PARTED, PROMPTS, PictureRun, run_at
from fake_run import PAYLOADS, FakeRun, vectors
from PIL import Image

from autophagy.core.pool import Origin, Pool, concat
from autophagy.report import picture_figures
from autophagy.report.begun import pairs
from autophagy.report.course import Course, course
from autophagy.report.curation import edited, removals, removed
from autophagy.report.distances import BINS, distances, histogram
from autophagy.report.figures import style
from autophagy.report.grids import _packed, by_arm, by_prompt
from autophagy.report.page import render
from autophagy.report.pictures import Pictures
from autophagy.report.sheets import LARGEST, VALUES, Cell, block, room, spaced
from autophagy.report.shelf import Shelf
from autophagy.report.story import Story

SECTIONS = ("samples", "course", "prompts", "begun", "removed", "spread")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> PictureRun:
    return run_at(tmp_path_factory.mktemp("pictures"))


@pytest.fixture(scope="module")
def story(run: PictureRun) -> Story:
    return Story.read(run.root, run.name)


@pytest.fixture(scope="module")
def shelf(run: PictureRun, story: Story) -> Shelf:
    return Shelf(run.root, story)


@pytest.fixture(scope="module")
def page(run: PictureRun, story: Story) -> str:
    return render(run.root, story)


def section(page: str, name: str) -> str:
    return page.partition(f'<section id="{name}"')[2].partition("</section>")[0]


def pixels(uri: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))))


# ── samples by generation and arm ────────────────────────────────────────────


def test_the_grid_has_a_cell_for_each_arm_and_generation(run: PictureRun, shelf: Shelf, page: str) -> None:
    sheet = by_arm(shelf)
    assert sheet is not None
    assert sheet.heads == run.arms
    assert [g for g, _ in sheet.rows] == list(range(run.last("healed") + 1))
    for generation, cells in sheet.rows:
        has = [cell.pixels is not None for cell in cells]
        assert has == [generation <= run.last(arm) for arm in run.arms]
    there = len(run.arms) * (run.generations + 1) + run.healed
    assert section(page, "samples").count('<img src="data:image/png;base64,') == there
    assert "“a red one”, “a blue three”, “a red four”, “a blue six”, from the same seeds" in unescape(page)


def test_cells_are_the_gallerys_own_images(run: PictureRun, shelf: Shelf) -> None:
    sheet, pool = by_arm(shelf), shelf.pool("half", 2, "probe gallery")
    assert sheet is not None
    assert pool is not None
    cell = sheet.rows[2][1][1]
    shown = pixels(cell.uri)  # two by two, one column apart
    upper_right = shown[: run.side, run.side + 1 :]
    assert np.array_equal(upper_right[..., :3], pool.samples[CAPTIONS.index("a blue three")].transpose(1, 2, 0))
    assert (upper_right[..., 3] == 255).all()
    assert (shown[:, run.side, 3] == 0).all()  # what lies between them is the page


def test_class_numbers_and_vectors_have_no_grid(fake: FakeRun, tmp_path: Path) -> None:
    for root, draws in ((tmp_path / "digits", fake.draws), (tmp_path / "vectors", vectors)):
        other = replace(fake, root=root, draws=draws).written()
        assert by_arm(Shelf(other.root, Story.read(other.root, other.name))) is None


def test_a_page_of_large_images_is_bounded_and_says_what_was_left_out(tmp_path: Path) -> None:
    run = PictureRun(tmp_path, side=64, seeds=(0,), generations=12, arms=("real", "half"))
    story = Story.read(run.written().root, run.name)
    shelf = Shelf(run.root, story)
    sheet = by_arm(shelf)
    assert sheet is not None
    assert "11 of 13 generations are shown." in sheet.about
    shown = [cell.pixels.size for _, row in sheet.rows for cell in row if cell.pixels is not None]
    assert sum(shown) < 1.5 * VALUES  # with its opacity
    prompts = [c.pixels.size for (s,) in by_prompt(shelf) for _, row in s.rows for c in row if c.pixels is not None]
    assert sum(prompts) < 1.5 * VALUES
    assert len(render(run.root, story)) < 12_000_000  # of noise, which no PNG can make smaller


@pytest.mark.parametrize(
    ("cells", "shape", "expected"),
    [
        (9, (3, 32, 32), (4, 32)),
        (9, (3, 512, 512), (4, LARGEST)),
        (150, (3, 512, 512), (2, 57)),
        (10**4, (3, 32, 32), (1, 10)),
    ],
)
def test_cells_give_up_pixels_first_and_then_images(
    cells: int, shape: tuple[int, int, int], expected: tuple[int, int]
) -> None:
    assert room(cells, shape) == expected


def test_what_is_spaced_has_both_ends() -> None:
    assert spaced(range(3), 5) == [0, 1, 2]
    assert spaced(range(101), 3) == [0, 50, 100]
    assert spaced("abc", 1) == ["a"]


def test_grey_images_have_two_planes() -> None:
    pool = Pool.born(np.full((2, 1, 4, 4), 7, np.uint8), Origin("k", 0))
    cell = Cell(block(pool, [0, 1], 4, 2), "two")
    assert pixels(cell.uri).shape == (4, 9, 2)


# ── distance and what was asked for ──────────────────────────────────────────


def its_course(story: Story) -> Course:
    found = course(story)
    assert found is not None
    return found


def test_the_course_has_distance_score_and_spread_side_by_side(story: Story, page: str) -> None:
    found = its_course(story)
    assert found.scores == (f"{FRECHET}.distance", f"{CLIP}.mean", f"{CLIP}.sd")
    assert section(page, "course").count('<svg class="chart"') == 3
    assert "standard deviation over the samples of one generation" in section(page, "course")


def test_controls_have_open_marks_in_legend_and_charts(run: PictureRun, story: Story, page: str) -> None:
    found = its_course(story)
    assert [t.name for t in found.tracks if t.is_open] == list(CURATORS)
    html = section(page, "course")
    for i, arm in enumerate(run.arms):
        is_open = arm in CURATORS
        assert len(re.findall(rf'<g class="arm-{i} open', html)) == (3 if is_open else 0)
        legend = re.search(rf'<li class="arm-{i}"><svg class="key([^"]*)"', html)
        assert legend is not None
        assert ("open" in legend[1]) == is_open
    assert 'matched<span class="soft"> (with colour-match)' in html


def test_marks_of_controls_have_an_inside(tmp_path: Path) -> None:
    arms = ("real", "half", "a", "b", "c", "culled", "matched")  # the sixth and the seventh are plus and cross
    run = PictureRun(tmp_path, arms=arms).written()
    found = its_course(Story.read(run.root, run.name))
    assert [t.mark for t in found.tracks[5:]] == ["diamond", "square"]


def test_a_healed_arms_line_begins_where_histories_part(run: PictureRun, story: Story, page: str) -> None:
    assert {arm: (b.of, b.generation) for arm, b in story.branches.items()} == {"healed": ("half", PARTED)}
    found = its_course(story)
    for chart in found.charts:
        half, healed = chart.lines[1], chart.lines[2]
        points = [tuple(map(float, p.split())) for p in healed.line.replace("M", "L").split("L")[1:]]
        assert points[0][0] == pytest.approx(float(chart.x(np.array(float(PARTED)))), abs=0.06)
        assert len(points) == run.healed + 1
        assert healed.line[1:].startswith(half.line.rpartition("L")[2])  # at the end of the other's
        assert healed.is_branch
        assert not half.is_branch
    assert 'healed<span class="soft"> (up to generation 3 it is half)' in section(page, "course")


def test_the_figure_of_the_course_has_open_marks_and_a_dashed_branch(story: Story) -> None:
    with style():
        figure = picture_figures.courses(story, its_course(story))
    lines = {line.get_label().split(" (")[0]: line for line in figure.axes[1].get_lines()}
    for arm in ("matched", "culled"):
        assert lines[arm].get_markerfacecolor() == "white"
    assert lines["half"].get_markerfacecolor() == lines["half"].get_color()
    assert lines["healed"].get_xdata().tolist() == [3, 4, 5]
    assert lines["healed"].is_dashed()
    assert not lines["half"].is_dashed()
    legend = {text.get_text() for text in figure.legends[0].get_texts()}
    assert {"culled (with quality)", "healed (up to generation 3 it is half)"} < legend


def test_a_run_without_a_score_of_what_was_asked_has_no_course(fake: FakeRun) -> None:
    assert course(Story.read(fake.written().root, fake.name)) is None


# ── other prompts ────────────────────────────────────────────────────────────


def test_every_arm_has_its_other_prompts_and_one_control_chooses(run: PictureRun, shelf: Shelf, page: str) -> None:
    sheets = [only for (only,) in by_prompt(shelf)]
    assert [s.title for s in sheets] == list(run.arms)
    assert all(s.heads == PROMPTS for s in sheets)
    assert [len(s.rows) for s in sheets] == [run.last(arm) + 1 for arm in run.arms]
    html = section(page, "prompts")
    assert re.findall(r'<option value="(\d)">(\w+)</option>', html) == [(str(i), a) for i, a in enumerate(run.arms)]
    assert html.count('class="chosen"') == len(run.arms)
    assert "probe begun" not in html


def test_whole_probes_share_a_sheet_while_there_is_room() -> None:
    def packed(**sizes: int) -> list[list[str]]:
        asked = [(f"probe {name}", f"{name} {k}") for name, n in sizes.items() for k in range(n)]
        return [list(dict.fromkeys(name for name, _ in part)) for part in _packed(asked)]

    assert packed(similar=1, different=1) == [["probe similar", "probe different"]]
    assert packed(garments=8, colours=8) == [["probe garments"], ["probe colours"]]
    assert packed(a=5, many=20, b=2) == [["probe a"], ["probe many"], ["probe b"]]


# ── pairs ────────────────────────────────────────────────────────────────────


def test_pairs_are_a_real_image_and_the_sample_begun_from_it(run: PictureRun, shelf: Shelf) -> None:
    first, *controls = pairs(shelf)
    assert [p.arms for p in (first, *controls)] == [("real", "half", "healed"), ("matched",), ("culled",)]
    assert len(first.cells) == 6
    assert first.captions == tuple(CAPTIONS)
    assert "6 of 12 in generation 0" in first.about
    real, made = shelf.pool("real", 0, "probe begun"), shelf.pool("real", 0, "samples")
    assert real is not None
    assert made is not None
    shown = pixels(first.cells[4].uri)[..., :3]
    assert np.array_equal(shown[:, : run.side], real.samples[4].transpose(1, 2, 0))
    assert np.array_equal(shown[:, -run.side :], made.samples[4].transpose(1, 2, 0))


def test_pairs_of_controls_show_what_was_drawn_before_it_was_edited(run: PictureRun, shelf: Shelf) -> None:
    matched = next(p for p in pairs(shelf) if "matched" in p.arms)
    drawn = shelf.pool("matched", 0, "drawn")
    assert drawn is not None
    assert np.array_equal(pixels(matched.cells[0].uri)[:, -run.side :, :3], drawn.samples[0].transpose(1, 2, 0))


# ── what curators did ────────────────────────────────────────────────────────


def test_removed_examples_are_the_rows_that_are_missing(run: PictureRun, shelf: Shelf) -> None:
    found = {r.name: r for r in removals(shelf)}
    assert list(found) == list(CURATORS)
    culled = found["culled"]
    assert [e.generation for e in culled.examples] == [0, PARTED]
    drawn = shelf.pool("culled", PARTED, "drawn")
    assert drawn is not None
    shown = [pixels(cell.uri)[..., :3] for cell in culled.examples[1].cells]
    assert len(shown) == 4
    assert all(
        np.array_equal(x, drawn.samples[k].transpose(1, 2, 0)) for x, k in zip(shown, (2, 5, 8, 11), strict=True)
    )
    assert culled.rows[0] == ("0", "12", "4 [4, 4]")
    assert culled.top == pytest.approx(1 / 3)


def test_edited_samples_are_shown_before_and_after(run: PictureRun, shelf: Shelf, page: str) -> None:
    matched = next(r for r in removals(shelf) if r.name == "matched")
    assert [(e.generation, e.is_edited) for e in matched.examples] == [(0, True), (PARTED, True)]
    shown = pixels(matched.examples[0].cells[0].uri)[..., :3].astype(int)
    assert np.array_equal(shown[:, : run.side], 255 - shown[:, -run.side :])
    assert "Nothing was removed." in section(page, "removed")
    assert "before and after colour-match: 6 of 12 edited" in section(page, "removed")


def test_samples_are_told_apart_by_origin_and_row() -> None:
    images = np.arange(6, dtype=np.uint8).reshape(6, 1, 1, 1)
    one, other = Pool.born(images[:3], Origin("a", 1)), Pool.born(images[3:], Origin("b", 1))
    drawn = concat([one, other])
    kept = concat([other.take(np.array([2, 0])), one.take(np.array([1]))])
    assert removed(drawn, kept) == [0, 2, 4]
    assert edited(drawn, kept) == []
    assert edited(drawn, kept.edited(kept.samples + np.array([0, 0, 9], np.uint8).reshape(3, 1, 1, 1))) == [(1, 2)]


# ── distances ────────────────────────────────────────────────────────────────


def test_distances_have_first_and_last_for_samples_and_probe(run: PictureRun, story: Story, page: str) -> None:
    found = distances(story)
    assert [d.label for d in found] == [PAIRWISE, f"{PAIRWISE}@other"]
    half = found[0].spreads[1]
    assert (half.name, half.generations, half.risen, half.n) == ("half", (0, PARTED), 3, 3)
    assert half.medians[1] / half.medians[0] == pytest.approx(1 + 0.3 * PARTED / 4, rel=0.01)
    centres = (half.edges[1:] + half.edges[:-1]) / 2
    assert half.last @ centres > 1.1 * half.first @ centres  # moved to the right
    assert half.first.sum() == pytest.approx(0.9)
    assert found[0].about == "5 % to 95 % of the pairs"
    assert section(page, "spread").count('class="before"') == 2 * len(run.arms)


def test_distances_begin_at_the_first_fit_where_the_founder_came_as_it_is(story: Story) -> None:
    arms = tuple(replace(arm, parts={**arm.parts, "founder": "pretrained"}) for arm in story.notes.arms)
    found = distances(replace(story, notes=replace(story.notes, arms=arms)))
    assert {spread.generations[0] for spread in found[0].spreads} == {1}


def test_a_finer_grid_of_quantiles_is_used_where_there_is_one(story: Story) -> None:
    fine = {f"{PAIRWISE}.q{k:02d}": float(k) for k in range(1, 100)} | {f"{PAIRWISE}.q995": 99.5}
    records = tuple(replace(r, scores=fine) for r in story.records)
    spread = distances(replace(story, records=records))[0].spreads[0]
    assert spread.covered == (0.01, 0.995)
    assert spread.first == pytest.approx(np.full(BINS, 0.985 / BINS))
    few = {f"{PAIRWISE}.median": 1.0, f"{PAIRWISE}.q95": 2.0}
    assert distances(replace(story, records=tuple(replace(r, scores=few) for r in story.records))) == []


def test_a_histogram_has_all_that_its_quantiles_cover() -> None:
    shares = np.array([0.05, 0.25, 0.5, 0.75, 0.95])
    found = histogram(np.array([1.0, 1, 1, 1, 3]), shares, np.linspace(1, 3, 5))  # most of the pairs at one place
    assert found[1:] == pytest.approx([0.05, 0.05, 0.05])
    assert found.sum() <= 0.9 + 1e-12


# ── the page ─────────────────────────────────────────────────────────────────


def test_sections_appear_with_their_ingredients_alone(fake: FakeRun, page: str) -> None:
    other = render(fake.written().root, Story.read(fake.root, fake.name))
    for name in SECTIONS:
        assert f'<section id="{name}"' in page
        assert f'<a href="#{name}">' in page
        assert f'<section id="{name}"' not in other
        assert f'href="#{name}"' not in other


def test_what_is_not_stored_any_more_is_left_out_and_breaks_nothing(tmp_path: Path) -> None:
    run = run_at(tmp_path)
    for folder in sorted((run.root / "artefacts").glob("*/*"))[::2]:
        (folder / "samples.npy").write_bytes(b"other bytes")
    html = render(run.root, Story.read(run.root, run.name))
    assert "not stored" in section(html, "samples")
    for folder in (run.root / "artefacts").glob("*/*/samples.npy"):
        folder.write_bytes(b"other bytes")
    html = render(run.root, Story.read(run.root, run.name))
    shown = [name for name in SECTIONS if f'<section id="{name}"' in html]
    assert shown == ["course", "removed", "spread"]  # which records alone can tell


def test_captions_are_only_ever_shown(tmp_path: Path) -> None:
    plain, hostile = (
        PictureRun(tmp_path / name, seeds=(0,), text=text).written()
        for name, text in (("plain", " plain"), ("hostile", "".join(p for p in PAYLOADS if "\x00" not in p)))
    )
    tags = [re.findall(r"<[a-z]+[\s>]", render(r.root, Story.read(r.root, r.name))) for r in (plain, hostile)]
    assert tags[0] == tags[1]


def test_figures_have_a_poster_of_every_kind(run: PictureRun, story: Story, tmp_path: Path) -> None:
    found = Pictures.read(run.root, story)
    paths = picture_figures.write(story, replace(found, prompts=found.prompts[2:3]), tmp_path, first=7)
    assert [p.name for p in paths if p.suffix == ".svg"] == [
        "07-samples-by-arm.svg", "08-course.svg", "09-prompts-healed.svg", "10-begun-real.svg",
        "11-begun-matched.svg", "12-begun-culled.svg", "13-distances-pairwise-distance.svg",
        "14-distances-pairwise-distance-other.svg",
    ]  # fmt: skip
    assert "a village" in paths[4].read_text()
    with Image.open(paths[1]) as image:
        assert image.width > 500


def test_pictures_of_nothing_write_no_figure(fake: FakeRun, tmp_path: Path) -> None:
    story = Story.read(fake.written().root, fake.name)
    assert picture_figures.write(story, Pictures.read(fake.root, story), tmp_path / "figures", first=1) == []
