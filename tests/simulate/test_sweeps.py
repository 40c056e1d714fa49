"""Sweeps: limits that are tested, effective sample sizes, and the shipped recipe."""

from __future__ import annotations

import json
import math
import re
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autophagy import Experiment
from autophagy.archive.disk import DiskStore
from autophagy.archive.store import MemoryStore
from autophagy.cli.simulating import SweptAndTimed
from autophagy.core.catalog import build
from autophagy.core.errors import AutophagyError, ConfigError
from autophagy.core.parts import Model
from autophagy.core.seeds import Seed
from autophagy.experiment.read import read, sweeps
from autophagy.simulate.effective import LearningCurve, measured
from autophagy.simulate.families import GaussianFamily, family
from autophagy.simulate.files import is_sweep, read_sweep, sweep
from autophagy.simulate.limits import BOUND, limit
from autophagy.simulate.sweep import Cell, Sweep, Swept
from autophagy.theory.closed_forms import fresh_data_mean_variance

RAW: dict[str, Any] = {
    "base": {
        "source": {"use": "normal", "dim": 1},
        "model": {"use": "gaussian", "unbiased": True},
        "loop": {"use": "fresh-data"},
        "real": 50,
        "samples": 100,
    },
    "sweep": {
        "panels": {"key": "bias", "values": [1.0]},
        "across": {"key": "loop.real", "values": [10, 40]},
        "up": {"key": "loop.synthetic", "values": [10, 30]},
        "replicates": 400,
    },
}


def changed(*, base: dict[str, Any] | None = None, **own: Any) -> Sweep:
    return sweep({**RAW, "base": RAW["base"] | (base or {}), "sweep": RAW["sweep"] | own})


def curve(unbiased: bool = True, dim: int = 1) -> LearningCurve:
    model: Model = build("model", {"use": "gaussian", "unbiased": unbiased})
    return LearningCurve.of(model, family(model, build("source", {"use": "normal", "dim": dim})))


@pytest.mark.parametrize("unbiased", [True, False])
def test_the_learning_curve_is_what_real_fits_have(unbiased: bool) -> None:
    """One dimension: the closed form beside fits to points."""
    for n in (2, 5, 40):
        x = np.random.default_rng(n).standard_normal((40_000, n))
        error = x.mean(1) ** 2 + (x.std(1, ddof=int(unbiased)) - 1) ** 2
        z = (error.mean() - curve(unbiased).error(n)) / (error.std() / 200)
        assert abs(z) < 4


@pytest.mark.parametrize("unbiased", [True, False])
def test_an_effective_size_is_the_inverse_of_the_learning_curve(unbiased: bool) -> None:
    found = curve(unbiased)
    for n in (2.0, 3.7, 100.0, 54_321.0, 999_999.0, 1_000_001.0, 3e9):
        assert found.size(found.error(n)) == pytest.approx(n, rel=1e-5)
    assert found.size(1e9) < 1.01
    assert found.size(0.0) == math.inf


