from __future__ import annotations

import base64
import hashlib
import json
import re
import resource
from dataclasses import dataclass, replace
from html import unescape
from pathlib import Path

import numpy as np
import pytest
from fake_run import FRECHET, FakeRun, digits, line, symbols, vectors

from autophagy import report
from autophagy.archive.run_folder import Failure, RunFolder
from autophagy.core.errors import StoreError
from autophagy.report.page import render
from autophagy.report.story import Story

TAG = re.compile(r"<[^>]+>")
IMAGE = re.compile(r"data:image/png;base64,[A-Za-z0-9+/=]+")


def page(run: FakeRun) -> str:
    """The page alone, as `report.write` writes it; its figures take most of the time."""
    return render(run.root, Story.read(run.root, run.name))


@pytest.fixture(scope="module")
def standard(tmp_path_factory: pytest.TempPathFactory) -> str:
    return page(FakeRun(tmp_path_factory.mktemp("standard")).written())


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", unescape(TAG.sub(" ", html)))


def test_the_answer_stands_first(standard: str) -> None:
    text = text_of(standard.partition("</header>")[0])
    assert "After 10 generations hungry collapses; fed shows no loss beyond noise." in text
    assert "2 arms, seeds 0, 1, 2, 3, 4; 110 generations computed with 105 distinct fits." in text


def test_verdicts_have_intervals_counts_and_a_forecast_beside_them(standard: str) -> None:
    rows = standard.partition('class="verdicts"')[2].split("<tr>")[2:4]
    hungry, fed = map(text_of, rows)
    assert hungry.count("collapses") == 2  # recall and distance
    assert "drifts" in hungry  # precision
    assert re.search(r"2\.\d+ → 22\.\d \+20\.\d\d \[19\.\d\d, 20\.\d\d\] p < 0\.001, n = 5", hungry)
    assert hungry.count("worse from generation") == 3
    assert re.search(r"worse from generation 1 would show ±0\.\d+ \(\d", hungry)
    assert "keeps 43.4 % of the variance effective sample size 217 exact for this family" in hungry
    assert fed.count("stable") == 3
    assert "the family is not linear" in fed


def test_the_policy_names_the_one_style_and_the_one_script(standard: str) -> None:
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', standard)
    assert policy is not None
    told = policy[1].replace("&#39;", "'")
    style = standard.partition("<style>")[2].partition("</style>")[0]
    script = standard.rpartition("<script>")[2].partition("</script>")[0]
    for kind, text in (("style-src", style), ("script-src", script)):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind} 'sha256-{digest}'" in told
    assert told.startswith("default-src 'none'; img-src data:;")
    assert "unsafe" not in told


def test_the_page_asks_nothing_of_the_network(standard: str) -> None:
    assert not re.findall(r"https?:|//[a-z]|url\(|@import", IMAGE.sub("", standard))
    assert len(standard) < 2_000_000


def test_equal_runs_have_equal_pages_and_figures(fake: FakeRun, tmp_path: Path) -> None:
    first = report.write(fake.written().root, fake.name).parent
    second = report.write(replace(fake, root=tmp_path / "again").written().root, fake.name).parent
    for path in (first / "report.html", *(first / "figures").glob("*.svg")):
        assert path.read_bytes() == (second / path.relative_to(first)).read_bytes()


def test_diverged_lineages_and_failures_are_told(fake: FakeRun) -> None:
    failure = Failure("fed", 3, 7, "the disk was full")
    html = page(replace(fake, diverged=(("fed", 1, 4),), failures=(failure,)).written())
    text = text_of(html)
    assert "1 lineage diverged." in text
    assert "fed 1 4 the loss is not finite" in text
    assert "fed 3 7 the disk was full" in text
    assert "n = 4 of 5, 1 diverged" in text
    assert "(n = 4, 1 diverged)" in text


def header_of(run: FakeRun) -> str:
    return text_of(page(run).partition("</header>")[0])


