"""What speaks against the numbers is said."""

import numpy as np
import pytest

from autophagy.scoring.score import score

QUICK = {"metrics": ["frechet"], "intervals": False}


def said(found, text):
    return [warning for warning in found.warnings if text in warning]


def test_planted_copies_are_found_within_and_across(folders, tmp_path, write, digits):
    fakes = np.concatenate([digits[200:280], digits[200:203], digits[5:9], digits[5:6]])
    fake = write(tmp_path / "fake", fakes, "bmp")  # other bytes, the same pixels
    found = score(folders[0], fake, **QUICK)
    assert said(found, f"4 of 88 in {fake} are exact copies of others in it: '0080.bmp' is '0000.bmp', and 3 more.")
    assert said(found, f"5 of 88 in {fake} are exact copies of some in {folders[0]}: '0083.bmp' is '0005.png', and 4")
    clean = score(*folders, **QUICK)
    assert not said(clean, "cop")


def test_a_copy_is_found_among_vectors():
    rows = np.random.default_rng(0).normal(size=(50, 3))
    other = np.concatenate([rows[7:8].astype(np.float32), rows[7:8], np.ones((2, 3))])
    found = score(rows, other, **QUICK)
    assert said(found, "1 of 4 in FAKE is an exact copy of others in it: 'row 3' is 'row 2'.")
    assert said(found, "1 of 4 in FAKE is an exact copy of some in REAL: 'row 1' is 'row 7'.")


def test_a_clean_comparison_has_no_warning(digits):
    assert score(digits[:150], digits[150:300], **QUICK).warnings == ()


def test_sets_that_depend_on_one_another():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(400, 4))
    edited = rows + 0.01 * rng.normal(size=rows.shape)
    text = "the debiased Fréchet distance is below 0 by its own interval: the sets look dependent"
    assert said(score(rows, edited, **QUICK), text)
    assert not said(score(rows, rng.normal(size=(400, 4)), **QUICK), text)


def test_few_features_are_not_called_dependent_when_they_happen_to_agree():
    """Of 60 independent pairs with one feature some ten have a debiased distance below 0 by its interval."""
    rng = np.random.default_rng(0)
    below = 0
    for _ in range(60):
        found = score(rng.normal(size=(50, 1)), rng.normal(size=(50, 1)), **QUICK)
        interval = next(one.interval for one in found.scores if one.name == "debiased")
        below += interval is not None and interval.high < 0
        assert not said(found, "look dependent")
    assert below > 2


def test_one_loud_feature_among_ten_is_not_called_dependent():
    rng, loud = np.random.default_rng(1), np.array([30.0, *np.ones(9)])
    for _ in range(20):
        real, fake = (loud * rng.normal(size=(200, 10)) for _ in range(2))
        assert not said(score(real, fake, **QUICK), "look dependent")
    assert said(score(real, real + 0.01 * rng.normal(size=real.shape), **QUICK), "look dependent")


def test_unequal_sizes_spoil_the_debiased_distance_and_it_says_so():
    rng = np.random.default_rng(0)
    real, fake = rng.normal(size=(2000, 84)), rng.normal(size=(150, 84))
    found = score(real, fake, **QUICK)
    assert found.value("frechet.debiased") < -0.5  # of sets with one distribution
    assert said(
        found, "comes out too low where the sets differ in size and the smaller has fewer than 5 rows a feature"
    )
    assert not said(found, "look dependent")
    assert not said(score(real[:150], fake, **QUICK), "comes out too low")


def test_other_sizes_of_sets(folders):
    assert said(score(*folders, **QUICK), "the sets differ in size (120 and 100), and most of these numbers depend on")
    assert not said(score(*folders, limit=90, **QUICK), "the sets differ in size")


def test_formats_and_sizes_of_images(folders, tmp_path, write, digits):
    lossy = write(tmp_path / "lossy", digits[200:320], "jpg", quality=60)
    found = score(folders[0], lossy, **QUICK)
    assert said(found, f"the sets differ in format (PNG in {folders[0]}, JPEG in {lossy}): what a lossy format does")
    large = write(tmp_path / "large", digits[200:320].repeat(2, 2).repeat(2, 3))
    assert said(score(folders[0], large, **QUICK), "the sets differ in size (28 × 28 in")


def test_compression_alone_moves_the_distance(tmp_path, write, digits):
    """The reason for the warning, in numbers: the same digits as PNG and as JPEG."""
    as_png, as_jpeg = write(tmp_path / "png", digits), write(tmp_path / "jpeg", digits, "jpg", quality=30)
    lossless = score(digits, as_png, encoder="lenet", **QUICK).value("frechet.distance")
    lossy = score(digits, as_jpeg, encoder="lenet", **QUICK).value("frechet.distance")
    assert lossless == 0
    assert lossy > 0


@pytest.mark.parametrize(("n", "is_said"), [(84, True), (85, False)])
def test_too_few_for_a_covariance(digits, n, is_said):
    found = score(digits[:n], digits[n : 2 * n], **QUICK)
    assert bool(said(found, f"{n} are too few for 84 features: their covariance is singular")) == is_said


def test_an_encoder_that_was_fitted_on_the_real_side(digits):
    found = score(digits[:200], digits[200:], encoder="pca", metrics="frechet", intervals=False)
    assert any("encoder 'pca' was fitted on REAL, whose rows it suits better" in text for text in found.warnings)
    assert not any("was fitted" in text for text in score(digits[:200], digits[200:], metrics="moments").warnings)


def test_zero_radii_are_explained():
    rows = np.random.default_rng(0).normal(size=(40, 3))
    collapsed = np.concatenate([np.zeros((10, 3)), rows[:10] + 1])
    found = score(rows, collapsed, metrics=["precision-recall"], intervals=False)
    assert said(found, "10 fake rows have as many copies as neighbours are looked at (precision-recall)")


def test_lenet_says_what_it_is_for(tmp_path, write):
    photos = np.random.default_rng(0).integers(0, 256, (8, 3, 32, 32), np.uint8)
    found = score(photos[:4], photos[4:], metrics=["moments"], intervals=False)
    assert said(found, "encoder 'lenet' was trained on small grey digits and says little of other images")
    assert "not the FID of papers, which needs --encoder inception" in found.encoder