def test_a_killed_sweep_goes_on_where_it_was(tmp_path: Path) -> None:
    sweep, store, told = changed(), DiskStore(tmp_path), list[int]()

    def dies(done: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweep.run(watch=dies, store=store)
    resumed = sweep.run(watch=told.append, store=DiskStore(tmp_path))
    assert told == [3, 4]
    assert resumed == sweep.run()
    assert sweep.run(watch=told.append, store=store) == resumed
    assert told == [3, 4, 4]
    assert sweep.run(on="processes:2", store=DiskStore(tmp_path)) == resumed


@pytest.mark.parametrize(
    "other", [{"replicates": 401}, {"seed": 1}, {"base": {"real": 51}}, {"base": {"model": "gaussian"}}]
)
def test_another_sweep_has_cells_of_its_own(other: dict[str, Any]) -> None:
    store, told = MemoryStore(), list[int]()
    changed().run(store=store)
    changed(**other).run(watch=told.append, store=store)
    assert told == [0, 1, 2, 3, 4]


def test_cells_are_shared_by_sweeps_that_overlap() -> None:
    store, told = MemoryStore(), list[int]()
    changed().run(store=store)
    changed(across={"key": "loop.real", "values": [10, 40, 80]}).run(watch=told.append, store=store)
    assert told == [4, 5, 6]


def test_a_damaged_cell_is_followed_again(tmp_path: Path) -> None:
    sweep, told = changed(), list[int]()
    first = sweep.run(store=DiskStore(tmp_path))
    cell = sorted(tmp_path.glob("artefacts/*/*.json"))[0]
    cell.write_text(cell.read_text().replace("0.", "1.", 1))
    assert sweep.run(watch=told.append, store=DiskStore(tmp_path)) == first
    assert told == [3, 4]


def test_a_loop_without_real_data_is_refused_at_once() -> None:
    with pytest.raises(AutophagyError, match="the loop's last generation eats no real data"):
        changed(
            base={"loop": "fully-synthetic", "bias": 0.5},
            panels={"key": "bias", "values": [0.5]},
            across={"key": "samples", "values": [50]},
            up={"key": "real", "values": [50]},
        ).run()


def test_arms_beside_a_sweep_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"a sweep has one arm, its cell; put what arms\.… says into \[base\]"):
        sweep({**RAW, "arms": {"mine": {"model": "kde"}}})


def test_maximum_likelihood_ends_where_the_block_recursion_says() -> None:
    """λ = 1: the mean's error is V and the variance 1 − V, in every cell; and every limit is tested."""
    found = changed(base={"model": "gaussian"}, replicates=2000).run()
    for cell in found.cells:
        v = fresh_data_mean_variance(int(float(cell.address[1])), int(float(cell.address[2])))
        for reading, truth in (("mean_error", v), ("variance_ratio", 1 - v)):
            estimate = cell.limit.readings[reading]
            assert abs(estimate.mean - truth) / estimate.error < 4
        assert cell.limit.is_tested
        assert abs(cell.limit.drift) <= BOUND


def test_the_limit_forgets_how_the_loop_began() -> None:
    """Founders of 3 and of 5,000 real points come to one error, within its standard errors."""
    ends = []
    for real in (3, 5000):
        (cell,) = (
            changed(
                base={"real": real, "bias": 0.8},
                panels={"key": "bias", "values": [0.8]},
                across={"key": "loop.real", "values": [10]},
                up={"key": "loop.synthetic", "values": [30]},
                replicates=2000,
            )
            .run()
            .cells
        )
        ends.append(cell.limit.readings["w2_squared"])
    gap, error = ends[0].mean - ends[1].mean, np.hypot(ends[0].error, ends[1].error)
    assert abs(gap) < 4 * error


def test_a_slow_loop_is_run_for_longer() -> None:
    """With 10 new points among 1,010 the founder's share of the mean falls by a hundredth in a generation."""
    experiment = changed(base={"samples": 1000}).cell((1.0, 10.0, 1000.0))
    found = limit(experiment, curve(), replicates=50, seed=0)
    assert found.generations >= 1024
    quick = limit(changed().cell((1.0, 40.0, 10.0)), curve(), replicates=50, seed=0)
    assert quick.generations < 1024


def test_the_control_takes_away_the_luck_of_the_real_data() -> None:
    """Few synthetic points among many real ones: nearly all of the noise is the real data's, whose error is known."""
    found = limit(changed().cell((1.0, 1000.0, 10.0)), curve(), replicates=400, seed=0).readings
    squared, w2 = found["w2_squared"], found["w2"]
    without = 2 * w2.error / w2.mean  # a square's relative error is about twice as large
    assert squared.error / squared.mean < 0.3 * without