def test_a_stopped_run_says_how_far_it_has_come(fake: FakeRun) -> None:
    fake.written()
    RunFolder(fake.root, fake.name).write_records(fake.records()[:37])
    assert "; 37 of 110 generations computed; the whole plan takes 105 distinct fits." in header_of(fake)
    assert "<strong>Not finished: 37 of 110 turns are there, 73 are missing.</strong>" in page(fake)


def test_turns_after_a_divergence_are_told_from_those_that_are_missing(fake: FakeRun) -> None:
    run = replace(fake, diverged=(("fed", 1, 4),)).written()
    header = header_of(run)
    assert "104 of 110 generations computed" in header
    assert "1 lineage diverged. 6 turns are not to come after that." in header
    assert "Not finished" not in header
    kept = [r for r in run.records() if (r.arm, r.seed, r.generation) != ("hungry", 0, 10)]
    RunFolder(run.root, run.name).write_records(kept)
    header = header_of(run)
    assert "Not finished: 103 of 110 turns are there, 1 is missing. 1 lineage diverged. 6 turns are" in header


def test_a_finished_run_misses_nothing(standard: str) -> None:
    assert "Not finished" not in standard
    assert "not to come" not in standard


def test_founders_alone_are_not_said_to_lack_a_score(fake: FakeRun) -> None:
    header = header_of(replace(fake, generations=0).written())
    assert "There are founders only: nothing to judge yet." in header
    assert "no score" not in header
    assert "After" not in header


def test_arms_that_end_apart_are_each_judged_at_their_own_end(fake: FakeRun) -> None:
    html = page(replace(fake, ends=(("fed", 6),)).written())
    assert "After up to 10 generations hungry collapses; fed shows no loss beyond noise." in text_of(
        html.partition("</header>")[0]
    )
    hungry, fed = map(text_of, html.partition('class="verdicts"')[2].split("<tr>")[2:4])
    assert hungry.count("n = 5; generation 10") == 3
    assert fed.count("n = 5; generation 6") == 3


def test_an_arm_that_has_ended_as_planned_keeps_its_last_draws_and_numbers_in_sight(fake: FakeRun) -> None:
    run = replace(fake, ends=(("fed", 6),)).written()
    html = page(run)
    rows = json.loads(html.split('<script type="application/json" id="data">')[1].split("</script>")[0])["rows"]
    assert rows[1]["slots"] == [0, 1, 2, 3, 4, 5, 6, 6, 6, 6, 6]  # shown for longer, stored once
    assert rows[1]["notes"][6].startswith("trained on 500")
    assert rows[1]["notes"][7:] == ["ends at generation 6"] * 4
    assert re.findall(r'<image class="drawn"[^>]* y="([^"]+)" visibility="visible"', html) == ["-280", "-168"]
    values = re.findall(r'data-table="table-1" data-column="2">([^<]+)<', html)
    assert re.fullmatch(r"ends at generation 6: 0\.85\d* \[.*\] \(n = 5\)", values[0])
    RunFolder(run.root, run.name).write_records(r for r in run.records() if r.arm == "hungry" or r.generation < 4)
    html = page(run)
    assert html.count("not run") >= 7  # planned, and not there
    assert "ends at generation" not in html


def test_every_arm_has_its_own_classes_above_its_draws(tmp_path: Path) -> None:
    @dataclass(frozen=True)
    class Classes(FakeRun):
        def condition(self, arm: str, samples: np.ndarray) -> np.ndarray | None:
            asked = {"hungry": np.arange(10), "few": np.array([3, 7])}.get(arm)
            return None if asked is None else np.resize(asked, len(samples))

    html = page(Classes(tmp_path, arms=("hungry", "few", "none"), seeds=(0,), generations=1).written())
    gallery = html.partition('<div class="rows">')[2].partition("<section")[0]
    heads = [re.findall(r'<text class="mid"[^>]*>(\d+)<', part) for part in gallery.split("<strong>")[1:]]
    assert heads == [list("01234567890123456789"), ["3", "7"] * 10, []]
    assert "not asked for by class" in gallery.rpartition("<strong>")[2]


