"""Run folders from strangers: nothing they say reaches the terminal as more than text, or leads out of the store."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autophagy.archive.run_folder import RunFolder
from autophagy.core.errors import StoreError
from autophagy.core.generation import remarked
from autophagy.experiment.rebuild import rebuild
from autophagy.experiment.status import read

EVIL = "evil\x1b[2J\x1b]0;owned\x07 [bold red]loud[/] \u202egnp.exe \x9b31m:smile: \r\nautophagy: all is well"


def rewrite(folder, **changes):
    """Replaces top-level keys of run.json; a function is given the old value."""
    path = folder / "autophagy-runs" / "runs" / "toy" / "run.json"
    raw = json.loads(path.read_text())
    for key, change in changes.items():
        raw[key] = change(raw[key]) if callable(change) else change
    path.write_text(json.dumps(raw))


def poison(folder):
    """Puts a hostile arm name and reason wherever a run folder may hold one."""
    path = folder / "autophagy-runs" / "runs" / "toy"
    for name in ("run.json", "records.jsonl"):
        text = (path / name).read_text()
        (path / name).write_text(text.replace('"closed"', json.dumps(EVIL)))
    lines = (path / "records.jsonl").read_text().splitlines()
    lines[0] = json.dumps({**json.loads(lines[0]), "status": "diverged", "reason": EVIL})
    (path / "records.jsonl").write_text("\n".join(lines) + "\n")
    failure = {"arm": EVIL, "seed": 1, "generation": 2, "error": EVIL}
    (path / "failures.jsonl").write_text(json.dumps(failure) + "\n")


def is_harmless(said):
    return not any(c in said for c in "\x1b\x07\x9b\u202e\r") and "\nautophagy: all is well" not in said


@pytest.mark.parametrize(
    "arguments", [["status"], ["status", "--watch"], ["records", "toy"], ["records", "toy", "--format", "json"]]
)
def test_hostile_names_are_printed_as_plain_text(ran, call, arguments):
    poison(ran)
    code, said = call(*arguments)
    assert code == 0
    assert "[bold red]loud[/]" in said  # shown, not obeyed
    assert ":smile:" in said
    assert is_harmless(said)


def test_hostile_names_in_errors_are_plain_text(ran, call):
    poison(ran)
    code, said = call("samples", "nobody", "--out", "out")
    assert code == 2
    assert is_harmless(said)
    code, said = call("trace", "ab")
    assert is_harmless(said)
    code, said = call("plan", EVIL)
    assert code == 2
    assert is_harmless(said)


def test_a_hostile_store_is_listed_as_plain_text(ran, call):
    """Folder names in a store are not ours either."""
    strange = ran / "autophagy-runs" / "runs" / EVIL.replace("/", "∕")
    strange.mkdir()
    (strange / "run.json").write_text("{}")
    shelf = next((ran / "autophagy-runs" / "artefacts").glob("??"))
    (shelf / EVIL.replace("/", "∕")).mkdir()
    for arguments in (["status", "nobody"], ["verify"], ["trace", "0123456789"]):
        assert is_harmless(call(*arguments)[1])


@pytest.mark.parametrize("key", ["../../../../etc/passwd", "/etc", "ab/../..", "", "zz" * 16, 3, None])
def test_keys_of_a_stranger_do_not_lead_out_of_the_store(ran, call, key):
    path = ran / "autophagy-runs" / "runs" / "toy" / "records.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    path.write_text("".join(json.dumps({**line, "pools": {"samples": key}}) + "\n" for line in lines))
    code, said = call("samples", "all", "--out", "out")
    assert code == 1
    assert "names no samples for this generation" in said


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=60, deadline=None)
@given(key=st.sampled_from(["seeds", "arms", "experiment", "name", "turns", "format"]), junk=JUNK)
def test_whatever_stands_in_run_json_is_read_or_refused_in_one_sentence(finished, tmp_path_factory, key, junk):
    folder = RunFolder(tmp_path_factory.mktemp("junk"), "toy")
    folder.path.mkdir(parents=True)
    raw = json.loads((RunFolder(finished, "toy").path / "run.json").read_text())
    (folder.path / "run.json").write_text(json.dumps({**raw, key: junk}))
    said = []
    for reading in (lambda: read(folder), lambda: rebuild(folder.notes())):
        try:
            reading()
        except StoreError as refusal:
            said.append(str(refusal))
    assert all(sentence.rstrip().endswith(".") for sentence in said)


@settings(max_examples=60, deadline=None)
@given(
    field=st.sampled_from(["arm", "seed", "generation", "status", "scores", "pools", "reason", "key", "remarks"]),
    junk=JUNK,
)
def test_whatever_stands_in_a_record_is_read_or_refused_in_one_sentence(finished, tmp_path_factory, field, junk):
    from autophagy.cli.numbers import numbers

    folder, sound = RunFolder(tmp_path_factory.mktemp("junk"), "toy"), RunFolder(finished, "toy")
    folder.path.mkdir(parents=True)
    (folder.path / "run.json").write_bytes((sound.path / "run.json").read_bytes())
    line = json.loads((sound.path / "records.jsonl").read_text().splitlines()[0])
    (folder.path / "records.jsonl").write_text(json.dumps({**line, field: junk}) + "\n")
    said = []
    for reading in (lambda: list(remarked(read(folder).remarked)), lambda: numbers(folder)):
        try:
            reading()
        except StoreError as refusal:
            said.append(str(refusal))
    assert all(sentence.startswith("the files of run 'toy' in ") for sentence in said)
