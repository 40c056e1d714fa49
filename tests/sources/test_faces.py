"""Source `faces`: the thirty groups of a table, balanced, in splits that never move."""

from __future__ import annotations

import csv
from collections import Counter
from itertools import product

import numpy as np
import pytest

from autophagy.core.errors import ConfigError, DataError
from autophagy.sources import _face_groups
from autophagy.sources.faces import Faces
from autophagy.testing import check

HEAD = ["file_name", "gender", "race", "age"]


@pytest.fixture
def faces(tmp_path, picture):
    """faces(rows, …) draws an image for every row `(name, gender, race, age)` and is the source of them."""

    def made(rows, *, head=HEAD, **settings):
        for name, *_ in rows:
            picture(name, size=(9, 9))
        with (tmp_path / "images" / "attributes.csv").open("w", newline="") as file:
            csv.writer(file).writerows([head, *rows])
        return Faces(str(tmp_path / "images"), **{"side": 4, **settings})

    return made


def crowd(n):
    """Every group n times."""
    groups = product(_face_groups.GENDERS, _face_groups.RACES, ("22", "45", "70"), range(n))
    return [(f"{i:04}.png", gender, race, age) for i, (gender, race, age, _) in enumerate(groups)]


def test_there_are_thirty_groups_in_the_papers_words():
    assert len(set(_face_groups.GROUPS)) == 30
    assert "a photo of a middle-age hispanic woman" in _face_groups.GROUPS
    assert "a photo of a old asian man" in _face_groups.GROUPS


def test_captions_are_the_groups_and_images_keep_theirs(faces):
    rows = crowd(2)
    source = faces(rows, heldout=0.3)
    said = {
        name: f"a photo of a {dict(zip(('22', '45', '70'), _face_groups.AGES))[age]} {race} {gender}"
        for name, gender, race, age in rows
    }
    for split in ("train", "heldout"):
        names = source.listing().names[split]
        assert source.conditions(split).tolist() == [said[name] for name in names]
        assert source.load(split).shape == (len(names), 3, 4, 4)
    assert source.size("train") + source.size("heldout") == 60
    assert set(source.conditions("train")) <= set(source.groups())


@pytest.mark.parametrize(
    ("told", "group"),
    [
        (("Man", "Asian", "29.9"), "a photo of a young asian man"),
        (("male", "latino_hispanic", "30"), "a photo of a middle-age hispanic man"),
        (("Female", "Latino Hispanic", "59"), "a photo of a middle-age hispanic woman"),
        (("woman", "East Asian", "60"), "a photo of a old asian woman"),
        (("WOMAN", "black", "middle-aged"), "a photo of a middle-age black woman"),
        (("man", "white", "Old"), "a photo of a old white man"),
        (("man", "indian", "0"), "a photo of a young indian man"),
    ],
)
def test_other_words_and_years_mean_a_group(faces, told, group):
    source = faces([("a.png", *told)], heldout=0.0)
    assert source.conditions("train").tolist() == [group]


def test_thresholds_of_age_are_settings(faces):
    source = faces([("a.png", "man", "white", "35")], heldout=0.0, middle_from=36, old_from=50)
    assert source.conditions("train").tolist() == ["a photo of a young white man"]


def test_faces_of_no_group_and_images_without_a_line_are_left_out(faces, picture):
    picture("stranger.png")
    rows = [("a.png", "man", "white", "30"), ("b.png", "man", "middle eastern", "30"), ("c.png", "", "", "")]
    assert faces(rows, heldout=0.0).listing().names["train"] == ("a.png",)


def test_splits_do_not_move_when_images_are_added(faces):
    few = faces(crowd(1)).listing().names
    many = faces(crowd(3)).listing().names
    for split in ("train", "heldout"):
        assert set(few[split]) <= set(many[split])
    assert not set(many["train"]) & set(many["heldout"])
    assert 9 <= len(many["heldout"]) <= 28


def test_per_group_keeps_the_same_few_of_each_group(faces):
    capped = faces(crowd(6), per_group=2)
    counts = Counter(capped.conditions("train").tolist())
    assert max(counts.values()) == 2
    assert len(counts) == 30
    whole = faces(crowd(6))
    for split in ("train", "heldout"):
        assert max(Counter(capped.conditions(split).tolist()).values()) <= 2
        assert set(capped.listing().names[split]) < set(whole.listing().names[split])


def test_columns_may_have_other_names(faces):
    head = ["file_name", "sex", "ethnicity", "years"]
    source = faces(
        [("a.png", "man", "white", "30")], head=head, heldout=0.0, gender="sex", race="ethnicity", age="years"
    )
    assert source.conditions("train").tolist() == ["a photo of a middle-age white man"]
    with pytest.raises(DataError, match=r"attributes\.csv' line 2 has no gender, race, age"):
        faces([("a.png", "man", "white", "30")], head=head).size("train")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("a.png", "robot", "white", "30"), r"line 2 says 'robot', which is none of man, woman"),
        (("a.png", "man", "green", "30"), r"says 'green', which is none of asian, black, hispanic, indian, white"),
        (("a.png", "man", "white", "300"), r"says 300 years; give 0 to 130, or one of young, middle-age, old"),
        (("a.png", "man", "white", "ancient"), r"says 'ancient', which is none of young, middle-age, old"),
        (("a.png", "man", "white", "nan"), r"says nan years"),
    ],
)
def test_labels_that_mean_nothing_are_named(faces, row, message):
    with pytest.raises(DataError, match=message):
        faces([row]).conditions("train")


def test_every_problem_of_the_table_is_named_at_once(faces, tmp_path):
    source = faces([("a.png", "man", "white", "30")])
    with (tmp_path / "images" / "attributes.csv").open("a") as file:
        file.write("a.png,man,white,30\ngone.png,man,white,30\n../a.png,man,white,30\n")
    with pytest.raises(DataError, match=r"3 problems .*named twice.*not a file in the folder.*may leave the folder"):
        source.size("train")


def test_a_missing_table_says_how_to_write_it(tmp_path, picture):
    picture("a.png")
    with pytest.raises(DataError, match=r"'attributes\.csv' is not there; write it by: autophagy faces FOLDER"):
        Faces(str(tmp_path / "images")).size("train")


def test_another_table_is_another_content(faces):
    one = faces([("a.png", "man", "white", "30")], heldout=0.0).content()
    two = faces([("a.png", "man", "white", "70")], heldout=0.0).content()
    assert one != two


def test_settings_that_cannot_be_are_refused():
    with pytest.raises(ConfigError, match=r"old_from must be above middle_from = 60, but is 60"):
        Faces("x", middle_from=60)


def test_it_keeps_the_claims_of_sources(faces):
    assert check(faces(crowd(3), heldout=0.4))
    assert np.array_equal(faces(crowd(1)).load("train"), faces(crowd(1)).load("train"))
