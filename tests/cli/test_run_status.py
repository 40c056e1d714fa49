import json
import os

import pytest

from autophagy.archive.run_folder import RunFolder
from autophagy.experiment import status as module
from autophagy.experiment.status import is_at_work, read


@pytest.fixture
def folder(ran):
    return RunFolder(ran / "autophagy-runs", "toy")


def keep_only(folder, wanted):
    path = folder.path / "records.jsonl"
    lines = [line for line in path.read_text().splitlines() if wanted(json.loads(line))]
    path.write_text("".join(line + "\n" for line in lines))


def test_a_held_lock_is_seen_and_asking_does_not_take_it(folder):
    assert is_at_work(folder) is False
    with folder.locked():
        assert is_at_work(folder) is True
        assert is_at_work(folder) is True
    assert is_at_work(folder) is False


def test_where_the_system_keeps_no_table_of_locks_nobody_knows(folder, monkeypatch, tmp_path):
    monkeypatch.setattr(module, "LOCKS", tmp_path / "no-such-file")
    assert is_at_work(folder) is None


def test_time_left_is_what_the_missing_turns_have_cost_at_the_speed_shown(folder):
    keep_only(folder, lambda r: r["generation"] < 2)  # two of four turns are missing in each of six lineages
    os.utime(folder.path / "run.json", (1000, 1000))
    timings = [
        {"arm": arm, "seed": seed, "generation": g, "seconds": seconds, "at": 1000.0 + at}
        for at, (arm, seconds) in enumerate([("closed", 1.0), ("healed", 2.0), ("all", 6.0)], start=1)
        for seed in (0, 1)
        for g in (0, 1)
    ]
    (folder.path / "timings.jsonl").write_text("".join(json.dumps(t) + "\n" for t in timings))
    # 36 s of work were done in 3 s: twelve at once. Left are 36 s of work, but a lineage of `all` takes 12 s by itself
    assert read(folder).seconds_left == pytest.approx(12.0)
    for timing in timings:
        timing["at"] = 1000.0 + 9 * (timing["at"] - 1000)
    (folder.path / "timings.jsonl").write_text("".join(json.dumps(t) + "\n" for t in timings))
    # the same work in 27 s: 36 · 27 / 36
    assert read(folder).seconds_left == pytest.approx(27.0)


def test_time_left_without_a_clock_is_the_work_left(folder):
    keep_only(folder, lambda r: r["generation"] < 3)
    timings = [{"arm": a, "seed": 0, "generation": 0, "seconds": 2.0} for a in ("closed", "healed", "all")]
    (folder.path / "timings.jsonl").write_text("".join(json.dumps(t) + "\n" for t in timings))
    assert read(folder).seconds_left == pytest.approx(6 * 2.0)
    (folder.path / "timings.jsonl").unlink()
    assert read(folder).seconds_left is None


def test_a_lineage_that_diverged_or_failed_has_nothing_left(folder):
    keep_only(folder, lambda r: r["generation"] < 2)
    path = folder.path / "records.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines:
        if (line["arm"], line["seed"], line["generation"]) == ("closed", 0, 1):
            line |= {"status": "diverged", "reason": "no finite answer"}
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    failures = [{"arm": "healed", "seed": 1, "generation": g, "error": "broken"} for g in (2, 3)]
    failures.append({"arm": "all", "seed": 0, "generation": None, "error": "no floor"})
    (folder.path / "failures.jsonl").write_text("".join(json.dumps(failure) + "\n" for failure in failures))
    found = {(x.arm, x.seed): x for x in read(folder).lineages}
    assert found["closed", 0].diverged_at == 1
    assert found["healed", 1].failed_at == 2
    assert [found[address].left for address in (("closed", 0), ("healed", 1), ("all", 0))] == [0, 0, 2]
    assert read(folder).reasons == {("closed", 0): "no finite answer"}
    assert read(folder).diverged == 1
    missing = found["healed", 1].turns - found["healed", 1].finished
    assert (found["healed", 1].behind_failure, read(folder).behind_failures) == (missing, missing)
    assert [failure.where for failure in read(folder).failures] == [
        "generation 2", "generation 3", "the real-data floor",
    ]  # fmt: skip


def test_turns_that_eat_from_a_diverged_arm_are_not_to_go(here, call):
    """One arm diverges in generation 1; another eats its samples, and cannot go on after that."""
    (here / "hungry.toml").write_text(
        'seeds = [0]\ngenerations = 3\n[base]\nsource = { use = "normal", dim = 1 }\nreal = 10\ngallery = 0\n'
        '[arms.first]\nmodel = "gaussian"\nloop = "fully-synthetic"\n'
        '[arms.second]\nmodel = "gaussian"\nloop = { use = "fully-synthetic", arm = "first" }\n'
    )
    assert call("run", "hungry.toml", "--on", "serial")[0] == 0
    folder = RunFolder(here / "autophagy-runs", "hungry")
    path = folder.path / "records.jsonl"
    records = [json.loads(line) for line in path.read_text().splitlines()]
    ended = {"status": "diverged", "reason": "not finite", "scores": {}}
    left = [
        {**r, **(ended if (r["arm"], r["generation"]) == ("first", 1) else {})} for r in records if r["generation"] <= 1
    ]
    path.write_text("".join(json.dumps(r) + "\n" for r in left))
    found = read(folder)
    assert [(x.arm, x.diverged_at, x.starved, x.left) for x in found.lineages] == [
        ("first", 1, (), 0),
        ("second", None, (2, 3), 0),
    ]
    code, said = call("status", "hungry")
    assert code == 0
    assert "nothing to eat at 2" in said
    assert said.rstrip().endswith("done.")
