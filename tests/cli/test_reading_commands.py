"""Commands that read a store: status, records, samples, verify, trace."""

import csv
import json
import os
from contextlib import ExitStack, contextmanager
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from autophagy import DiskStore, Experiment
from autophagy.archive.run_folder import RunFolder, line
from autophagy.archive.store import sheet
from autophagy.cli import drawn
from autophagy.testing import toys


def records(folder, name="toy"):
    return RunFolder(folder / "autophagy-runs", name).records()


# ── status ───────────────────────────────────────────────────────────────────


def test_status_tells_every_lineage(ran, call):
    code, said = call("status")
    assert code == 0
    assert "toy: 24 of 24 turns" in said
    assert said.count("4/4") == 6
    assert said.rstrip().endswith("done.")


def test_status_of_a_run_that_stopped_says_what_is_left(ran, call):
    path = ran / "autophagy-runs" / "runs" / "toy" / "records.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:-3]) + lines[-1][:20])  # three are gone, and one was cut off by a kill
    code, said = call("status", "toy", "--watch")  # nobody is at work, so there is nothing to wait for
    assert code == 0
    assert "21 of 24 turns, about" in said
    assert "1/4" in said
    assert "not at work, 3 turns to go" in said


@pytest.mark.parametrize("strange", ["{}}", "[" * 200_000], ids=["broken", "nested"])
@pytest.mark.parametrize("command", ["status", "records", "report"])
def test_lines_that_no_run_wrote_are_told(ran, call, command, strange):
    path = ran / "autophagy-runs" / "runs" / "toy" / "records.jsonl"
    whole = path.read_text()
    path.write_text(f"{strange}\n" + whole.split("\n", 1)[1] + '{"arm"')
    code, said = call(command, "toy")
    assert code == 0
    assert "note: 1 line of autophagy-runs/runs/toy/records.jsonl cannot be read and is left out; run it again" in said
    call("run", "toy.toml", "--on", "serial")
    assert path.read_text() == whole


def test_without_a_name_the_run_begun_last_is_meant(ran, call):
    call("run", "toy.toml", "--name", "later", "--on", "serial")
    old = ran / "autophagy-runs" / "runs" / "later" / "run.json"
    assert "later: 24 of 24" in call("status")[1]
    os.utime(old, (0, 0))
    assert "toy: 24 of 24" in call("status")[1]


def test_many_seeds_are_counted_instead_of_listed(here, call):
    call("run", "toy.toml", "--on", "serial", "--set", "generations=1", "--set", "seeds=[0,1,2,3,4,5,6,7,8]")
    said = call("status")[1]
    assert "9 done of 9; the slowest at 2/2" in said
    assert "seed 3" not in said


@pytest.mark.parametrize("command", ["status", "report", "records", "samples", "verify", "trace"])
def test_a_missing_store_is_one_sentence(here, call, command):
    extra = {"records": ["toy"], "samples": ["closed", "--out", "out"], "trace": ["ab"]}.get(command, [])
    code, said = call(command, *extra, "--store", "nowhere")
    assert code == 1
    assert said.startswith("autophagy: 'nowhere' does not exist")
    assert len(said.strip().splitlines()) == 1


@pytest.mark.parametrize("command", ["status", "report", "records"])
@pytest.mark.parametrize("name", ["tou", "../toy", "/etc"])
def test_an_unknown_run_is_one_sentence(ran, call, command, name):
    code, said = call(command, name)
    assert code in (1, 2)
    assert len(said.strip().splitlines()) == 1
    if name == "tou":
        assert "Did you mean 'toy'? There are: toy." in said


@contextmanager
def nobody(*places):
    """Places that may not be read, by somebody who is not root: root may read everything."""
    modes = {place: place.stat().st_mode for place in places}
    user = os.geteuid()
    for place in places:
        place.chmod(0)
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)
        for place, mode in modes.items():
            place.chmod(mode)


