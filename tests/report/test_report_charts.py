from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fake_run import CLASSES, FRECHET, MOMENTS, PRECISION, FakeRun

from autophagy.report.charts import HEIGHT, LEFT, Scale, chart, charts, value_text, within
from autophagy.report.look import look
from autophagy.report.story import FRAMES, Story


def story(run: FakeRun) -> Story:
    run.written()
    return Story.read(run.root, run.name)


def test_a_scale_maps_its_ends_onto_its_ends() -> None:
    linear, log = Scale(2, 4, 100, 0), Scale(0.01, 100, 100, 0, is_log=True)
    assert linear(np.array([2, 3, 4])).tolist() == [100, 50, 0]
    assert log(np.array([0.01, 1, 100])).tolist() == [100, 50, 0]
    assert log(np.array([-1.0])).tolist() == [100]  # below a logarithm's reach: at the edge


@pytest.mark.parametrize(
    ("scale", "labels"),
    [
        (Scale(0, 1, 0, 1), ["0", "0.5", "1"]),
        (Scale(0, 2000, 0, 1), ["0", "500", "1000", "1500", "2000"]),
        (Scale(-0.3, 0.31, 0, 1), ["−0.2", "0", "0.2"]),
        (Scale(1e-9, 2, 0, 1, is_log=True), ["10⁻⁹", "10⁻⁶", "0.001", "1"]),
    ],
)
def test_ticks_are_round_numbers(scale: Scale, labels: list[str]) -> None:
    assert [text for _, text in scale.ticks(4)] == labels


@pytest.mark.parametrize(("last", "labels"), [(1, "01"), (2, "012"), (5, "012345")])
def test_generations_have_whole_ticks(last: int, labels: str, fake: FakeRun) -> None:
    chart = charts(story(replace(fake, generations=last)))[0]
    assert [text for _, text in chart.x.ticks(6)] == list(labels)


def test_a_chart_begins_where_its_longest_label_has_room(fake: FakeRun) -> None:
    run = story(replace(fake, seeds=(0,)))
    usual = chart(run, f"{FRECHET}.distance")
    records = tuple(replace(r, scores={"mine.large": 1e99 * (1 + r.generation)}) for r in run.records)
    wide = chart(replace(run, records=records), "mine.large")
    assert "5.0 × 10⁹⁹" in [text for _, text in wide.y.ticks(4)]
    assert usual.x.start == LEFT
    assert wide.x.start >= LEFT + 20
    assert wide.lines[0].line.startswith(f"M{wide.x.start:.1f} ")


def test_lines_go_down_where_values_fall_and_stay_inside(fake: FakeRun) -> None:
    chart = next(c for c in charts(story(fake)) if c.score == f"{MOMENTS}.variance_ratio")
    points = [tuple(map(float, p.split())) for p in chart.lines[0].line.replace("M", "L").split("L")[1:]]
    assert [p[1] for p in points] == sorted(p[1] for p in points)  # down the page
    assert all(0 <= y <= HEIGHT for _, y in points)
    assert points[-1][0] == chart.x.stop


def test_only_the_share_of_variance_has_a_forecast(fake: FakeRun) -> None:
    found = charts(story(fake))
    assert [c.score for c in found if c.has_forecast] == [f"{MOMENTS}.variance_ratio"]


def test_the_share_of_variance_is_a_main_chart_without_a_direction(fake: FakeRun) -> None:
    chart = next(c for c in charts(story(fake)) if c.score == f"{MOMENTS}.variance_ratio")
    assert (chart.good, chart.is_main) == ("", True)


def test_a_caption_gives_the_range_of_n_over_arms(fake: FakeRun) -> None:
    run = story(fake)
    even = next(c for c in charts(run) if c.score == f"{FRECHET}.distance")
    assert (even.stands_on, even.has_uneven_n) == ("encoder lenet, n 500, n reference 5,000", False)
    measures = {**run.measures, "fed": {m: replace(its, identity={"n": 10}) for m, its in run.measures["fed"].items()}}
    records = tuple(replace(r, kept=10) if r.arm == "fed" else r for r in run.records)
    uneven = next(c for c in charts(replace(run, measures=measures, records=records)) if c.score == even.score)
    assert (uneven.stands_on, uneven.has_uneven_n) == ("encoder lenet, n 10–500, n reference 5,000", True)


