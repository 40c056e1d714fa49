"""autophagy compare."""

import csv
import io
import json

import numpy as np
import pytest

from autophagy import Experiment


def test_compare_tells_the_last_generation_of_every_other_arm(ran, call):
    code, said = call("compare", "toy", "--against", "healed")
    assert code == 0
    rows = [line for line in said.splitlines() if "moments variance match" in line]
    assert [row.split()[0] for row in rows] == ["closed", "all"]
    assert "95 % t-interval over lineages" in said


def test_compare_as_csv_is_what_python_gives(ran, call):
    code, said = call("compare", "toy.toml", "--against", "closed", "--format", "csv")
    assert code == 0
    rows = list(csv.DictReader(io.StringIO(said)))
    frame = Experiment.read("toy.toml").run("autophagy-runs").compare("closed")
    assert len(rows) == len(frame) == 2 * 4 * 4  # arms, scores, generations
    np.testing.assert_allclose([float(row["difference"]) for row in rows], frame.difference)
    assert {row["arm"] for row in rows} == {"healed", "all"}


def test_compare_writes_json_and_parquet(ran, call, tmp_path):
    import pandas

    for kind in ("json", "parquet"):
        out = tmp_path / f"table.{kind}"
        assert call("compare", "toy", "--against", "closed", "--format", kind, "--out", str(out))[0] == 0
    found = json.loads((tmp_path / "table.json").read_text())
    assert len(pandas.read_parquet(tmp_path / "table.parquet")) == len(found) == 32


def test_the_legend_promises_brackets_only_where_there_are_any(ran, call):
    """The toy has two lineages: enough for Student's t, and none for a bootstrap."""
    said = call("compare", "toy", "--against", "closed", "--intervals", "bootstrap")[1]
    assert "in brackets the 95 % bootstrap interval over lineages, which needs 4 pairs." in said
    assert "in brackets the 95 % t-interval over lineages." in call("compare", "toy", "--against", "closed")[1]


@pytest.mark.parametrize("more", [[], ["--format", "csv"]])
@pytest.mark.parametrize("arms", [[], ["closed"], ["closed", "all"]])
def test_a_run_without_a_measure_yet_is_told_to_be_run_on(ran, call, arms, more):
    """As a kill leaves it: some records, and nothing of what their scores stand on."""
    folder = ran / "autophagy-runs" / "runs" / "toy"
    (folder / "measures.json").unlink()
    lines = (folder / "records.jsonl").read_text().splitlines(keepends=True)
    left = [line for line in lines if json.loads(line)["arm"] in arms and json.loads(line)["generation"] == 0]
    (folder / "records.jsonl").write_text("".join(left))
    code, said = call("compare", "toy", "--against", "closed", *more)
    assert code == 1
    assert said.startswith(
        f"autophagy: run 'toy' is not finished ({len(left)} of 24 turns), and nothing can be compared"
    )
    assert "run it on with the command that began it" in said


@pytest.mark.parametrize("reference", ["closed", "healed"])
def test_a_run_of_which_only_one_arm_has_begun_is_told_to_be_run_on(ran, call, reference):
    folder = ran / "autophagy-runs" / "runs" / "toy"
    lines = (folder / "records.jsonl").read_text().splitlines(keepends=True)
    (folder / "records.jsonl").write_text("".join(line for line in lines if json.loads(line)["arm"] == "closed"))
    code, said = call("compare", "toy", "--against", reference)
    assert code == 1
    assert "run 'toy' is not finished (8 of 24 turns)" in said
    assert "Did you mean 'closed'?" in call("compare", "toy", "--against", "close")[1]


@pytest.mark.parametrize("more", [[], ["--format", "json"]])
def test_arms_that_have_their_founder_alone_are_told_to_be_run_on(ran, call, more):
    folder = ran / "autophagy-runs" / "runs" / "toy"
    lines = (folder / "records.jsonl").read_text().splitlines(keepends=True)
    left = [x for x in lines if json.loads(x)["arm"] == "closed" or json.loads(x)["generation"] == 0]
    (folder / "records.jsonl").write_text("".join(left))
    code, said = call("compare", "toy", "--against", "closed", *more)
    assert code == 1
    assert f"run 'toy' is not finished ({len(left)} of 24 turns)" in said


def test_a_finished_run_of_one_arm_has_nothing_to_compare(here, call):
    assert call("run", "toy.toml", "--arm", "closed", "--on", "serial")[0] == 0
    assert call("compare", "toy", "--against", "closed") == (
        0,
        "no other arm shares a score with a direction with 'closed'.\n",
    )


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--against", "close"], "no arm 'close' to compare with. Did you mean 'closed'?"),
        (["--against", "closed", "--format", "parquet"], "parquet is no text for a terminal"),
        (["--against", "closed", "--out", "x.csv"], "a table is for a terminal"),
    ],
)
def test_what_cannot_be_compared_is_one_sentence(ran, call, more, sentence):
    code, said = call("compare", "toy", *more)
    assert code == 2
    assert sentence in said
    assert "Traceback" not in said