def test_classes_that_hold_for_several_arms_stand_once(standard: str) -> None:
    assert standard.count('<svg class="heads"') == 1


def test_the_key_of_class_histograms_holds_on_dark_pages_too(standard: str) -> None:
    section = text_of(standard.partition('<section id="classes"')[2].partition("</section>")[0])
    assert (
        "the stronger its colour, the larger its share of the samples. Each arm's colours are on a scale of" in section
    )
    assert "dark" not in section


def test_class_histograms_give_the_range_of_n(fake: FakeRun) -> None:
    section = page(replace(fake, diverged=(("fed", 1, 4),)).written()).partition('<section id="classes"')[2]
    hungry, fed = re.findall(r"<figcaption>([^<]*)</figcaption>", section)[:2]
    assert hungry.endswith("mean over n = 5 lineages")
    assert fed.endswith("mean over n = 4–5 lineages")


def test_bars_of_symbols_are_named(fake: FakeRun) -> None:
    gallery = (
        page(replace(fake, draws=symbols).written()).partition('<div class="plots bars')[2].partition("<section")[0]
    )
    for row in gallery.split("<strong>")[1:]:
        found = re.findall(r'<text class="mid" x="([\d.]+)" y="221">(\d+)</text>', row)
        assert [name for _, name in found] == [str(k) for k in range(12)]
        assert all(abs(float(x) - (int(k) + 0.43) * 800 / 12) < 0.1 for x, k in found)
    assert 'viewBox="0 0 800 226"' in gallery


def test_names_of_many_symbols_do_not_touch(fake: FakeRun) -> None:
    def many(arm: str, generation: int, rng: np.random.Generator) -> np.ndarray:
        return np.arange(100)

    html = page(replace(fake, draws=many, generations=1).written())
    row = html.partition('<div class="plots bars')[2].split("<strong>")[1]
    assert re.findall(r'y="221">(\d+)<', row) == [str(k) for k in range(0, 64, 5)]
    assert "The first 64 of 100 symbols." in html


def test_one_lineage_has_no_interval_and_no_verdict(fake: FakeRun) -> None:
    text = text_of(page(replace(fake, seeds=(0,)).written()))
    assert "too few lineages to judge hungry and fed" in text
    assert "[NaN" not in text
    assert "nan" not in text


def test_every_figure_says_what_its_numbers_are_over(standard: str) -> None:
    captions = re.findall(r"<figcaption>([^<]*)</figcaption>\s*<svg class=\"chart\"", standard)
    assert len(captions) == 6
    assert all("mean of 5 lineages, 95 % t-interval over lineages" in text for text in captions)


def test_floors_stand_below_the_verdicts(standard: str) -> None:
    row = text_of(standard.partition('<tr class="floors">')[2].partition("</tr>")[0])
    assert row.split() == ["real", "against", "real", "0.9", "0.9", "1"]


def test_the_forecast_stands_beside_what_was_measured(standard: str) -> None:
    section = text_of(standard.partition('id="forecast"')[2].partition("</section>")[0])
    assert re.search(r"hungry moments variance ratio 10 0\.434 0\.41\d \[0\.\d+, 0\.\d+\] 5 no", section)
    assert re.search(r"fed moments variance ratio 10 1 a guide only 0\.95\d? \[", section)


def test_one_lineage_has_an_interval_over_its_samples_where_the_metric_knows_one(fake: FakeRun) -> None:
    run = replace(fake, seeds=(0,), error=0.25).written()
    text = text_of(page(run))
    assert "95 % interval over the samples of one lineage" in text
    assert re.search(r"2\.\d+ \[1\.\d+, 2\.\d+\] \(n = 1\)", text)


def test_the_spread_over_seeds_is_split_where_the_metric_knows_its_error(fake: FakeRun) -> None:
    text = text_of(page(replace(fake, error=0.01).written()))
    section = text.partition("what the spread over seeds is made of")[2].partition("Forecast against measured")[0]
    assert re.search(r"hungry frechet\[lenet\] distance 22\.\d+ 0\.\d+ 0\.01 0\.\d+ \[0\.\d+, 0\.\d+\] 5", section)


