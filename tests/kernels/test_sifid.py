"""The single-image FID, and which real image it is taken to."""

import numpy as np
import pytest

from autophagy.core.catalog import build
from autophagy.core.pool import REAL_DATA, Origin, Pool
from autophagy.kernels import sifid
from autophagy.kernels.frechet import frechet
from autophagy.kernels.pairs import NONE, counterparts


def plain(images):
    """Maps that are the image's own 2 × 2 blocks: 12 features at (h/2) × (w/2) positions."""
    n, c, h, w = images.shape
    blocks = images.reshape(n, c, h // 2, 2, w // 2, 2).astype(np.float32)
    return blocks.transpose(0, 1, 3, 5, 2, 4).reshape(n, 4 * c, h // 2, w // 2)


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (40, 3, 16, 16)).astype(np.uint8)


def test_positions_are_rows_of_features():
    maps = np.arange(2 * 3 * 2 * 2).reshape(2, 3, 2, 2)
    rows = sifid.positions(maps)
    assert rows.shape == (2, 4, 3)
    np.testing.assert_array_equal(rows[1, 2], maps[1, :, 1, 0])


@pytest.mark.parametrize("side", [16, 4], ids=["more positions than features", "fewer"])
def test_it_is_the_frechet_distance_of_the_positions(images, side):
    a, b = images[:20, :, :side, :side], images[20:, :, :side, :side]
    found = sifid.single_image_fids(plain, a, b)
    rows, others = (sifid.positions(plain(x)).astype(np.float64) for x in (a, b))
    np.testing.assert_array_equal(found, [frechet(x, y) for x, y in zip(rows, others, strict=True)])
    for i in (0, 7):  # and by the textbook's formula, through the square root of S₁S₂
        mean, s, t = rows[i].mean(0) - others[i].mean(0), np.cov(rows[i].T), np.cov(others[i].T)
        values = np.linalg.eigvals(s @ t)
        truth = mean @ mean + np.trace(s) + np.trace(t) - 2 * np.sqrt(values.real.clip(0)).sum()
        assert found[i] == pytest.approx(truth, rel=1e-3 if side == 4 else 1e-8)


def test_a_copy_is_at_distance_zero_also_with_fewer_positions_than_features(images):
    for encoder in (plain, build("encoder", {"use": "alexnet", "layer": "relu1", "side": 31}).maps):
        assert set(sifid.single_image_fids(encoder, images, images).tolist()) == {0.0}


def test_positions_moved_about_are_no_distance(images):
    turned = images.reshape(40, 3, 8, 2, 8, 2)[:, :, ::-1, :, ::-1].reshape(images.shape)  # blocks in another order
    found = sifid.single_image_fids(plain, images, turned)
    assert found.max() < 1e-6 * sifid.single_image_fids(plain, images[:20], images[20:]).min()


def test_a_brighter_image_is_at_the_square_of_the_shift():
    image = np.random.default_rng(1).integers(0, 200, (1, 3, 16, 16)).astype(np.uint8)
    assert sifid.single_image_fids(plain, image, image + 10)[0] == pytest.approx(12 * 10**2, rel=1e-9)


def test_company_and_blocks_change_nothing(images, monkeypatch):
    encoder = build("encoder", {"use": "alexnet", "layer": "relu1", "side": 48}).maps
    whole = sifid.single_image_fids(encoder, images[:20], images[20:])
    monkeypatch.setattr(sifid, "TOGETHER", 3)
    np.testing.assert_array_equal(sifid.single_image_fids(encoder, images[:20], images[20:]), whole)
    np.testing.assert_array_equal(sifid.single_image_fids(encoder, images[:20][::-1], images[20:][::-1]), whole[::-1])


def test_one_position_has_no_distance(images):
    assert np.isnan(sifid.single_image_fids(plain, images[:2, :, :2, :2], images[2:4, :, :2, :2])).all()


def pool(n, condition=None, rows=None, begun=None, generation=1):
    condition = None if condition is None else np.array(condition)
    found = Pool.born(np.zeros(n), Origin("x", generation), condition=condition, rows=rows)
    return (
        found if begun is None else Pool(*[getattr(found, f) for f in found.__dataclass_fields__][:5], np.array(begun))
    )


REAL = pool(6, list("abcabd"), np.array([50, 40, 30, 20, 10, 0]), generation=REAL_DATA)


def test_samples_begun_from_real_images_belong_to_those_whatever_their_captions():
    begun = pool(4, list("aaaa"), begun=[10, 50, 0, 10])
    np.testing.assert_array_equal(counterparts(begun, REAL), [4, 0, 5, 4])
    np.testing.assert_array_equal(counterparts(pool(2, begun=[7, 20]), REAL), [NONE, 3])


def test_drawn_samples_belong_to_the_real_image_of_their_turn():
    drawn = pool(8, list("abcabdab"))
    np.testing.assert_array_equal(counterparts(drawn, REAL), [0, 1, 2, 3, 4, 5, 0, 1])
    left = drawn.take(np.array([7, 2, 4]))  # curated, in another order
    np.testing.assert_array_equal(counterparts(left, REAL), [1, 2, 4])


def test_others_are_paired_within_their_caption_by_row():
    held = pool(6, list("bzaaba"), np.array([3, 1, 9, 2, 1, 5]))
    np.testing.assert_array_equal(counterparts(held, REAL), [4, NONE, 0, 0, 1, 3])
    order = np.array([5, 0, 3, 1, 4, 2])
    np.testing.assert_array_equal(counterparts(held.take(order), REAL), counterparts(held, REAL)[order])


def test_held_out_images_of_a_lone_caption_are_paired_in_their_order():
    real, rows = pool(4, list("aaaa"), generation=REAL_DATA), np.array([0, 4, 8, 12])
    held = pool(4, list("aaaa"), rows, generation=REAL_DATA)
    np.testing.assert_array_equal(counterparts(held, real), [0, 1, 2, 3])
    np.testing.assert_array_equal(counterparts(pool(4, list("aaaa"), rows), real), [0, 0, 0, 0])  # drawn in turn


def test_samples_without_captions_have_no_counterpart():
    assert set(counterparts(pool(3), REAL).tolist()) == {NONE}
    assert set(counterparts(pool(3, list("abc")), pool(3)).tolist()) == {NONE}
    assert set(counterparts(pool(3, list("abc")), REAL.take(np.zeros(0, int))).tolist()) == {NONE}
