from __future__ import annotations

import numpy as np
from sklearn.datasets import load_digits

from autophagy.core.parts import Split
from autophagy.sources.digits import Digits

SPLITS: tuple[Split, ...] = ("train", "heldout")


def test_splits_are_all_of_scikit_learns_digits_each_once() -> None:
    ours = np.concatenate([Digits().load(split) for split in SPLITS])
    truth = np.rint(load_digits().images * 255 / 16).astype(np.uint8)
    assert ours.shape == (1797, 1, 8, 8)
    assert sorted(image.tobytes() for image in ours) == sorted(image.tobytes() for image in truth)


def test_grey_levels_use_the_whole_byte() -> None:
    levels = np.unique(Digits().load("train"))
    assert levels.tolist() == [round(i * 255 / 16) for i in range(17)]


def test_every_class_is_held_out_by_a_third() -> None:
    counts = [np.bincount(Digits().conditions(split)) for split in SPLITS]
    assert (np.abs(counts[0] - 2 * counts[1]) <= 2).all()


def test_sizes_are_those_of_what_is_loaded() -> None:
    for split in SPLITS:
        images, labels = Digits().load(split), Digits().conditions(split)
        assert Digits().size(split) == len(images) == len(labels)
        assert not images.flags.writeable
        assert not labels.flags.writeable


def test_labels_belong_to_their_images() -> None:
    by_image = dict(zip((i.tobytes() for i in load_digits().images), load_digits().target, strict=True))
    for split in SPLITS:
        levels = np.rint(Digits().load(split)[:, 0] * (16 / 255))
        assert [by_image[image.tobytes()] for image in levels] == Digits().conditions(split).tolist()


def test_classes_become_captions() -> None:
    captions = Digits(caption="a small {name}").conditions("heldout")
    assert sorted(set(captions.tolist()))[:3] == ["a small eight", "a small five", "a small four"]