UNREAD = {
    "status": (["status"], ["", "runs"]),
    "records": (["records", "toy"], ["", "runs"]),
    "verify": (["verify"], ["", "artefacts", "shelf"]),
    "plan": (["plan", "toy.toml"], ["", "artefacts", "shelf"]),
    "run": (["run", "toy.toml", "--arm", "closed"], ["", "artefacts", "shelf"]),
}


@pytest.mark.parametrize(("arguments", "hidden"), [(a, h) for a, places in UNREAD.values() for h in places])
def test_a_store_that_may_not_be_read_is_one_sentence(ran, call, arguments, hidden):
    store = ran / "autophagy-runs"
    place = min((store / "artefacts").glob("??")) if hidden == "shelf" else store / hidden
    assert call(*arguments)[0] == 0  # everything is imported now, which nobody might not be allowed to
    ran.chmod(0o755)
    with nobody(place):
        code, said = call(*arguments)
    assert code == 1
    assert said.startswith("autophagy: 'autophagy-runs")
    assert said.endswith(
        "cannot be read: permission is denied; change the folder's rights or choose another --store.\n"
    )


@pytest.mark.parametrize("arguments", [arguments for arguments, _ in UNREAD.values()])
def test_a_store_that_no_system_can_name_is_one_sentence(here, call, arguments):
    code, said = call(*arguments, "--store", "x" * 300)
    assert code == 1
    assert said.startswith("autophagy: 'xxx")
    assert said.endswith("cannot be read: File name too long; choose another --store.\n")


@pytest.mark.parametrize("command", ["verify", "plan", "run"])
def test_a_file_in_place_of_a_shelf_is_named(ran, call, command):
    (ran / "autophagy-runs" / "artefacts" / "zz").touch()  # is none: no digit of a key
    shelf = next(s for n in range(256) if not (s := ran / "autophagy-runs" / "artefacts" / f"{n:02x}").exists())
    shelf.touch()
    code, said = call(command, *([] if command == "verify" else ["toy.toml"]))
    assert code == 1
    assert said == (
        f"autophagy: 'autophagy-runs/artefacts/{shelf.name}' cannot be read: a file stands where a folder should be; "
        "move it away or choose another --store.\n"
    )


def test_where_no_run_is_yet_the_command_that_is_told_can_be_pasted(here, call):
    (here / "my runs" / "runs").mkdir(parents=True)
    assert "begin one with: autophagy run FILE --store 'my runs'" in call("status", "--store", "my runs")[1]


# ── records ──────────────────────────────────────────────────────────────────


def test_records_are_the_numbers_of_the_run(ran, call):
    code, said = call("records", "toy")
    rows = list(csv.DictReader(said.splitlines()))
    assert code == 0
    found = {(r["arm"], int(r["seed"]), int(r["generation"]), r["score"]): float(r["value"]) for r in rows}
    expected = {(r.arm, r.seed, r.generation, k): v for r in records(ran) for k, v in r.scores.items()}
    assert found == expected


def test_records_come_as_json_and_parquet_and_by_file(ran, call):
    rows = json.loads(call("records", "toy.toml", "--format", "json")[1])
    assert call("records", "toy", "--format", "parquet", "--out", "r.parquet")[0] == 0
    import pandas

    frame = pandas.read_parquet("r.parquet")
    assert frame.value.tolist() == [row["value"] for row in rows]
    assert frame.arm.tolist() == [row["arm"] for row in rows]


@pytest.mark.parametrize(
    ("arguments", "sentence", "expected"),
    [
        (["--format", "parquet"], "name a file with --out", 2),
        (["--out", "no/where.csv"], "no/where.csv cannot be written", 1),
        (["--format", "xml"], "xml", 2),
    ],
)
def test_records_that_cannot_be_written_are_one_error(ran, call, arguments, sentence, expected):
    code, said = call("records", "toy", *arguments)
    assert code == expected
    assert sentence in said


# ── samples ──────────────────────────────────────────────────────────────────


