"""A full disk or a read-only folder costs one sentence, not what was finished before."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from autophagy.archive import files
from autophagy.archive.disk import DiskStore
from autophagy.archive.run_folder import RunFolder
from autophagy.core.errors import PlanError, StoreError
from autophagy.core.generation import Record
from autophagy.experiment.config import Arm, Experiment
from autophagy.experiment.run import run
from autophagy.loops.fully_synthetic import FullySynthetic
from autophagy.metrics.moments import Moments
from autophagy.models.gaussian import Gaussian
from autophagy.sources.normal import Normal

arm = Arm(Normal(2), Gaussian(), FullySynthetic(), real=500, metrics=(Moments(),), gallery=0)
experiment = Experiment({"a": arm}, generations=12, keep_models="all", name="r")


@contextmanager
def mounted(folder: Path, *how: str) -> Iterator[None]:
    if os.geteuid() != 0:
        pytest.skip("only root may mount")
    folder.mkdir(exist_ok=True)
    if subprocess.run(["mount", *how, str(folder)], capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def artefacts(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in (root / "artefacts").rglob("*") if p.is_file()}


def fill(folder: Path, *, but: int) -> None:
    """Leaves `but` bytes of a small file system, as somebody else's program might."""
    with suppress(OSError), (folder / "filler").open("wb", buffering=0) as file:
        while True:
            file.write(bytes(1024))
    os.truncate(folder / "filler", (folder / "filler").stat().st_size - but)


@pytest.mark.parametrize("left", [0, 4096, 8192, 20_480, 40_960])
def test_a_disk_that_fills_up_ends_the_run_with_one_sentence_and_keeps_the_last_commit(
    tmp_path: Path, left: int
) -> None:
    undisturbed = tmp_path / "undisturbed"
    run(experiment, undisturbed, on="serial")
    root = tmp_path / "small"
    with mounted(root, "-t", "tmpfs", "-o", "size=4m", "tmpfs"):

        def others_write(record: Record) -> None:
            if record.generation == 3:
                fill(root, but=left)

        with pytest.raises(StoreError, match=r"cannot write to .*: the disk is full; .* what was finished is kept\.$"):
            run(experiment, root, on="serial", watch=others_write)
        store = DiskStore(root)
        kept = list(store.keys())
        assert kept
        assert all(store.holds(key) for key in kept)
        assert not list(root.rglob("*.partial*"))
        assert artefacts(root).items() <= artefacts(undisturbed).items()

        (root / "filler").unlink()
        assert len(run(experiment, root, on="serial").records) == 13
        assert artefacts(root) == artefacts(undisturbed)


def test_a_disk_that_is_too_small_is_refused_before_anything_runs(tmp_path: Path) -> None:
    root = tmp_path / "small"
    with mounted(root, "-t", "tmpfs", "-o", "size=100k", "tmpfs"):
        with pytest.raises(PlanError, match=r"this needs .* of disk, but .* has 102 kB left; free some space"):
            run(experiment, root, on="serial")
        assert list(root.rglob("*")) == []


def test_a_read_only_folder_is_refused_and_can_still_be_read(tmp_path: Path) -> None:
    root = tmp_path / "store"
    run(experiment, root, on="serial")
    with mounted(root, "--bind", str(root)):
        subprocess.run(["mount", "-o", "remount,ro,bind", str(root)], check=True)
        with pytest.raises(StoreError, match="the file system is read-only; choose another --store"):
            run(experiment, root, on="serial")
        assert len(RunFolder(root, "r").records()) == 13
        assert all(DiskStore(root).holds(key) for key in list(DiskStore(root).keys()))
        with pytest.raises(StoreError, match="read-only"):
            DiskStore(root).numbers("ab12", dict)


def test_a_file_where_the_store_should_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("a letter")
    with pytest.raises(StoreError, match="a file stands where a folder should be"):
        run(experiment, tmp_path / "store", on="serial")
    assert (tmp_path / "store").read_text() == "a letter"


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EDQUOT, "quota"),
        (errno.EFBIG, "larger than is allowed"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "permission is denied"),
        (errno.EIO, "the disk does not work"),
    ],
)
def test_every_refusal_of_the_system_has_its_sentence(tmp_path: Path, number: int, words: str) -> None:
    with pytest.raises(StoreError, match=words) as caught, files.writing(tmp_path):
        raise OSError(number, os.strerror(number))
    assert str(caught.value).startswith(f"cannot write to {tmp_path}: ")
    assert "\n" not in str(caught.value)


def test_a_library_that_tells_the_reason_in_words_only_is_understood(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="the disk is full"), files.writing(tmp_path):
        raise RuntimeError("Error while serializing: I/O error: No space left on device (os error 28)")


def test_other_errors_are_nobodys_disk(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="mine"), files.writing(tmp_path):
        raise ValueError("mine")
    with pytest.raises(FileNotFoundError), files.writing(tmp_path):
        raise FileNotFoundError(errno.ENOENT, "gone")


def test_a_file_that_could_not_be_replaced_keeps_its_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files.replace_file(tmp_path / "x.json", "old")

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="full"), files.writing(tmp_path):
        files.replace_file(tmp_path / "x.json", "new")
    assert [p.name for p in tmp_path.iterdir()] == ["x.json"]
    assert (tmp_path / "x.json").read_text() == "old"
