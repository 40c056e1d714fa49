"""autophagy faces. DeepFace downloads networks, so something that answers as it does stands in for it."""

import csv
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from autophagy.sources import _deepface
from autophagy.sources._face_table import Attributes
from autophagy.sources.faces import Faces


class Answers:
    """Answers as `DeepFace.analyze` does: by an image's mean colour, and for none that is black."""

    def __init__(self):
        self.asked = 0

    def analyze(self, img_path, actions, enforce_detection, silent):
        assert (actions, enforce_detection, silent) == (("age", "gender", "race"), True, True)
        self.asked += 1
        blue, green, red = img_path.reshape(-1, 3).mean(0)
        if red == 66:
            raise OSError("weights cannot be downloaded")
        if not img_path.any():
            raise ValueError("Face could not be detected in numpy array.")
        face = {
            "age": int(green),
            "dominant_gender": "Man" if red > 100 else "Woman",
            "dominant_race": "latino hispanic" if blue > 100 else "middle eastern" if blue > 50 else "asian",
            "region": {"x": 0, "y": 0, "w": 9, "h": 9},
        }
        passer_by = face | {"age": 99, "region": {"x": 0, "y": 0, "w": 2, "h": 30}}
        return [passer_by, face]


@pytest.fixture
def answers(monkeypatch):
    found = Answers()
    monkeypatch.setitem(sys.modules, "deepface", SimpleNamespace(DeepFace=found))
    return found


@pytest.fixture
def folder(tmp_path):
    colours = {
        "a.png": (200, 25, 200), "deep/b.png": (20, 45, 20), "c.png": (200, 65, 70), "dark.png": (0, 0, 0),
    }  # fmt: skip
    for name, colour in colours.items():
        draw(tmp_path / "faces" / name, colour)
    (tmp_path / "faces" / "broken.png").write_bytes(b"no image")
    return tmp_path / "faces"


def draw(path, colour):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((8, 8, 3), colour, np.uint8)).save(path)


def table(path):
    with path.open(newline="") as file:
        return {row["file_name"]: (row["gender"], row["race"], row["age"]) for row in csv.DictReader(file)}


def test_every_face_gets_a_line_in_the_papers_words(call, answers, folder):
    code, said = call("faces", folder)
    assert code == 0
    assert table(folder / "attributes.csv") == {
        "a.png": ("man", "hispanic", "25"),
        "c.png": ("man", "middle eastern", "65"),
        "dark.png": ("", "", ""),
        "deep/b.png": ("woman", "asian", "45"),
    }
    assert "4 images classified, 0 known before." in said
    assert "1 image without a face, left out by source 'faces': 'dark.png'" in said
    assert "1 image not read, which have no line: 'broken.png' is not a PNG, JPEG, WebP or BMP image" in said


def test_the_source_reads_what_the_command_wrote(call, answers, folder):
    call("faces", folder)
    (folder / "broken.png").unlink()
    source = Faces(str(folder), side=8, heldout=0.0)
    assert source.conditions("train").tolist() == [
        "a photo of a young hispanic man",
        "a photo of a middle-age asian woman",
    ]
    assert source.load("train").shape == (2, 3, 8, 8)


def test_nothing_is_asked_twice(call, answers, folder):
    call("faces", folder)
    asked = answers.asked
    draw(folder / "new.png", (20, 70, 20))
    code, said = call("faces", folder)
    assert (code, answers.asked) == (0, asked + 1)
    assert "1 image classified, 4 known before." in said
    assert table(folder / "attributes.csv")["new.png"] == ("woman", "asian", "70")


def test_a_line_that_a_kill_cut_off_is_asked_again(call, answers, folder):
    call("faces", folder)
    path = folder / "attributes.csv"
    whole = path.read_bytes()
    path.write_bytes(whole[:-7])
    call("faces", folder)
    assert path.read_bytes() == whole


def test_what_stops_it_keeps_what_was_classified(call, answers, folder):
    draw(folder / "b.png", (66, 1, 1))
    code, said = call("faces", folder)
    assert code == 1
    assert (
        "'b.png' could not be classified: OSError: 'weights cannot be downloaded'; what was classified before" in said
    )
    assert list(table(folder / "attributes.csv")) == ["a.png"]


def test_the_table_may_lie_elsewhere(call, answers, folder, tmp_path):
    code, _ = call("faces", folder, "--out", tmp_path / "mine.csv")
    assert code == 0
    assert len(table(tmp_path / "mine.csv")) == 4
    code, said = call("faces", folder, "--out", tmp_path / "no" / "mine.csv")
    assert code == 1
    assert "cannot be written" in said


def test_another_table_is_left_alone(call, answers, folder):
    (folder / "attributes.csv").write_text("name,sex\nx,y\n")
    code, said = call("faces", folder)
    assert code == 1
    assert "has the columns name, sex, not file_name, gender, race, age; choose another --out" in said
    assert (folder / "attributes.csv").read_text() == "name,sex\nx,y\n"


@pytest.mark.parametrize("what", ["nowhere", "empty"])
def test_a_folder_without_images_is_said(call, answers, tmp_path, what):
    (tmp_path / "empty").mkdir()
    code, said = call("faces", tmp_path / what)
    assert code == 1
    assert ("there is no folder" if what == "nowhere" else "holds no PNG") in said
    assert not (tmp_path / "empty" / "attributes.csv").exists()


def test_a_missing_deepface_is_one_sentence(call, monkeypatch, folder):
    monkeypatch.setitem(sys.modules, "deepface", None)
    code, said = call("faces", folder)
    assert code == 2
    assert "autophagy faces needs the package 'deepface'; run: pip install 'autophagy[faces]'" in said
    assert not (folder / "attributes.csv").exists()


def test_no_answer_is_no_face():
    assert _deepface.asking(lambda *_, **__: [])(np.zeros((4, 4, 3), np.uint8)) is None
    lone = {"age": 31.0, "dominant_gender": "Woman", "dominant_race": "black"}
    assert _deepface.asking(lambda *_, **__: [lone])(np.zeros((4, 4, 3), np.uint8)) == Attributes(
        "woman", "black", 31.0
    )