def test_vectors_come_back_from_their_csv_to_the_last_bit(ran, call):
    code, said = call("samples", "all", "--generation", "2", "--seed", "1", "--out", "out")
    assert code == 0
    assert "80 samples of all, seed 1, generation 2 in out" in said
    rows = list(csv.DictReader((ran / "out" / "samples.csv").open()))
    record = next(r for r in records(ran) if (r.arm, r.seed, r.generation) == ("all", 1, 2))
    pool = DiskStore(ran / "autophagy-runs").pool(record.pools["samples"])
    assert np.array_equal(np.array([[float(r["x1"]), float(r["x2"])] for r in rows]), pool.samples)
    assert {r["generation"] for r in rows} == {"2"}
    assert [int(r["row"]) for r in rows] == list(range(80))


def test_numbers_of_single_samples_are_columns_beside_them(ran, tmp_path):
    record = next(r for r in records(ran) if (r.arm, r.seed, r.generation) == ("all", 1, 2))
    assert record.each == {}
    vectors = DiskStore(ran / "autophagy-runs").pool(record.pools["samples"])
    images = toys.pool("images", 3)
    for pool, name in ((vectors, "vectors"), (images, "images")):
        (tmp_path / name).mkdir()
        numbers = np.arange(len(pool)) / 8
        numbers[1] = np.nan
        drawn.write(pool, None, tmp_path / name, each={"near.own": numbers})
    rows = list(csv.DictReader((tmp_path / "vectors" / "samples.csv").open()))
    assert [row["near.own"] for row in rows[:3]] == ["0.0", "nan", "0.25"]
    facts = [json.loads(line) for line in (tmp_path / "images" / "metadata.jsonl").read_text().splitlines()]
    assert [fact["near.own"] for fact in facts] == [0.0, None, 0.25]


def test_images_become_an_image_folder(here, call):
    arm = {"source": "digits", "model": "eigen-mixture", "loop": "fully-synthetic", "real": 300, "samples": 300}
    run = Experiment.of({"generations": 1, "arms": {"a": arm}}, name="digits").run(here / "autophagy-runs")
    code, said = call("samples", "a", "--out", "out")  # the last generation, the first seed
    assert code == 0, said
    pool = run.samples("a", 0, 1)
    facts = [json.loads(line) for line in (here / "out" / "metadata.jsonl").read_text().splitlines()]
    assert [fact["label"] for fact in facts] == pool.condition.tolist()
    pixels = np.stack([np.asarray(Image.open(here / "out" / fact["file_name"])) for fact in facts])
    assert np.array_equal(pixels, pool.samples[:, 0])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["al"], "run 'toy' has no arm 'al'. Did you mean 'all'? There are: all, closed, healed."),
        (["all", "--seed", "7"], "arm 'all' has no seed 7; there are: 0, 1."),
        (["all", "--generation", "9"], "has no finished generation 9; it has 0 to 3."),
        (["all", "--run", "other"], "there is no run 'other'"),
    ],
)
def test_samples_that_are_not_there_are_one_sentence(ran, call, arguments, sentence):
    code, said = call("samples", *arguments, "--out", "out")
    assert code in (1, 2)
    assert sentence in said
    assert not (ran / "out").exists()


def test_samples_are_not_written_between_other_files(ran, call):
    (ran / "out").mkdir()
    (ran / "out" / "mine.txt").write_text("mine")
    code, said = call("samples", "all", "--out", "out")
    assert code == 1
    assert "has files in it already" in said
    assert [path.name for path in (ran / "out").iterdir()] == ["mine.txt"]


def test_samples_that_were_not_kept_say_how_to_keep_them(here, call):
    call("run", "toy.toml", "--on", "serial", "--set", "keep_samples=last")
    code, said = call("samples", "closed", "--generation", "2", "--out", "out")
    assert code == 1
    assert 'keep_samples = "all"' in said
    assert call("samples", "closed", "--generation", "3", "--out", "out")[0] == 0


# ── verify ───────────────────────────────────────────────────────────────────