def test_an_interval_is_drawn_within_the_range_of_its_score_and_told_in_full(fake: FakeRun) -> None:
    run = story(replace(fake, seeds=(0, 1)))
    scores = {f"{PRECISION}.precision": 1.0, f"{MOMENTS}.variance_ratio": 1.0}
    wide = tuple(replace(r, scores={k: x - 0.5 * r.seed for k, x in scores.items()}) for r in run.records)
    run = replace(run, records=wide)
    precision, ratio = (run.curve("fed", score) for score in scores)
    assert precision is not None
    assert ratio is not None
    assert (within(precision).low.min(), within(precision).high.max()) == (0, 1)
    assert (within(ratio).low.min(), within(ratio).high.max()) == (0, ratio.high.max())
    assert ratio.high.max() > 1
    assert value_text(precision, 10).startswith("0.8 [−2.4, 3.9]")


@pytest.mark.parametrize(("name", "lowest", "highest"), [("classes_lost", 0, np.inf), ("agreement", 0, 1)])
def test_counts_and_shares_have_no_band_where_they_cannot_be(
    name: str, lowest: float, highest: float, fake: FakeRun
) -> None:
    run = story(replace(fake, seeds=(0, 1)))
    score = f"{CLASSES}.{name}"
    records = tuple(replace(r, scores={score: float(r.seed)}) for r in run.records)
    curve = replace(run, records=records).curve("fed", score)
    assert curve is not None
    assert (curve.low.min(), curve.high.max()) == (pytest.approx(-5.85, abs=0.01), pytest.approx(6.85, abs=0.01))
    assert within(curve).low.min() == lowest
    assert within(curve).high.max() == min(curve.high.max(), highest)


def test_a_score_that_only_has_the_name_of_a_share_keeps_its_band(fake: FakeRun) -> None:
    run = story(replace(fake, seeds=(0, 1)))
    score = "mine.accuracy"  # in percent
    records = tuple(replace(r, scores={score: 90.0 + r.seed}) for r in run.records)
    curve = replace(run, records=records).curve("fed", score)
    assert curve is not None
    assert np.array_equal(within(curve).high, curve.high)


def test_a_caption_gives_the_range_of_lineages(fake: FakeRun) -> None:
    found = chart(story(replace(fake, diverged=(("fed", 1, 4),))), f"{FRECHET}.distance")
    assert found.over == "mean of 4–5 lineages, 95 % t-interval over lineages"


def test_floors_are_drawn_where_they_were_measured(fake: FakeRun) -> None:
    chart = next(c for c in charts(story(fake)) if c.score == f"{FRECHET}.distance")
    assert chart.floors == (round(float(chart.y(np.array(1.0))), 1),)
    assert chart.floor_text == "1"


def test_frames_hold_both_ends_and_are_denser_at_the_beginning(fake: FakeRun) -> None:
    full = story(FakeRun(fake.root, seeds=(), generations=300))
    assert full.frames == [0]
    records = FakeRun(fake.root, seeds=(0,), generations=300, draws_every=100).records()
    frames = Story(full.notes, tuple(records), {}, ()).frames
    assert (frames[0], frames[-1], len(frames) <= FRAMES) == (0, 300, True)
    assert np.diff(frames).tolist() == sorted(np.diff(frames).tolist())


def test_arms_look_different_without_colour() -> None:
    assert len({(look(i).mark, look(i).dash) for i in range(24)}) == 24
    assert len({(look(i).light, look(i).mark, look(i).dash) for i in range(100)}) == 100


@pytest.mark.parametrize("i", range(7))
def test_colours_stand_out_on_light_and_dark(i: int) -> None:
    assert contrast(look(i).light, "#fcfcfa") > 4.5
    assert contrast(look(i).dark, "#14171b") > 4.5


def contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2.1."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    levels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])
