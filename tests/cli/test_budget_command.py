"""`autophagy budget`: an answer, a table, a figure and JSON from a finished run; a sentence for everything else."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from autophagy import Experiment

from .conftest import Call

FED = """
seeds = [0, 1, 2, 3, 4]
generations = 4
[base]
source = { use = "normal", dim = 8 }
model = "gaussian"
real = 60
reference = 20
metrics = [{ use = "wasserstein", of = "model" }]
[arms.real-only]
loop = "real-only"
learning_curve = [10, 20, 40, 120]
[arms.some]
loop = { use = "fixed-share", synthetic = 0.25 }
[arms.half]
loop = { use = "fixed-share", synthetic = 0.5 }
[arms.closed]
loop = "fully-synthetic"
[arms.added]
loop = "synthetic-augmentation"
"""


@pytest.fixture(scope="session")
def fed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fed")
    (folder / "fed.toml").write_text(FED)
    Experiment.read(folder / "fed.toml").run(folder / "autophagy-runs")
    return folder


@pytest.fixture
def ready(fed: Path, here: Path) -> Path:
    """The working folder with fed.toml and its run."""
    shutil.copytree(fed, here, dirs_exist_ok=True)
    return here


@pytest.mark.parametrize("name", ["fed", "fed.toml", None])
def test_a_run_a_file_or_the_last_run_gives_an_answer_a_table_and_a_figure(
    ready: Path, call: Call, name: str | None
) -> None:
    code, said = call("budget", *([name] if name else []), "--metric", "wasserstein[of=model]", "--tolerance", "30%")
    assert code == 0
    answer, *rest = said.splitlines()
    assert answer.startswith("Up to ")
    assert (
        "synthetic costs less than 30 % of wasserstein[of=model] w2, n = 5 seeds, generation 4; by that score" in answer
    )
    assert rest[0].startswith("Adding 60 synthetic rows to 60 real ones changes wasserstein[of=model] w2 by ")
    rows = {line.split()[0]: line for line in rest if line.startswith(("real-only", "some", "half", "closed", "added"))}
    assert [f" {share} % " in rows[arm] for arm, share in (("some", 25), ("half", 50), ("closed", 100))] == [True] * 3
    figures = ready / "autophagy-runs" / "runs" / "fed" / "figures"
    assert (figures / "budget.png").read_bytes()[:4] == b"\x89PNG"
    picture = (figures / "budget.svg").read_text()
    for text in ("what a share costs", "what real data alone gives", "what a share is worth", "n = 5 lineages"):
        assert text in picture


def test_json_is_strict_and_says_the_same(ready: Path, call: Call) -> None:
    code, said = call("budget", "fed", "--metric", "wasserstein[of=model].w2", "--tolerance", "20%", "--json")
    assert code == 0
    told = json.loads(said, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    (found,) = told["budgets"]
    assert (told["run"], found["reference"], found["rows"], found["generation"]) == ("fed", "real-only", 60, 4)
    assert [(dose["arm"], dose["share"]) for dose in found["shares"]] == [
        ("real-only", 0), ("some", 0.25), ("half", 0.5), ("closed", 1),
    ]  # fmt: skip
    assert found["budget"]["low"] <= found["budget"]["at"] <= found["budget"]["high"]
    assert found["shares"][2]["worth"] < found["shares"][0]["worth"]
    assert [point["real"] for point in found["learning_curve"]] == [10, 20, 40, 60, 120]
    assert not (ready / "autophagy-runs" / "runs" / "fed" / "figures").exists()


def test_a_tolerance_may_be_an_amount(ready: Path, call: Call) -> None:
    code, said = call("budget", "fed", "--tolerance", "0.2")
    assert code == 0
    assert "costs less than 0.2 in wasserstein[of=model] w2" in said


def test_the_mean_of_the_last_generations_may_be_judged(ready: Path, call: Call) -> None:
    code, said = call("budget", "fed", "--last", "2", "--generation", "3")
    assert code == 0
    assert "generations 2–3" in said


def test_a_recipe_or_file_that_was_not_run_says_which_command_runs_it(ready: Path, call: Call) -> None:
    code, said = call("budget", "mad-gaussian")
    assert (code, said.strip()) == (
        1,
        "autophagy: 'mad-gaussian' has not been run in autophagy-runs yet; run it first: autophagy run mad-gaussian",
    )
    (ready / "new one.toml").write_text(FED)
    assert "autophagy run 'new one.toml'" in call("budget", "new one.toml")[1]
    assert "there is no run 'fod' in autophagy-runs. Did you mean 'fed'?" in call("budget", "fod")[1]


def test_a_run_that_has_not_ended_is_not_judged(ready: Path, call: Call) -> None:
    (ready / "autophagy-runs" / "runs" / "fed" / "measures.json").unlink()
    code, said = call("budget", "fed")
    assert code == 1
    assert "run 'fed' has not come to an end yet; the command that began it goes on." in said


def test_a_run_for_another_question_says_what_is_missing(ran: Path, call: Call) -> None:
    code, said = call("budget", "toy")
    assert code == 2
    assert "there is no real-only arm to hold others against; add [arms.real-only]" in said


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--metric", "wasserstien[of=model].w2"), "Did you mean 'wasserstein[of=model].w2'?"),
        (("--tolerance", "a lot"), "a tolerance is a percentage above 0"),
        (("--generation", "9"), "'some' ends at generation 4"),
        (("--last", "5"), "the mean of 5 generations up to generation 4 would take in the founder"),
    ],
)
def test_what_cannot_be_asked_is_one_sentence(
    ready: Path, call: Call, arguments: tuple[str, str], sentence: str
) -> None:
    code, said = call("budget", "fed", *arguments)
    assert code == 2
    assert sentence in said
    assert len(said.strip().splitlines()) == 1


def test_names_from_outside_are_neither_obeyed_nor_printed_raw(ready: Path, call: Call) -> None:
    path = ready / "autophagy-runs" / "runs" / "fed"
    for file in ("run.json", "records.jsonl", "measures.json"):
        text = (path / file).read_text().replace('"half"', '"\\u001b[31m<b>$x_1$"')
        (path / file).write_text(text)
    code, said = call("budget", "fed")
    assert code == 0
    assert "\x1b" not in said
    assert "<b>$x_1$" in said
    (path / "records.jsonl").write_text('{"arm": 5, "scores": 7}\n')
    assert call("budget", "fed")[0] == 1


def test_the_report_shows_the_budget_and_leaves_founders_out_of_the_curves(ready: Path, call: Call) -> None:
    assert call("report", "fed")[0] == 0
    page = (ready / "autophagy-runs" / "runs" / "fed" / "report.html").read_text()
    assert "than 5\u00a0% of wasserstein[of=model] w2" in page  # no line ends before the %
    assert page.count("data:image/png;base64,") >= 1
    assert "real-only, n=10" not in page