def test_verify_counts_what_is_sound_and_changes_nothing(ran, call):
    before = {path: path.stat().st_mtime_ns for path in ran.rglob("*")}
    code, said = call("verify")
    assert code == 0
    n = len(list(DiskStore(ran / "autophagy-runs").keys()))
    assert said == f"{n} artefacts sound, 0 damaged.\n"
    assert {path: path.stat().st_mtime_ns for path in ran.rglob("*")} == before


@pytest.mark.parametrize("damage", ["flip", "truncate", "add", "remove", "stray"])
def test_verify_names_what_is_damaged(ran, call, damage):
    victim = sorted((ran / "autophagy-runs" / "artefacts").glob("??/*/samples.npy"))[0]
    name = victim.parent.name
    if damage == "flip":
        data = bytearray(victim.read_bytes())
        data[-1] ^= 1
        victim.write_bytes(data)
    elif damage == "truncate":
        victim.write_bytes(victim.read_bytes()[:-1])
    elif damage == "add":
        (victim.parent / "extra").touch()
    elif damage == "remove":
        victim.unlink()
    else:
        name = "stray.txt"
        (victim.parent.parent / name).write_text("what is this?")
    code, said = call("verify")
    assert code == 1
    assert name in said
    assert ("sound, 0 damaged; 1 stray among them." if damage == "stray" else "sound, 1 damaged.") in said


def test_verify_can_put_damage_aside_for_the_next_run_to_mend(ran, call):
    store = DiskStore(ran / "autophagy-runs")
    victim = store.root / "artefacts" / (key := records(ran)[0].pools["samples"])[:2] / key / "samples.npy"
    whole = victim.read_bytes()
    victim.write_bytes(whole[:-1])
    code, said = call("verify", "--mend")
    assert code == 1
    assert "1 artefact put aside" in said
    assert not victim.exists()
    assert call("run", "toy.toml")[0] == 0
    assert victim.read_bytes() == whole
    assert call("verify")[0] == 0


def test_hidden_files_among_artefacts_are_nobodys_business(ran, call):
    shelf = next((ran / "autophagy-runs" / "artefacts").glob("??"))
    (shelf / ".DS_Store").touch()
    n = len(list(DiskStore(ran / "autophagy-runs").keys()))
    for mend in ([], ["--mend"]):
        code, said = call("verify", *mend)
        assert code == 0
        assert f"{n} artefacts sound, 0 damaged." in said
    assert (shelf / ".DS_Store").exists()


@pytest.mark.parametrize("name", ["notes.txt", "0" * 32, "{shelf}" + "0" * 30, "{shelf}" + "0" * 30 + ".json"])
def test_what_verify_says_is_put_aside_is_put_aside(ran, call, name):
    """Also what is no artefact, lies on the wrong shelf, or is a link that leads nowhere."""
    store = DiskStore(ran / "autophagy-runs")
    shelf = next(shelf for shelf in (store.root / "artefacts").glob("??") if shelf.name != "00")
    place = shelf / name.format(shelf=shelf.name)
    place.symlink_to("nowhere")
    sound = set(store.keys()) - {place.name.removesuffix(".json")}
    code, said = call("verify", "--mend")
    assert code == 1
    is_stray = name.format(shelf=shelf.name).removesuffix(".json") != shelf.name + "0" * 30
    found, aside = ("0 damaged; 1 stray among them", "1 thing") if is_stray else ("1 damaged", "1 artefact")
    assert f"{len(sound)} artefacts sound, {found}.\n{aside} put aside in autophagy-runs/damaged;" in said
    assert not place.is_symlink()
    assert [left.is_symlink() for left in (store.root / "damaged").iterdir()] == [True]
    assert call("verify") == (0, f"{len(sound)} artefacts sound, 0 damaged.\n")
    assert set(store.keys()) == sound


def test_strays_are_no_keys(ran):
    store = DiskStore(ran / "autophagy-runs")
    before = list(store.keys())
    shelf = next((store.root / "artefacts").glob("??"))
    (store.root / "artefacts" / "junk").touch()
    for name in (".DS_Store", "notes.txt", "Thumbs.db", f"{shelf.name}.tmp"):
        (shelf / name).touch()
    assert list(store.keys()) == before
    strays = sorted(["Thumbs.db", f"{shelf.name}.tmp", "notes.txt"])
    assert [place.name for place in store.strays()] == ["junk", *strays]