def test_what_was_eaten_is_told_by_origin(standard: str) -> None:
    hungry = standard.partition('class="card diet arm-0"')[2].partition("</figure>")[0]
    assert (
        re.findall(r'class="piece (\w+)"[^>]*height="([1-9][\d.]*)"', hungry)
        == [("real", "110.0")] + [("last", "110.0")] * 10
    )
    assert "500, all from the generation before" in hungry


def test_what_a_lineage_ate_ends_where_it_diverged(fake: FakeRun) -> None:
    html = page(replace(fake, diverged=(("hungry", 0, 3), ("hungry", 1, 5))).written())
    hungry = html.partition('class="card diet arm-0"')[2].partition("</figure>")[0]
    assert len(re.findall(r'class="piece \w+"[^>]*height="110\.0"', hungry)) == 3
    assert "nothing: diverged at generation 3" in hungry
    assert "2 lineages diverged." in html


def test_a_lineage_that_diverges_again_and_again_is_counted_once(fake: FakeRun) -> None:
    run = replace(fake, arms=("fed",), seeds=(0, 1)).written()
    folder = RunFolder(run.root, run.name)
    folder.write_records([replace(r, status="diverged", reason="not finite", scores={}) for r in run.records()])
    text = text_of(page(run))
    assert "2 lineages diverged." in text
    assert "nothing can be judged: every lineage diverged before it was measured." in text


def test_a_control_that_goes_on_after_it_diverged_is_told_what_it_ate(fake: FakeRun) -> None:
    run = fake.written()
    once = [replace(r, status="diverged", scores={}, trained_on={}) if (r.arm, r.seed, r.generation) == ("fed", 0, 3)
            else r for r in run.records()]  # fmt: skip
    RunFolder(run.root, run.name).write_records(once)
    fed = page(run).partition('class="card diet arm-1"')[2].partition("</figure>")[0]
    assert "500, all from the fixed real set" in fed


def test_what_has_not_run_is_not_called_diverged(fake: FakeRun) -> None:
    run = replace(fake, seeds=(0,)).written()
    first = [replace(r, status="diverged", scores={}) for r in run.records() if (r.arm, r.generation) == ("hungry", 0)]
    RunFolder(run.root, run.name).write_records(first)
    assert "nothing can be judged yet: what has run so far diverged." in text_of(page(run))


def test_draws_that_are_missing_after_a_failure_say_so(fake: FakeRun) -> None:
    run = replace(fake, failures=(Failure("hungry", 0, 4, "the disk was full"),)).written()
    RunFolder(run.root, run.name).write_records([r for r in run.records() if r.arm == "fed" or r.generation < 4])
    assert "failed at generation 4" in page(run)


def test_every_number_is_in_a_table(standard: str) -> None:
    table = standard.partition('<table id="table-1">')[2].partition("</table>")[0]
    assert table.count('<th scope="row">') == 11
    assert table.count("(n = 5)") == 22


@pytest.mark.parametrize(("draws", "mark"), [(vectors, "h0"), (line, "z"), (symbols, "z")])
def test_the_gallery_draws_what_is_no_image(draws: object, mark: str, fake: FakeRun) -> None:
    html = page(replace(fake, draws=draws).written())
    drawn = re.findall(r'<path class="drawn" d="([^"]+)"', html)
    assert len(drawn) == 2
    assert all(path.startswith("M") and path.endswith(mark) for path in drawn)


def test_the_gallery_shows_the_last_generation_without_a_script(standard: str) -> None:
    assert re.findall(r'<image class="drawn"[^>]* y="([^"]+)" visibility="visible"', standard) == ["-280", "-280"]


