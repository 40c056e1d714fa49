"""What a notebook, a program and a table get."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch

import autophagy
from autophagy.core.catalog import build, known_names
from autophagy.core.errors import ConfigError

RNG = np.random.default_rng(0)
REAL, FAKE = RNG.normal(size=(60, 3)), RNG.normal(size=(60, 3)) + 1


@pytest.fixture(scope="module")
def found():
    return autophagy.score(REAL, FAKE)


def test_the_function_stays_a_function_after_its_package_is_loaded(found):
    assert found.value("frechet.distance") > 0
    assert autophagy.score(REAL, FAKE, metrics=["moments"], intervals=False).scores


def test_a_data_frame_has_a_row_for_each_number(found):
    table = found.to_pandas()
    assert len(table) == len(found.scores)
    row = table.set_index(["metric", "name"]).loc[("precision-recall", "precision")]
    assert row["low"] < row["value"] < row["high"]
    assert (row["n_real"], row["n_fake"], row["floor_n_real"]) == (60, 60, 30)


def test_json_is_strict_and_whole(found):
    told = json.loads(found.to_json(), parse_constant=pytest.fail)
    assert len(told["scores"]) == len(found.scores)
    precision = next(s for s in told["scores"] if s["name"] == "precision")
    assert precision["identity"]["k"] == 5
    assert precision["interval"] == "jackknife, 10 blocks"
    assert told["real"] == {"label": "REAL", "n": 60, "looks": {}, "left_out": [], "digest": found.real.digest}


def test_a_value_that_is_not_a_number_is_a_text():
    one = np.ones((30, 2))
    told = json.loads(autophagy.score(one, one, metrics=["moments"]).to_json(), parse_constant=pytest.fail)
    assert next(s for s in told["scores"] if s["name"] == "variance_ratio")["value"] == "NaN"


def test_the_html_is_a_table_with_floors_and_notes(found):
    html = found._repr_html_()
    assert html.count("<tr>") == 1 + sum(s.is_main for s in found.scores)
    assert "floor: real data against other real data of the same set, 30 against 15 or 30 against 30; of fewer" in html
    assert "not measured: " in html


def test_every_registered_metric_is_measured_or_explained(found):
    assert {s.metric for s in found.scores} | set(found.left_out) == set(known_names("metric"))
    assert {s.metric for s in found.scores} & set(found.left_out) == set()


def test_the_same_question_has_the_same_bytes(found):
    assert autophagy.score(REAL, FAKE).to_json() == found.to_json()


def test_settings_out_of_range_are_named():
    for name in ("size", "limit"):
        with pytest.raises(ConfigError, match=f"{name} must be at least 1.*, but is 0"):
            autophagy.score(REAL, FAKE, **{name: 0})
    with pytest.raises(ConfigError, match="size must be at least 1 and at most 4096, but is 5000"):
        autophagy.score(REAL, FAKE, size=5000)


def test_metrics_without_a_real_side_have_notes_too():
    rng = np.random.default_rng(0)
    found = autophagy.score(rng.normal(size=(60, 8)), rng.normal(size=(50, 8)), metrics="pairwise-distance")
    assert not any(note.startswith("floor") for note in found.notes())
    assert "pairwise-distance" in found._repr_html_()


def test_the_neighbour_that_numbers_stand_on_is_said():
    rng = np.random.default_rng(0)
    metrics = [{"use": "precision-recall", "k": 3}, "density-coverage"]
    found = autophagy.score(rng.normal(size=(60, 8)), rng.normal(size=(50, 8)), metrics=metrics, intervals=False)
    assert "neighbours: k = 3 for precision-recall, k = 5 for density-coverage" in found.notes()


def test_two_metrics_of_one_name_are_told_apart():
    rng = np.random.default_rng(0)
    metrics = [{"use": "precision-recall", "k": k} for k in (10, 3)]
    found = autophagy.score(rng.normal(size=(60, 8)), rng.normal(size=(50, 8)) + 1, metrics=[*metrics, "moments"])
    ten, three = (found.value(f"precision-recall[pixels, k={k}].precision") for k in (10, 3))
    assert ten > three
    with pytest.raises(KeyError):
        found.value("precision-recall.precision")
    assert {"precision-recall[pixels, k=3]", "moments"} < set(found.to_pandas().metric)
    assert found.value("moments.variance") > 0


@pytest.mark.parametrize("metric", ["modes", {"use": "frechet", "matched": "group"}, "prompt-diversity"])
def test_what_a_metric_lacks_is_said_once(metric):
    rows = np.random.default_rng(0).normal(size=(20, 3))
    with pytest.raises(ConfigError) as told:
        autophagy.score(rows, rows, metrics=metric)
    assert str(told.value).count("metric '") == 1
    assert ".;" not in str(told.value)


def test_tensors_are_arrays():
    real, fake = torch.tensor(REAL, requires_grad=True), torch.tensor(FAKE)
    found = autophagy.score(real, fake, metrics=["frechet"])
    assert found.to_json() == autophagy.score(REAL, FAKE, metrics=["frechet"]).to_json()
    assert autophagy.score(real.bfloat16(), fake, metrics="moments", intervals=False).real.n == 60


def test_one_metric_alone_is_that_one():
    for one in ("frechet", {"use": "frechet"}, build("metric", "frechet")):
        assert {s.metric for s in autophagy.score(REAL, FAKE, metrics=one, intervals=False).scores} == {"frechet"}


@pytest.mark.parametrize("what", [REAL.tolist(), None, 3])
def test_what_is_no_side_is_one_sentence(what):
    kind = {list: "a list", int: "an int", type(None): "NoneType"}[type(what)]
    with pytest.raises(ConfigError, match=f"REAL must be a path, a NumPy array or a torch tensor, but is {kind}."):
        autophagy.score(what, FAKE)


@pytest.mark.parametrize("metrics", [[3], 3, ["frechet", None]])
def test_what_is_no_metric_is_one_sentence(metrics):
    with pytest.raises(ConfigError, match='metrics are names, tables with use = "name", or metrics, but one is'):
        autophagy.score(REAL, FAKE, metrics=metrics)


def test_it_works_without_torch():
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "import numpy as np, autophagy\n"
        "x = np.random.default_rng(0).normal(size=(40, 3))\n"
        "print(len(autophagy.score(x, x + 1).scores))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert int(said) > 10