# ── trace ────────────────────────────────────────────────────────────────────


def test_a_trace_leads_back_to_real_data(ran, call):
    record = next(r for r in records(ran) if (r.arm, r.seed, r.generation) == ("healed", 1, 2))
    code, said = call("trace", record.pools["samples"][:10], "--depth", "20")
    lines = said.splitlines()
    assert code == 0
    assert "80 samples as drawn" in lines[0]
    # the poisoned past is shared, and told so
    assert "toy: closed, seed 1, generation 2; toy: healed, seed 1, generation 2" in lines[0]
    assert "50 real samples of normal(" in lines[-1] or "50 real samples of normal, for seed 1" in lines[-1]
    assert sum("samples as drawn" in line for line in lines) == 3


def test_every_artefact_in_the_store_can_be_traced(ran, call):
    from autophagy.cli.provenance import Provenance

    found = Provenance.of(DiskStore(ran / "autophagy-runs"))
    assert found.present <= set(found.origins)
    assert all(set(origin.of) <= set(found.origins) for origin in found.origins.values())


def test_a_long_trace_says_where_to_go_on(ran, call):
    record = next(r for r in records(ran) if (r.arm, r.seed, r.generation) == ("closed", 0, 3))
    said = call("trace", record.pools["samples"], "--depth", "2")[1]
    assert "goes on" in said.splitlines()[-1]
    assert len(said.splitlines()) == 4


@pytest.mark.parametrize(
    ("key", "expected", "sentence"),
    [
        ("xyz", 2, "hexadecimal"),
        ("", 2, "hexadecimal"),
        ("0" * 33, 2, "hexadecimal"),
        ("0123456789abcdef", 1, "no artefact's key begins with 0123456789abcdef"),
    ],
)
def test_a_key_that_leads_nowhere_is_one_sentence(ran, call, key, expected, sentence):
    code, said = call("trace", key)
    assert code == expected
    assert sentence in said


def test_too_short_a_prefix_names_the_keys_that_begin_so(ran, call):
    keys = sorted(DiskStore(ran / "autophagy-runs").keys())
    digit = max("0123456789abcdef", key=lambda d: sum(key.startswith(d) for key in keys))
    code, said = call("trace", digit)
    assert code == 2
    assert "give more digits" in said


def test_an_artefact_that_no_run_makes_is_said_to_be_one(ran, call):
    key = sorted(DiskStore(ran / "autophagy-runs").keys())[0]
    notes = ran / "autophagy-runs" / "runs" / "toy" / "run.json"
    notes.write_text(notes.read_text().replace('"gaussian"', '"no-such-model"'))
    code, said = call("trace", key)
    assert code == 1
    assert f"no run in this store makes {key} any more" in said
    assert "cannot be rebuilt here" in said
    assert "no-such-model" in said


@pytest.mark.parametrize(("refill", "fits"), [("shrink", 0), ("redraw", 1)])
def test_samples_drawn_again_are_traced_to_their_model(here, call, refill, fits):
    arm = {
        "source": {"use": "normal", "dim": 2}, "model": "gaussian", "loop": "fully-synthetic", "real": 60,
        "curators": ["dedupe"], "refill": refill, "metrics": ["moments"],
    }  # fmt: skip
    run = Experiment.of({"generations": 1, "arms": {"a": arm}}, name="again").run(here / "autophagy-runs")
    said = call("trace", run.turn("a", 0, 1).kept, "--depth", "1")[1]
    assert said.count("fitted gaussian") == fits