LAWS: list[dict[str, Any]] = [
    {"dim": 2},
    {"dim": 3, "covariance": [[4.0, 1.0, 0.0], [1.0, 1.0, 0.02], [0.0, 0.02, 0.01]]},
    {"dim": 2, "covariance": [[1.0, 2.0], [2.0, 4.0]]},  # of one direction
]


def law(settings: dict[str, Any], unbiased: bool) -> GaussianFamily:
    model = build("model", {"use": "gaussian", "unbiased": unbiased})
    found = family(model, build("source", {"use": "normal", **settings}))
    assert isinstance(found, GaussianFamily)
    return found


@pytest.mark.parametrize("unbiased", [True, False])
@pytest.mark.parametrize("settings", LAWS)
def test_a_measured_curve_is_the_mean_of_other_draws_between_its_nodes_too(
    settings: dict[str, Any], unbiased: bool
) -> None:
    """Beside 100,000 fits without control variates; in one direction only the closed form is at hand as well."""
    of = law(settings, unbiased)
    found = LearningCurve.of(of.model, of)
    for n in (2, 3, 4, 7, 17, 150):
        rng = np.random.default_rng(n)
        plain = of.fit([of.truth.law(100_000).draw(n, "moments", rng)]).read()["w2_squared"]
        error = plain.std() / math.sqrt(len(plain))
        assert found.doubt(n) < error * (math.sqrt(10) if n < 150 else 0.3)  # of ten times as many fits
        assert abs(found.error(n) - plain.mean()) < 4 * math.hypot(error, found.doubt(n))
    if of.truth.is_flat:
        line = LearningCurve(unbiased, variance=of.truth.total)
        assert found.error(150) == pytest.approx(line.error(150), abs=4 * found.doubt(150))


@pytest.mark.parametrize("n", [3, 4, 12, 200])
def test_a_measured_curves_doubt_is_how_other_draws_scatter(n: int) -> None:
    of = law({"dim": 3}, True)
    found = np.array([measured(of, n, Seed(("other", i))) for i in range(60)])
    assert 0.7 < found[:, 0].std(ddof=1) / found[:, 1].mean() < 1.4


def test_in_more_dimensions_real_data_alone_are_worth_themselves() -> None:
    """A loop of fresh real data only: n_e is their number, on a curve that was measured."""
    raw = {"source": {"use": "normal", "dim": 3}, "model": {"use": "gaussian", "unbiased": True}, "real": 10}
    arms = {"cell": {**raw, "loop": {"use": "real-only", "fresh": 50}}}
    end = limit(Experiment.of({"arms": arms}), curve(dim=3), replicates=300, seed=0)
    assert end.real == 50
    assert curve(dim=3).size(end.readings["w2_squared"].mean) == pytest.approx(50, rel=0.01)


def test_numbers_do_not_depend_on_processes() -> None:
    serial, spread = (changed().run(on=on).json() for on in ("serial", "processes:2"))
    assert serial == spread


def test_borders_are_where_the_ratio_falls_through_one() -> None:
    whole = changed(up={"key": "loop.synthetic", "values": [10, 20, 40]})
    limits = changed().run().cells[0].limit
    cells = tuple(
        Cell((1.0, x, y), limits, size, size, size)
        for x, sizes in ((10.0, (15.0, 12.0, 5.0)), (40.0, (11.0, 12.0, 13.0)))
        for y, size in zip((10.0, 20.0, 40.0), sizes, strict=True)
    )
    found = Swept(whole, cells)
    first, second = found.borders(1.0)
    assert second is None
    worth = np.log([1.2, 0.5]) / [20, 40]
    assert first == pytest.approx(20 + 20 * worth[0] / (worth[0] - worth[1]))


