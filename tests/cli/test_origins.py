"""Every key that a plan writes can be traced, whatever its metrics read."""

from __future__ import annotations

from pathlib import Path

from autophagy import Experiment
from autophagy.archive.disk import DiskStore
from autophagy.archive.store import sheet
from autophagy.cli import provenance
from autophagy.experiment.plan import plan
from autophagy.experiment.read import experiment


def test_a_score_that_reads_the_founder_is_traced_to_it() -> None:
    found = plan(
        experiment(
            {
                "generations": 1,
                "base": {"source": "mnist", "model": "vae", "real": 50, "metrics": ["latent-spread"]},
                "arms": {"a": {"loop": "fully-synthetic"}},
            }
        )
    )
    last = found.turns[-1]
    told = dict(provenance._made(last))
    assert last.founder_fit in told[sheet(last.kept)].of


def test_rows_that_a_fit_chose_by_are_traced() -> None:
    found = plan(
        experiment(
            {
                "generations": 1,
                "base": {
                    "source": {"use": "shakespeare", "length": 20},
                    "model": {"use": "tiny-gpt", "instances": 2, "validation": 5},
                    "real": 50,
                },
                "arms": {"a": {"loop": "fully-synthetic"}},
            }
        )
    )
    for turn in found.turns:
        rows = turn.keys.validation
        assert rows.key in dict(provenance._made(turn))[turn.fit].of
        assert rows in list(provenance._real(turn))


def test_what_several_runs_measure_of_the_same_samples_is_traced_as_one(tmp_path: Path) -> None:
    def asked(name: str, *metrics: str) -> Experiment:
        arm = {"source": "normal", "model": "gaussian", "real": 20, "gallery": 0, "loop": "fully-synthetic"}
        return Experiment.of({"generations": 1, "arms": {"a": {**arm, "metrics": list(metrics)}}}, name=name)

    asked("one", "moments").run(tmp_path)
    run = asked("two", "wasserstein", "moments").run(tmp_path)
    found = provenance.Provenance.of(DiskStore(tmp_path))
    turn = run.turn("a", 0, 1)
    origin = found.origins[sheet(turn.kept)]
    assert origin.what == ("moments", "wasserstein")
    assert [maker.partition(":")[0] for maker in origin.makers] == ["one", "two"]
    assert {found.resolve(each.key) for each in turn.measures()} == {sheet(turn.kept)}