def test_curated_and_probed_samples_can_be_traced(here, call):
    arm = {
        "source": "digits", "model": "eigen-mixture", "loop": "fully-synthetic", "real": 300, "samples": 300,
        "curators": [{"use": "dedupe"}], "probes": {"threes": {"conditions": [3], "each": 4}},
        "metrics": ["pairwise-distance"],
    }  # fmt: skip
    run = Experiment.of({"generations": 1, "arms": {"a": arm}}, name="digits").run(here / "autophagy-runs")
    turn = run.turn("a", 0, 1)
    said = call("trace", turn.kept, "--depth", "2")[1]
    assert "samples after dedupe  digits: a, seed 0, generation 1" in said.splitlines()[0]
    assert "300 real samples of digits, for seed 0" in said
    probe = dict(turn.probes)["threes"]
    assert "samples for probe 'threes'" in call("trace", probe)[1].splitlines()[0]
    said = call("trace", sheet(probe))[1]
    assert "pairwise-distance@threes" in said.splitlines()[0]
    assert "samples for probe 'threes'" in said


def test_a_watch_goes_on_while_the_run_is_at_work_and_ends_with_it(ran, call, monkeypatch):
    from autophagy.cli import status as command

    folder = RunFolder(ran / "autophagy-runs", "toy")
    path = folder.path / "records.jsonl"
    whole = path.read_text()
    path.write_text("".join(whole.splitlines(keepends=True)[:-2]))
    looks = []

    def pause(seconds):
        looks.append(seconds)
        if len(looks) == 3:
            path.write_text(whole)
            work.close()

    monkeypatch.setattr("time.sleep", pause)
    with ExitStack() as work:
        work.enter_context(folder.locked())
        code, said = call("status", "--watch")
    assert code == 0
    assert looks == [command.PAUSE] * 3
    assert said.count("22 of 24 turns") == 3
    assert "24 of 24 turns" in said


def test_verify_holds_the_numbers_of_a_run_against_its_artefacts(ran, call):
    folder = RunFolder(ran / "autophagy-runs", "toy")
    path = folder.path / "records.jsonl"
    whole = path.read_text()
    lines = whole.splitlines(keepends=True)
    record = folder.records()[0]
    score, value = next(iter(record.scores.items()))
    changed = line(replace(record, scores={**record.scores, score: value + 0.5}))
    for text, told in (
        (changed + "".join(lines[1:]), "1 line of records.jsonl is not what its artefacts say"),
        ("{}}\n" + "".join(lines[1:]), "1 line of records.jsonl is not what its artefacts say"),
        ("".join(lines[:-3]), f"3 of {len(lines)} records are missing from records.jsonl"),
        (whole + line(replace(record, generation=9)), "1 record is of a turn that it does not have"),
        (changed + whole, "1 record is in records.jsonl twice"),
        (whole.replace(record.key, "0" * 32, 1), "1 line of records.jsonl is not what its artefacts say"),
        (whole + '{"arm": 5}\n', "its files cannot be read"),
    ):
        path.write_text(text)
        code, said = call("verify")
        assert code == 1
        assert f"run 'toy': {told}; run it again to write them anew." in said
    path.write_text(whole)
    measured = (folder.path / "measures.json").read_text()
    (folder.path / "measures.json").write_text(measured.replace('"lower"', '"higher"'))
    assert "run 'toy': measures.json is not what its artefacts say" in call("verify")[1]
    assert call("run", "toy.toml")[0] == 0
    assert (path.read_text(), (folder.path / "measures.json").read_text()) == (whole, measured)
    assert call("verify")[0] == 0


def test_verify_leaves_a_run_at_work_and_one_of_other_data_alone(ran, call):
    folder = RunFolder(ran / "autophagy-runs", "toy")
    (folder.path / "records.jsonl").write_text("")
    with folder.locked():
        code, said = call("verify")
    assert code == 0
    assert "note: run 'toy' is at work, so its numbers were not held against its artefacts." in said
    notes = (folder.path / "run.json").read_text()
    (folder.path / "run.json").write_text(notes.replace('"version": 1', '"version": 7'))
    code, said = call("verify")
    assert code == 0
    assert "note: the numbers of run 'toy' were not held against its artefacts: run 'toy' was made with other" in said
