"""Where checkpoints are found."""

from __future__ import annotations

from pathlib import Path

import pytest

from autophagy.checkpoints import place
from autophagy.checkpoints.place import folder_of
from autophagy.core.errors import DataError

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with two checkpoints and a folder that is none."""
    data = tmp_path / "data"
    for name, mark in (("tiny-sd", "model_index.json"), ("tiny-clip", "config.json"), ("lenet", "lenet.safetensors")):
        (data / name).mkdir(parents=True)
        (data / name / mark).write_text("{}")
    monkeypatch.setattr(place, "SHIPPED", data)
    monkeypatch.chdir(tmp_path)
    return data


def test_a_checkpoint_of_ours_is_found_by_its_name(ours: Path) -> None:
    assert list(place.shipped()) == ["tiny-clip", "tiny-sd"]
    assert folder_of("model 'm'", "tiny-sd", None) == ours / "tiny-sd"
    assert folder_of("model 'm'", "tiny-clip", None) == ours / "tiny-clip"


def test_a_name_of_ours_comes_before_a_folder_of_that_name(ours: Path, tmp_path: Path) -> None:
    (tmp_path / "tiny-sd").mkdir()
    assert folder_of("model 'm'", "tiny-sd", None) == ours / "tiny-sd"
    assert folder_of("model 'm'", "./tiny-sd", None).resolve() == tmp_path / "tiny-sd"


def test_a_name_that_is_none_of_ours_is_told_which_are(ours: Path) -> None:
    for name in ("tiny-ds", "lenet"):
        with pytest.raises(DataError, match=rf"there is no folder '{name}'; .*\(ours: tiny-clip, tiny-sd\)\.$"):
            folder_of("model 'm'", name, None)


def test_names_from_elsewhere_are_told_in_place_of_ours(ours: Path) -> None:
    with pytest.raises(DataError, match=r"name one, or an id on the hub \(by name: large, small\)\.$"):
        folder_of("model 'x'", "smol", None, known=("small", "large"))


def test_names_lead_nowhere_else(ours: Path) -> None:
    for name in ("tiny-sd/..", "TINY-SD", "tiny-sd/model_index.json"):
        with pytest.raises(DataError, match=r"there is no folder|needs a commit"):
            folder_of("model 'm'", name, None)


def test_ours_has_no_revision(ours: Path) -> None:
    with pytest.raises(DataError, match="has no revision; leave it out"):
        folder_of("model 'm'", "tiny-sd", COMMIT)


def test_who_lacks_a_commit_is_told_what_to_get(ours: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    with pytest.raises(DataError, match=rf"hf download a/b --revision {COMMIT} --include '\*.json' '\*.txt'$"):
        folder_of("model 'm'", "a/b", COMMIT, ("*.json", "*.txt"))