@pytest.mark.parametrize(
    ("sizes", "told"), [((15.0, 12.0), "every"), ((5.0, 4.0), "none"), ((5.0, 15.0), "–"), ((15.0, 5.0), "2[0-9]")]
)
def test_where_all_synthetic_points_help_or_none_is_said(
    sizes: tuple[float, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = changed(across={"key": "loop.real", "values": [10]})
    end = changed().run().cells[0].limit
    cells = tuple(Cell((1.0, 10.0, y), end, n, n, n) for y, n in zip((10.0, 30.0), sizes, strict=True))
    SweptAndTimed(Swept(whole, cells), 1.0, 0).show()
    (line,) = (line for line in capsys.readouterr().out.splitlines() if line.startswith("n_e = n_r at"))
    assert re.fullmatch(told, line.split()[-1])


def test_the_shipped_sweep_is_what_was_promised() -> None:
    assert sweeps() == ["mad-effective-sample-size"]
    for profile, dim in ((None, 1), ("nightly", 10)):
        found = read_sweep("mad-effective-sample-size", profile=profile)
        assert found.panels.values == (1.0, 0.9, 0.8, 0.6)
        assert len(found.across.values) >= 10
        assert len(found.up.values) >= 10
        assert len(found.across.values) * len(found.up.values) >= 120
        assert found.replicates >= 2000
        for address in (found.addresses()[0], found.addresses()[-1]):
            (arm,) = found.cell(address).arms.values()
            assert len(arm.source.moments()[0]) == dim  # type: ignore[attr-defined]
            assert (arm.bias, arm.loop.real, arm.loop.synthetic) == address  # type: ignore[attr-defined]


def test_the_shipped_sweep_runs_in_its_smoke_profile(tmp_path: Path) -> None:
    """And shows what the paper found: the region that helps grows with λ, and shrinks with n_s where λ < 1."""
    from autophagy.simulate.figures import save

    found = read_sweep("mad-effective-sample-size", profile="smoke").run()
    clean, biased = found.ratios(1.0), found.ratios(0.8)
    assert (clean > 1).all()
    assert (clean < 2.1).all()
    assert (biased[-1] < 1).all()
    assert (biased[0] > 1).all()
    save(found, tmp_path / "map.png")
    assert (tmp_path / "map.png").stat().st_size > 10_000
    assert len(json.dumps(found.json(), allow_nan=False)) > 1000
    assert len(found.to_pandas()) == 18


REFUSED: dict[str, tuple[Any, str]] = {
    "a setting that is not there": ({"accross": {}}, r"sweep.accross: there is no such setting. Did you mean 'across'"),
    "an axis without values": ({"across": {"key": "bias"}}, "sweep.across must be a table like"),
    "an axis of nothing": ({"across": {"key": "bias", "values": []}}, "must have at least one entry"),
    "an axis that is a name": ({"across": {"key": "loop.reel", "values": [1]}}, "loop.reel.*Did you mean 'real'"),
    "too large a λ": ({"panels": {"key": "bias", "values": [2.0]}}, "bias must be above 0 and at most 1"),
    "no replicates": ({"replicates": 0}, "replicates must be at least 1"),
    "too few to test a limit": ({"replicates": 29}, "replicates must be at least 30 in a sweep, but is 29"),
    "too many to be held": ({"replicates": 10**9}, "lineages of a cell are too many to be held at once; use at most"),
    "a value twice": ({"across": {"key": "loop.real", "values": [10, 40, 10.0]}}, "10.0 is there twice"),
    "a setting on two axes": ({"across": {"key": "bias", "values": [1]}}, "'bias' is on more than one axis"),
    "texts upwards": ({"up": {"key": "loop.use", "values": ["fresh-data"]}}, "sweep.up: .*finite numbers above 0"),
    "texts across": ({"across": {"key": "loop.use", "values": ["fresh-data"]}}, "sweep.across: .*go on panels"),
    "nought upwards": ({"up": {"key": "loop.synthetic", "values": [0, 10]}}, "must be finite numbers above 0"),
    "values that fall": ({"up": {"key": "loop.synthetic", "values": [30, 10]}}, "in rising order"),
    "too many points of the last generation": (
        {"up": {"key": "loop.synthetic", "values": [1000]}},
        "the loop draws 1000 samples of generation 0, which has 100",
    ),
}


@pytest.mark.parametrize(("own", "sentence"), REFUSED.values(), ids=REFUSED.keys())
def test_a_sweep_that_cannot_be_is_refused_in_one_sentence(own: dict[str, Any], sentence: str) -> None:
    with pytest.raises(AutophagyError, match=sentence) as caught:
        changed(**own).run()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("base", "sentence"),
    [
        ({"model": {"use": "kde"}}, "an effective sample size is in Wasserstein distances between Gaussians"),
        ({"model": "gaussian-mixture"}, "has no closed form"),
        ({"source": {"use": "gaussian-mixture", "means": [[-3.0], [3.0]]}}, "read off a learning curve of normal data"),
        ({"loop": {"use": "fully-synthetic"}}, "no such setting"),
    ],
)
def test_families_without_a_distance_are_refused(base: dict[str, Any], sentence: str) -> None:
    with pytest.raises(AutophagyError, match=sentence):
        changed(base=base).run()


def test_a_change_of_what_is_on_an_axis_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"'base.bias=0.5' sets what is on an axis"):
        sweep(RAW, changes=["base.bias=0.5"])