def test_large_images_are_shrunk_until_the_page_is_small(fake: FakeRun) -> None:
    def photos(arm: str, generation: int, rng: np.random.Generator) -> np.ndarray:
        return rng.integers(0, 256, (30, 3, 96, 128), dtype=np.uint8)

    html = page(replace(fake, draws=photos, seeds=(0,), generations=30).written())
    assert len(html) < 8_000_000  # of noise, which no PNG can make smaller
    assert 'role="img" aria-label="draws of hungry"' in html


def test_draws_that_are_gone_or_damaged_are_told_and_break_nothing(fake: FakeRun) -> None:
    fake.written()
    folders = sorted((fake.root / "artefacts").glob("*/*"))
    (folders[0] / "samples.npy").write_bytes(b"other bytes")
    for folder in folders[1:3]:
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()
    assert page(fake).count("its draws are not stored any more") == 3


def test_two_thousand_generations_are_thinned(tmp_path: Path) -> None:
    html = page(FakeRun(tmp_path, seeds=(0,), generations=2000, draws=vectors, draws_every=100).written())
    assert html.count('<th scope="row">') < 300
    assert 'max="24"' in html
    assert len(html) < 2_000_000


def test_an_empty_run_has_a_report(fake: FakeRun) -> None:
    fake.written()
    path = fake.root / "runs" / fake.name
    (path / "records.jsonl").write_text("")
    (path / "measures.json").unlink()
    text = text_of(page(fake))
    assert "nothing can be judged" in text
    assert "No generation's draws are stored." in text


def test_a_run_that_is_not_there_is_one_sentence(fake: FakeRun) -> None:
    with pytest.raises(StoreError, match="there is no run named 'other'"):
        report.write(fake.written().root, "other")


def test_a_run_without_arms_is_one_sentence(fake: FakeRun) -> None:
    run = replace(fake, arms=()).written()
    with pytest.raises(StoreError, match="has no arms to report on"):
        report.write(run.root, run.name)


def test_figures_are_saved_for_papers(fake: FakeRun) -> None:
    report.write(fake.written().root, fake.name)
    names = sorted(p.name for p in (fake.root / "runs" / fake.name / "figures").iterdir())
    assert [n for n in names if n.endswith(".svg")] == [
        "00-distance-quality-diversity.svg",
        "01-precision-recall-lenet.svg",
        "02-frechet-lenet.svg",
        "03-moments.svg",
        "04-class-balance-lenet.svg",
        "05-mixtures.svg",
    ]
    assert len(names) == 12


def test_a_new_report_leaves_no_figure_of_an_old_one(fake: FakeRun) -> None:
    folder = report.write(fake.written().root, fake.name).parent / "figures"
    others = ("budget.svg", "budget-2.png", "01-notes.txt", "my own.svg", "07-mine.png")
    for name in others:
        (folder / name).write_text("by hand")
    score = f"{FRECHET}.distance"
    fewer = [replace(r, scores={score: r.scores[score]}) for r in fake.records()]
    RunFolder(fake.root, fake.name).write_records(fewer)
    report.write(fake.root, fake.name)
    figures = {path.name for path in folder.iterdir() if path.name not in others}
    assert {(folder / name).read_text() for name in others} == {"by hand"}
    assert figures == {f"{name}.{kind}" for name in ("01-frechet-lenet", "02-mixtures") for kind in ("svg", "png")}


def test_a_report_that_fails_midway_leaves_the_old_figures_whole(fake: FakeRun) -> None:
    folder = report.write(fake.written().root, fake.name).parent / "figures"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    RunFolder(fake.root, fake.name).write_records(r for r in fake.records() if r.generation < 9)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(StoreError, match="the file would be larger than is allowed"):
            report.write(fake.root, fake.name)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize("draws", [digits, vectors, line, symbols])
def test_the_poster_is_a_picture_of_the_run(draws: object, fake: FakeRun) -> None:
    from PIL import Image

    run = replace(fake, draws=draws).written()
    report.poster(run.root, run.name, run.root / "made" / "poster.png")
    with Image.open(run.root / "made" / "poster.png") as image:
        assert image.format == "PNG"
        assert image.width == 1920
        assert len(image.convert("RGB").getcolors(image.width * image.height) or []) > 50
