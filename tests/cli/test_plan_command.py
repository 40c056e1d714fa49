import json
from pathlib import Path

import pytest

from autophagy.archive.run_folder import Eaten
from autophagy.experiment.plan_table import meal


def test_a_plan_counts_what_is_shared_and_what_is_there(ran, call):
    code, said = call("plan", "toy.toml", "--json")
    told = json.loads(said)
    assert code == 0
    assert told["turns"] == 3 * 2 * 4
    # generations 0 of all three arms, 1 and 2 of `closed` and `healed` are the same fits
    assert told["distinct_fits"] == 2 * (4 + 1 + 3)
    assert told["distinct_founders"] == 2
    assert told["computed_already"] == told["turns"]
    assert told["disk_bytes"] == 0
    assert set(told["forecast"]) == {"closed", "healed", "all"}
    last = next(arm for arm in told["arms"] if arm["name"] == "all")["last"]
    assert [(e["origin"], e["count"]) for e in last] == [
        ("real", 50), ("generation 0", 80), ("generation 1", 80), ("generation 2", 80),
    ]  # fmt: skip


def test_a_plan_makes_no_folder(here, call):
    code, said = call("plan", "toy.toml")
    assert code == 0
    assert "16 distinct fits" in said
    assert "8 fits saved by sharing" in said
    assert "2 of 6 founders" in said
    assert [path.name for path in here.iterdir()] == ["toy.toml"]


def test_one_generation_more_is_all_that_is_new(ran, call):
    told = json.loads(call("plan", "toy.toml", "--set", "generations=4", "--json")[1])
    assert told["turns"] - told["computed_already"] == 3 * 2


def test_profiles_and_changes_reach_the_plan(here, call):
    told = json.loads(call("plan", "toy.toml", "--profile", "smoke", "--set", "base.samples=7", "--json")[1])
    assert told["turns"] == 3 * 2 * 2
    assert {arm["samples"] for arm in told["arms"]} == {7}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nowhere.toml"], "nowhere.toml is no file that can be read and no recipe."),
        (["demmo"], "Did you mean 'demo'?"),
        (["toy.toml", "--profile", "smok"], "Did you mean 'smoke'?"),
        (["toy.toml", "--set", "base.sample=3"], "Did you mean 'samples'?"),
        (["toy.toml", "--set", "nonsense"], "--set takes key.path=value"),
        (["toy.toml", "--set", "base.real=0"], "real must be at least 1, but is 0."),
        (["toy.toml", "--store", "toy.toml", "--set", "arms.closed.loop={use='fully-synthetic', size=81}"], "has 80"),
    ],
)
def test_a_wrong_plan_is_one_sentence_and_exit_code_2(here, call, arguments, sentence):
    code, said = call("plan", *arguments)
    assert code == 2
    assert sentence in said
    assert len(said.strip().splitlines()) == 1


def test_a_shipped_recipe_is_planned_by_name(here: Path, call):
    code, said = call("plan", "mad-gaussian", "--profile", "smoke")
    assert code == 0
    assert "distinct fits" in said


def test_generations_in_a_row_are_told_together():
    row = [Eaten("real", 50), *(Eaten(f"generation {g}", 10) for g in range(1000))]
    assert meal(row) == "50 real + 10,000 of generations 0–999"
    assert meal([Eaten("generation 4", 5), Eaten("generation 3 of arm 'x'", 6), Eaten("fresh", 7)]) == (
        "5 of generation 4 + 6 of generation 3 of arm 'x' + 7 fresh"
    )
    assert meal([]) == "nothing"