def test_a_loop_without_a_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autophagy.simulate.limits.LONGEST", 512)
    raw = {**RAW, "base": RAW["base"] | {"loop": {"use": "fully-synthetic"}}}
    raw["sweep"] = {
        "panels": {"key": "bias", "values": [1.0]},
        "across": {"key": "real", "values": [10]},
        "up": {"key": "samples", "values": [100]},
    }
    with pytest.raises(AutophagyError, match="has no limit within"):
        sweep(raw).run()


def test_a_file_is_a_sweep_if_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("[sweep]\n")
    (tmp_path / "other.toml").write_text("seeds = [0]\n")
    (tmp_path / "broken.toml").write_text("[sweep\n")
    told = [is_sweep(str(tmp_path / f"{name}.toml")) for name in ("mine", "other", "broken", "absent")]
    assert told == [True, False, False, False]
    assert is_sweep("mad-effective-sample-size")
    assert not is_sweep("mad-gaussian")
    with pytest.raises(ConfigError, match="is no sweep"):
        read_sweep(str(tmp_path / "other.toml"))


def test_a_sweep_is_no_experiment(tmp_path: Path) -> None:
    path = tmp_path / "my sweep.toml"
    path.write_text("[sweep]\n")
    for file, told in ((str(path), f"'{path}'"), ("mad-effective-sample-size", "mad-effective-sample-size")):
        with pytest.raises(ConfigError) as caught:
            read(file)
        assert str(caught.value) == f"{file} is a sweep, not one experiment; run: autophagy simulate {told}"
    with pytest.raises(ConfigError, match="Did you mean 'mad-effective-sample-size'"):
        read("mad-efective-sample-size")


@pytest.mark.parametrize("dim", [1, 2, 5])
def test_the_room_of_a_cell_is_enough_for_what_it_holds(dim: int) -> None:
    """NumPy tells its allocations: at the peak, each further lineage adds less than the bound reckons with."""
    experiment = changed(base={"source": {"use": "normal", "dim": dim}, "samples": 100}).cell((1.0, 40.0, 30.0))
    settled = curve(dim=dim)
    peaks = []
    for replicates in (2000, 10_000):
        tracemalloc.start()
        limit(experiment, settled, replicates=replicates, seed=0)
        peaks.append(tracemalloc.get_traced_memory()[1] / 8)  # numbers
        tracemalloc.stop()
    reckoned = 24 + 8 * 3 * dim**2  # two blocks are eaten and one is left
    assert 0.3 * reckoned < (peaks[1] - peaks[0]) / 8000 < reckoned
