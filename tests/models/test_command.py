"""A model that is somebody else's program: what it gets, what it may leave, and all that may be wrong with that."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autophagy.archive.disk import DiskStore
from autophagy.archive.store import MemoryStore
from autophagy.core.catalog import build
from autophagy.core.errors import AutophagyError, ConfigError, Damaged, DataError, PlanError
from autophagy.core.identity import part_key
from autophagy.core.pool import Origin, Pool
from autophagy.core.seeds import Seed
from autophagy.core.workspace import Machine, Workspace
from autophagy.models._command_room import drawing
from autophagy.models.command import Command

TRAINER = str(Path(__file__).with_name("command_trainer.py"))
PYTHON = ("{python}", "-I", "-S", TRAINER)
ALLOWED = Machine(allow_commands=True, command_timeout=30)


@pytest.fixture(autouse=True)
def tidy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Logs of failures stay, so they had better stay here."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def command(train: str = "", sample: str = "", **settings: Any) -> Command:
    """The toy trainer, which does these deeds."""
    trains = (*PYTHON, "train", "{train}", "{weights}", "{work}", "{start}", "{seed}", *filter(None, [train]))
    draws = ("draw", "{weights}", "{out}", "{n}", "{seed}", "{bias}", "{conditions}", *filter(None, [sample]))
    return Command(trains, (*PYTHON, *draws), **settings)


def pool(n: int = 12, shape: tuple[int, ...] = (1, 6, 5), condition: Any = None) -> Pool:
    samples = Seed(("images", n)).numpy().integers(0, 256, (n, *shape)).astype(np.uint8)
    return Pool.born(samples, Origin("ab" * 16, 3), condition=None if condition is None else np.array(condition))


def workspace(folder: Path, machine: Machine = ALLOWED) -> Workspace:
    folder.mkdir(exist_ok=True)
    return Workspace(lambda: folder, machine)


def fitted(model: Command, folder: Path, train: Pool | None = None, start: Any = None) -> Any:
    return model.fit(train or pool(), start=start, seed=Seed(("fit",)), workspace=workspace(folder))


def drawn(sampler: Any, n: int = 5, **more: Any) -> np.ndarray:
    return sampler.sample(n, **{"condition": None, "bias": 1.0, "seed": Seed(("draw",)), **more})


# ── what goes out and what comes back ────────────────────────────────────────


@pytest.mark.parametrize("shape", [(1, 6, 5), (3, 4, 4)])
def test_it_draws_images_of_the_training_set_and_its_shape(tmp_path: Path, shape: tuple[int, ...]) -> None:
    train = pool(shape=shape)
    samples = drawn(fitted(command(), tmp_path / "w", train), 20)
    assert samples.dtype == np.uint8
    assert samples.shape == (20, *shape)
    assert {image.tobytes() for image in samples} <= {image.tobytes() for image in train.samples}


def test_the_training_set_is_an_image_folder_with_conditions_and_provenance(tmp_path: Path) -> None:
    captions = ["a cat", "--help; rm -rf /", 'ein "Hund"\n{seed}', "two\u2028lines\x85or three"] * 3
    fitted(command(), tmp_path / "w", pool(condition=captions))
    lines = [json.loads(line) for line in (tmp_path / "w" / "train" / "metadata.jsonl").read_text().split("\n")[:-1]]
    assert [line["text"] for line in lines] == captions
    first = {"file_name": "000000.png", "generation": 3, "origin": "ab" * 16, "row": 0, "text": "a cat"}
    assert lines[0] == first


@pytest.mark.parametrize("labels", [[3, 1, 2] * 4, ["{n}", "-rf", "two\u2028or\x85lines\n"] * 4])
def test_conditions_are_asked_for_row_by_row_in_a_file(tmp_path: Path, labels: list[Any]) -> None:
    train = pool(condition=labels)
    wanted = np.array(labels)[[2, 1, 0, 0, 1]]
    samples = drawn(fitted(command(), tmp_path / "w", train), 5, condition=wanted)
    of = {image.tobytes(): label for image, label in zip(train.samples, train.condition.tolist(), strict=True)}
    assert [of[image.tobytes()] for image in samples] == wanted.tolist()


def test_images_come_in_the_order_of_their_numbers_or_of_metadata(tmp_path: Path) -> None:
    sampler = fitted(command(), tmp_path / "w")
    samples = drawn(sampler, 12)
    assert len({image.tobytes() for image in samples}) > 3
    backwards = replace(sampler, program=command(sample="backwards")._program())
    assert np.array_equal(drawn(backwards, 12), samples[::-1])
    others = replace(sampler, program=command(sample="others")._program())
    assert np.array_equal(drawn(others, 12), samples)


def test_a_seed_decides_and_so_does_lambda_only_where_it_is_asked_for() -> None:
    assert command().conditional
    assert command().continues
    assert command().biased
    bare = Command(["a", "{train}", "{weights}"], ["a", "{weights}", "{out}", "{n}", "{seed}"])
    assert [bare.conditional, bare.continues, bare.biased] == [False, False, False]


def test_a_fit_starts_from_a_copy_of_earlier_weights_or_from_an_empty_folder(tmp_path: Path) -> None:
    first = fitted(command(), tmp_path / "1")
    second = fitted(command(), tmp_path / "2", start=first)
    assert json.loads((first.weights / "seen.json").read_text())[0] == []
    assert json.loads((second.weights / "seen.json").read_text())[0] == sorted(os.listdir(first.weights))


def test_only_declared_variables_are_passed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DECLARED", "SECRET", "LD_PRELOAD_X"):
        monkeypatch.setenv(name, "x")
    sampler = fitted(command(passes=("DECLARED", "NOT_SET")), tmp_path / "w")
    variables = json.loads((sampler.weights / "seen.json").read_text())[2]
    assert {"PATH", "HOME", "DECLARED"} <= variables.keys() <= {"PATH", "HOME", "DECLARED", "LC_CTYPE", "PWD"}


@pytest.mark.parametrize("store", ["disk", "memory"])
def test_a_store_keeps_weights_whole_and_the_log(tmp_path: Path, store: str) -> None:
    kept = DiskStore(tmp_path, ALLOWED) if store == "disk" else MemoryStore(ALLOWED)
    model, key = command(train="nested"), "ab" * 16
    made: list[Any] = []

    def make() -> Any:
        made.append(model.fit(pool(), start=None, seed=Seed(("fit",)), workspace=kept.workspace(key)))
        return made[0]

    sampler = kept.sampler(key, model, make)
    assert np.array_equal(drawn(sampler), drawn(kept.sampler(key, model)))
    assert (sampler.weights / "a" / "b" / "network.pkl").read_bytes() == b"cos\nsystem\n."
    if store == "disk":
        facts = json.loads((sampler.home / "command.json").read_text())
        assert facts["files"] == 12 + 3  # images, metadata.jsonl, seen.json, a/b/network.pkl
        assert facts["bytes"] == sum(p.stat().st_size for p in sampler.weights.rglob("*") if p.is_file())
        assert (sampler.home / "train.log").exists()
        assert not (tmp_path / "work" / key).exists()
        assert DiskStore(tmp_path).about(key).files.keys() >= {"weights/a/b/network.pkl", "train.log", "command.json"}


def test_a_link_within_the_weights_is_kept_as_the_file_it_leads_to(tmp_path: Path) -> None:
    sampler = fitted(command(train="link in"), tmp_path / "w")
    (tmp_path / "kept").mkdir()
    sampler.save(tmp_path / "kept")
    link = tmp_path / "kept" / "weights" / "latest.png"
    assert not link.is_symlink()
    assert link.read_bytes() == (sampler.weights / "000000.png").read_bytes()


def test_a_copy_keeps_empty_folders_and_what_may_be_executed(tmp_path: Path) -> None:
    sampler = fitted(command(train="program and folder"), tmp_path / "w")
    (tmp_path / "kept").mkdir()
    sampler.save(tmp_path / "kept")
    weights = tmp_path / "kept" / "weights"
    assert (weights / "empty" / "inner").is_dir()
    assert os.access(weights / "tool", os.X_OK)
    assert not os.access(weights / "seen.json", os.X_OK) or not (weights / "seen.json").stat().st_mode & 0o100


def test_the_training_set_of_a_killed_attempt_is_written_again(tmp_path: Path) -> None:
    for deed in ("spoils its images", ""):
        with suppress(AutophagyError):
            fitted(command(train=deed), tmp_path / "w")
    fitted(command(), tmp_path / "whole")
    files = [{path.name: path.read_bytes() for path in (tmp_path / w / "train").iterdir()} for w in ("w", "whole")]
    assert files[0] == files[1]


def test_weights_are_durable_before_they_count_as_trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    sync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda file: (synced.append(os.readlink(f"/proc/self/fd/{file}")), sync(file)))
    weights = fitted(command(train="nested"), tmp_path / "w").weights
    expected = {str(weights), *map(str, weights.rglob("*"))}
    assert len(expected) == 1 + 12 + 2 + 3  # itself, images, metadata.jsonl, seen.json, a, b, network.pkl
    assert {*synced[:-1]} == expected
    assert ".trained." in synced[-1]


# ── what goes wrong is one sentence ──────────────────────────────────────────


def test_a_program_that_removes_its_own_log_is_told_with_what_it_said(tmp_path: Path) -> None:
    with pytest.raises(
        AutophagyError, match=r"exit code 1; its last lines: what went wrong; all of them: removed from"
    ):
        fitted(command(train="own log"), tmp_path / "w")


def test_an_exit_code_is_told_with_the_last_lines_and_the_log(tmp_path: Path) -> None:
    with pytest.raises(AutophagyError) as told:
        fitted(command(train="exit 3"), tmp_path / "w")
    said, log = str(told.value), tmp_path / "w" / "train.log"
    assert f"ended with exit code 3; its last lines: 50 % | 100 % | out of gnp luck; all of them: {log}" in said
    assert "a line before\x1b[2J" in log.read_text()


@pytest.mark.parametrize(
    ("deed", "said"),
    [
        ("nothing", "left nothing in"),
        ("signal", "was ended by SIGKILL, perhaps for want of memory; it said nothing; its log"),
        ("link out", "'latest' in .* is a link that leaves the folder"),
        ("link to folder", "'all' in .* is a link to a folder"),
        ("pipe", "'pipe' in .* is a link to a folder, or no plain file"),
        ("odd name", "has a name that is not UTF-8"),
    ],
)
def test_what_the_train_command_may_not_leave(tmp_path: Path, deed: str, said: str) -> None:
    with pytest.raises(AutophagyError, match=said):
        fitted(command(train=deed), tmp_path / "w")


@pytest.mark.parametrize(
    ("deed", "said"),
    [
        ("exit 4", "the sample command .* ended with exit code 4"),
        ("fewer", "was asked for 5 images, but drew 4; its log: "),
        ("more", "was asked for 5 images, but drew 6; its log: "),
        ("link", "'seed0.png' is a link or no plain file"),
        ("broken", "'seed0.png' is not a PNG, JPEG, WebP or BMP image"),
        ("no out", r"removed \{out\}, the folder .*; its log: "),
        ("no weights", r"the weights in .* cannot be read: No such file"),
        ("misnamed", "metadata.jsonl names '../../etc/passwd', which is no image beside it"),
        ("writes", "changed its weights in .*; it may only read them"),
    ],
)
def test_what_the_sample_command_may_not_do(tmp_path: Path, deed: str, said: str) -> None:
    with pytest.raises(AutophagyError, match=said):
        drawn(fitted(command(sample=deed), tmp_path / "w"))


def test_what_a_sample_command_adds_to_the_weights_is_taken_away_again(tmp_path: Path) -> None:
    model = fitted(command(sample="writes"), tmp_path / "w")
    before = {path.name: path.read_bytes() for path in model.weights.iterdir()}
    with pytest.raises(AutophagyError, match=r"changed its weights in .* \(added '.*', now taken away\)"):
        drawn(model)
    assert {path.name: path.read_bytes() for path in model.weights.iterdir()} == before


def test_weights_that_a_sample_command_renames_are_not_taken_away(tmp_path: Path) -> None:
    model = fitted(command(sample="renames"), tmp_path / "w")
    before = sorted(path.read_bytes() for path in model.weights.iterdir())
    with pytest.raises(AutophagyError, match=r"changed its weights in .* \(added .*; changed or removed"):
        drawn(model)
    assert sorted(path.read_bytes() for path in model.weights.iterdir()) == before


def test_logs_of_failed_draws_stay_and_so_does_the_last_of_a_model(tmp_path: Path) -> None:
    logs = tmp_path / f"autophagy-logs-{os.getuid()}"
    with pytest.raises(DataError) as told:
        drawn(fitted(command(sample="no out"), tmp_path / "w"))
    (failed,) = logs.iterdir()
    assert str(told.value).endswith(f"its log: {failed}")
    assert failed.read_text() == "tidied up\n"
    for _ in range(2):
        drawn(fitted(command(sample="talks"), tmp_path / "model"))
    assert {path.name for path in logs.iterdir()} == {failed.name, "model.log"}
    assert (logs / "model.log").read_text() == "all is well\n"
    assert not list(tmp_path.glob("autophagy-sample-*"))


def test_a_folder_for_logs_that_leads_elsewhere_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / f"autophagy-logs-{os.getuid()}").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DataError, match="is a link or somebody else's; set TMPDIR"):
        drawn(fitted(command(), tmp_path / "w"))


def test_the_next_draw_removes_what_a_killed_one_left_but_not_what_another_works_in(tmp_path: Path) -> None:
    sampler = fitted(command(), tmp_path / "w")
    (tmp_path / "autophagy-sample-dead" / "out").mkdir(parents=True)
    (tmp_path / "autophagy-sample-dead" / "lock").touch()
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "lock").touch()
    (tmp_path / "autophagy-sample-link").symlink_to(tmp_path / "precious")
    with drawing() as (other, _):
        drawn(sampler)
        assert other.exists()
        assert (tmp_path / "precious" / "lock").exists()
        assert {path.name for path in tmp_path.glob("autophagy-sample-*")} == {other.name, "autophagy-sample-link"}


@pytest.mark.parametrize(
    ("other", "said"),
    [((1, 5, 6), "is 6 × 5 pixels of mode L, but the training images are 5 × 6"), ((3, 6, 5), "of mode RGB, but")],
)
def test_images_of_another_size_or_mode_are_refused(tmp_path: Path, other: tuple[int, ...], said: str) -> None:
    sampler = fitted(command(), tmp_path / "w", pool(shape=other))
    with pytest.raises(DataError, match=said):
        drawn(replace(sampler, shape=(1, 6, 5)))


def test_a_program_that_is_not_there_is_told(tmp_path: Path) -> None:
    model = Command(["no-such-program", "{train}", "{weights}"], ["x", "{weights}", "{out}", "{n}", "{seed}"])
    with pytest.raises(AutophagyError, match=r"\('no-such-program'\) cannot start: .*No such file"):
        fitted(model, tmp_path / "w")


def test_a_script_that_has_changed_starts_nothing(tmp_path: Path) -> None:
    import hashlib

    script = tmp_path / "mine.py"
    script.write_text("one")
    digest = hashlib.sha256(b"one").hexdigest()
    fitted(command(script=str(script), sha256=digest), tmp_path / "w")
    script.write_text("two")
    for change in (lambda: None, script.unlink, script.mkdir):
        change()
        with pytest.raises(ConfigError, match=r"has changed: its sha256 is|is no file of at most"):
            fitted(command(script=str(script), sha256=digest), tmp_path / "again")
    assert not (tmp_path / "again" / "work" / "attempts").exists()


# ── workspaces and stores of strangers ───────────────────────────────────────


@pytest.mark.parametrize("name", ["train", "weights", "work", "start", "train.log", ".train.partial", "trained"])
def test_links_in_a_strangers_workspace_lead_nowhere(tmp_path: Path, name: str) -> None:
    precious, home = tmp_path / "precious", tmp_path / "w"
    precious.mkdir()
    (precious / "letter").write_text("dear")
    home.mkdir()
    (home / name).symlink_to(precious / "letter" if name in ("train.log", "trained") else precious)
    if name == "weights":
        (home / "trained").touch()
    sampler = fitted(command(), home)
    assert len(os.listdir(sampler.weights)) == 14
    assert (precious / "letter").read_text() == "dear"
    assert os.listdir(precious) == ["letter"]


def test_a_workspace_or_lock_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "w").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DataError, match="is a link, which may lead anywhere"):
        fitted(command(), tmp_path / "w")
    (tmp_path / "elsewhere" / "lock").symlink_to(tmp_path / "new")
    with pytest.raises(DataError, match=r"the lock in .* cannot be opened"):
        fitted(command(), tmp_path / "elsewhere")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    "facts",
    [
        "",
        "[]",
        "{}",
        '{"shape": 3}',
        '{"shape": [1, 0, 2]}',
        '{"shape": [2, 9, 9]}',
        '{"shape": [1, 9, 1e9]}',
        '{"shape": [1, 1e999, 3]}',
    ],
)
def test_stored_facts_that_cannot_be_are_damage(tmp_path: Path, facts: str) -> None:
    (tmp_path / "weights").mkdir()
    (tmp_path / "command.json").write_text(facts)
    with pytest.raises(Damaged, match="shape"):
        command().load(tmp_path)


# ── nothing starts by itself ─────────────────────────────────────────────────


def test_without_permission_neither_command_starts(tmp_path: Path) -> None:
    sampler = fitted(command(), tmp_path / "w")
    (tmp_path / "kept").mkdir()
    sampler.save(tmp_path / "kept")
    for denied in (command().load(tmp_path / "kept"), sampler.on(Machine())):
        with pytest.raises(PlanError, match="the sample command would start a program of this machine"):
            drawn(denied)
    with pytest.raises(PlanError, match="the train command would start a program of this machine"):
        command().fit(pool(), start=None, seed=Seed(("fit",)), workspace=workspace(tmp_path / "new", Machine()))
    assert os.listdir(tmp_path / "new") == []


# ── settings ─────────────────────────────────────────────────────────────────

TRAINS, DRAWS = ["a", "{train}", "{weights}"], ["a", "{weights}", "{out}", "{n}", "{seed}"]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "model.train is missing: this model needs two commands"),
        ({"train": TRAINS}, "model.sample is missing: this model needs two commands"),
        ({"train": ["a", "{train}"], "sample": DRAWS}, r"train must hold \{weights\}, but is 'a \{train\}'"),
        ({"train": TRAINS, "sample": DRAWS[:-1]}, r"sample must hold \{seed\}"),
        ({"train": [*TRAINS, "{out}"], "sample": DRAWS}, r"unknown placeholder in '\{out\}'; known are .*\{work\}"),
        ({"train": [*TRAINS, "{seed.__class__}"], "sample": DRAWS}, "unknown placeholder"),
        ({"train": [*TRAINS, "{seed!r}"], "sample": DRAWS}, "unknown placeholder"),
        ({"train": [*TRAINS, "{seed:>9999999999}"], "sample": DRAWS}, "unknown placeholder"),
        ({"train": [*TRAINS, "{0}"], "sample": DRAWS}, "unknown placeholder"),
        ({"train": [*TRAINS, '{"lr": 1}'], "sample": DRAWS}, "for braces of your own"),
        ({"train": [*TRAINS, "}"], "sample": DRAWS}, "single brace"),
        ({"train": ["{train}", *TRAINS], "sample": DRAWS}, "must begin with the name of a program"),
        ({"train": ["", *TRAINS], "sample": DRAWS}, "train is missing"),
        ({"train": 'a "{train} {weights}', "sample": DRAWS}, "cannot be split"),
        ({"train": [*TRAINS, "a\nb"], "sample": DRAWS}, "holds a line break or hidden character"),
        ({"train": [*TRAINS, "a\0b"], "sample": DRAWS}, "holds a line break or hidden character"),
        ({"train": [*TRAINS, "\u202egnp.exe"], "sample": DRAWS}, "holds a line break or hidden character"),
        ({"train": [*TRAINS, "x" * 8000], "sample": DRAWS}, "longer than 8000"),
        ({"train": TRAINS, "sample": DRAWS, "passes": ["A=B"]}, "passes must hold names of variables"),
        ({"train": TRAINS, "sample": DRAWS, "script": "a.py"}, "script and sha256 belong together"),
        ({"train": TRAINS, "sample": DRAWS, "script": "a.py", "sha256": "AB"}, "script and sha256 belong together"),
        ({"train": TRAINS, "sample": DRAWS, "sha256": ""}, "script and sha256 belong together"),
        ({"train": TRAINS, "sample": DRAWS, "script": "a.py", "sha256": ""}, "script and sha256 belong together"),
        ({"train": TRAINS, "sample": DRAWS, "allow_commands": True}, "has no such setting"),
    ],
)
def test_commands_that_cannot_be_are_refused_in_one_sentence(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        build("model", {"use": "command", **settings})


def test_a_text_is_split_without_a_shell_and_is_the_same_model_as_its_list() -> None:
    text = Command('a "{train} x" {weights} $HOME `id` ; {{b}}', "a {weights} {out} {n} {seed}")
    listed = Command(["a", "{train} x", "{weights}", "$HOME", "`id`", ";", "{{b}}"], DRAWS)
    assert text == listed
    assert part_key(text) == part_key(listed)
    assert part_key(text) != part_key(replace(text, revision="2"))
    assert text.commands()[0] == "train: a '{train} x' {weights} '$HOME' '`id`' ';' {{b}}"


def test_values_are_filled_in_once_and_stay_one_argument() -> None:
    from autophagy.models._command_line import filled

    values = {"train": "/a b/{seed}/--x", "seed": 3}
    assert filled(["{train}", "--s={seed}", "{{seed}}"], values) == ["/a b/{seed}/--x", "--s=3", "{seed}"]


@pytest.mark.parametrize("code", [0x200D, 0x200C, 0x3164, 0x115F, 0x2800, 0x34F, 0xFE0F, 0xE0100, 0xA0, 0x430, 0x1F600])
def test_a_command_is_shown_in_plain_ascii_so_that_nothing_looks_like_something_else(code: int) -> None:
    told = Command([*TRAINS, f"--x=it's \\{chr(code)}"], DRAWS).commands()[0]
    shown = f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
    assert told == rf"train: a {{train}} {{weights}} $'--x=it\'s \\{shown}'"
    assert told != Command([*TRAINS, rf"--x=it's \\{shown}"], DRAWS).commands()[0]


def test_what_a_machine_lacks_is_told_without_starting_anything(tmp_path: Path) -> None:
    script = tmp_path / "mine.py"
    pinned = command(script=str(script), sha256="0" * 64)
    assert "is no file of at most" in str(pinned.lacking())
    script.write_text("one")
    assert "has changed: its sha256 is" in str(pinned.lacking())
    assert "the train command begins with 'no-such-program'" in str(
        Command(["no-such-program", *TRAINS[1:]], DRAWS).lacking()
    )
    absent = Command([sys.executable, *TRAINS[1:]], ["./absent", *DRAWS[1:]])
    assert "the sample command begins with './absent', which is no program here" in str(absent.lacking())
    assert command().lacking() is None
