"""Coloured things are real pictures in the colour that their caption names, in shades that vary."""

from __future__ import annotations

import colorsys
from pathlib import Path

import numpy as np
import pytest

from autophagy.core.catalog import build
from autophagy.core.errors import ConfigError
from autophagy.sources import _coloured
from autophagy.sources._coloured import GROUPS, HUE_SPREAD, HUES, paint
from autophagy.sources.coloured_digits import ColouredDigits
from autophagy.sources.coloured_garments import GARMENTS, ColouredGarments
from autophagy.sources.mnist import Mnist
from autophagy.testing import check


def test_there_are_thirty_groups_of_digits() -> None:
    captions = ColouredDigits().conditions("train")
    groups, counts = np.unique(captions, return_counts=True)
    assert len(groups) == 30
    assert counts.min() > 1500  # 60,000 rows over 30 groups: a row's colour is drawn evenly
    assert "a photo of a red seven" in groups


def test_captions_name_the_digit_that_is_on_the_image() -> None:
    source, mnist = ColouredDigits(), Mnist(caption="{name}")
    for split in ("train", "heldout"):
        assert np.array_equal(
            [caption.rsplit(" ", 1)[1] for caption in source.conditions(split)],  # type: ignore[arg-type]
            mnist.conditions(split),  # type: ignore[arg-type]
        )


@pytest.mark.parametrize("colour", HUES)
def test_the_brightest_pixel_has_the_colours_hue(colour: str) -> None:
    rng = np.random.default_rng(0)
    grey = np.zeros((200, 28, 28), np.uint8)
    grey[:, 10:18, 10:18] = 255
    images = paint(grey, np.full(200, HUES[colour]), rng.random((200, 8), np.float32))
    for red, green, blue in images[:, :, 15, 15].tolist():
        hue, saturation, value = colorsys.rgb_to_hsv(red / 255, green / 255, blue / 255)
        gap = (360 * hue - HUES[colour] + 180) % 360 - 180
        assert abs(gap) < HUE_SPREAD + 1  # and a degree for rounding to bytes
        assert saturation > 0.73
        assert value > 0.69


def test_the_picture_lies_in_the_middle_before_a_dark_ground() -> None:
    images, digits = ColouredDigits().load("heldout"), Mnist().load("heldout")
    assert images.shape == (10_000, 3, 32, 32)
    assert images.dtype == np.uint8
    assert not images.flags.writeable
    inside = images[:500, :, 2:-2, 2:-2].max(1)
    assert (inside[digits[:500, 0] > 250] > 170).all()
    ground = images[:500, :, :2]
    assert ground.max() < 110
    assert ground.std(0).min() > 5  # no two grounds are alike


def test_shades_do_not_depend_on_which_colours_are_asked_for_elsewhere() -> None:
    one, two = ColouredDigits(colours=("red",)), ColouredDigits(colours=("red", "blue"))
    red = two.conditions("heldout")[:50] == one.conditions("heldout")[:50]
    assert red.any()
    assert np.array_equal(one.load("heldout")[:50][red], two.load("heldout")[:50][red])


def test_garments_leave_out_what_people_mistake(fashion_files: Path) -> None:
    source = ColouredGarments(folder=str(fashion_files), colours=("purple",))
    names = {caption.removeprefix("a photo of a purple ") for caption in source.conditions("train").tolist()}
    assert names == set(GARMENTS.values())
    labels = build("source", {"use": "fashion-mnist", "folder": str(fashion_files)}).conditions("train")
    assert len(source.load("train")) == source.size("train") == np.isin(labels, list(GARMENTS)).sum() < len(labels)


def test_other_garments_are_other_data(fashion_files: Path) -> None:
    before = ColouredGarments(folder=str(fashion_files)).content()
    path = fashion_files / "train-images-idx3-ubyte"
    changed = bytearray(path.read_bytes())
    changed[-1] ^= 1
    path.write_bytes(bytes(changed))
    assert ColouredGarments(folder=str(fashion_files)).content() != before


@pytest.mark.parametrize(
    ("colours", "message"),
    [
        (["grean"], "one is 'grean'. Did you mean 'green'"),
        ([], "at least one colour"),
        (["red", "red"], "none twice"),
    ],
)
def test_colours_that_are_none(colours: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build("source", {"use": "coloured-digits", "colours": colours})


def test_groups_are_colours() -> None:
    assert set(GROUPS) <= set(HUES)
    assert len(_coloured.caption("red", "seven").split()) == 6


def test_garments_that_change_are_painted_again(fashion_files: Path) -> None:
    source = ColouredGarments(folder=str(fashion_files))
    before, path = source.load("train"), fashion_files / "train-images-idx3-ubyte"
    whole = path.read_bytes()
    path.write_bytes(whole[:16] + bytes(255 - level for level in whole[16:]))
    assert not np.array_equal(source.load("train"), before)


def test_garments_keep_the_claims_of_sources(fashion_files: Path) -> None:
    assert check(build("source", {"use": "coloured-garments", "folder": str(fashion_files)}))
