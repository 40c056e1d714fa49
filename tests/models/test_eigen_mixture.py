import json

import numpy as np
import pytest

from autophagy.core.errors import Damaged, Diverged
from autophagy.models.eigen_mixture import EigenMixture


@pytest.fixture(scope="module")
def digits() -> tuple[np.ndarray, np.ndarray]:
    """1,797 handwritten digits, `(n, 1, 8, 8)` uint8, and their classes."""
    from sklearn.datasets import load_digits

    found = load_digits()
    return (found.images * 15.9).astype(np.uint8)[:, None], found.target.astype(np.int64)


@pytest.fixture(scope="module")
def classify(digits):
    """Classes as a classifier sees them that learned from half of the real digits."""
    from sklearn.neighbors import KNeighborsClassifier

    images, labels = digits
    judge = KNeighborsClassifier(3).fit(images[900:].reshape(-1, 64) / 255, labels[900:])
    return lambda drawn: judge.predict(drawn.reshape(len(drawn), -1) / 255)


def test_drawn_digits_are_recognised(digits, classify, fit, draw) -> None:
    images, labels = digits[0][:900], digits[1][:900]
    sampler = fit(EigenMixture(), images, labels)
    wanted = np.random.default_rng(0).permutation(labels)
    assert (classify(draw(sampler, 900, wanted)) == wanted).mean() > 0.93


def test_without_a_wish_classes_come_as_often_as_in_training(digits, classify, fit, draw) -> None:
    rows = (digits[1] == 0) | ((digits[1] == 1) & (np.arange(len(digits[1])) % 3 == 0))
    sampler = fit(EigenMixture(components=2), digits[0][rows], digits[1][rows])
    seen = classify(draw(sampler, 3000))
    assert (seen == 0).mean() == pytest.approx((digits[1][rows] == 0).mean(), abs=0.04)


def test_captions_are_classes(digits, classify, fit, draw) -> None:
    captions = np.array([f"the digit {label}" for label in digits[1]])
    sampler = fit(EigenMixture(components=3), digits[0], captions)
    drawn = draw(sampler, 200, np.repeat(["the digit 7", "the digit 0"], 100))
    assert (classify(drawn) == np.repeat([7, 0], 100)).mean() > 0.9


def test_equal_images_have_equal_draws_whether_classes_are_numbers_or_captions_of_any_length(digits, fit, draw) -> None:
    captions = np.array(["zero", "one and a very long caption"])[digits[1][:300] % 2]
    sampler = fit(EigenMixture(components=2), digits[0][:300], captions)
    asked = np.array(["zero"] * 5)  # a shorter dtype than the training captions'
    assert np.array_equal(draw(sampler, 5, asked), draw(sampler, 5, asked.astype(object)))


def test_without_labels_it_is_one_class(digits, fit, draw) -> None:
    sampler = fit(EigenMixture(), digits[0])
    assert sampler.classes is None
    assert len(sampler.weights) == 5
    assert draw(sampler, 10).std() > 30


def test_a_class_that_it_never_saw_is_refused(digits, fit, draw) -> None:
    few = digits[1] < 3
    sampler = fit(EigenMixture(components=1), digits[0][few], digits[1][few])
    with pytest.raises(
        Diverged, match="class 7 has died out: it is to be drawn, but the training set had only 0, 1, 2"
    ):
        draw(sampler, 2, np.array([1, 7]))
    with pytest.raises(Diverged, match=r"class 1 has died out: .* only none"):
        draw(fit(EigenMixture(), digits[0]), 1, np.array([1]))


def test_a_small_class_gets_fewer_components(digits, fit, draw) -> None:
    rows = np.concatenate([np.flatnonzero(digits[1] == 0), np.flatnonzero(digits[1] == 1)[:2]])
    sampler = fit(EigenMixture(components=5), digits[0][rows], digits[1][rows])
    assert np.bincount(sampler.owner).tolist() == [5, 2]
    lonely = draw(sampler, 50, np.ones(50, np.int64))
    originals = digits[0][rows[-2:]].astype(int)
    gaps = np.abs(lonely[:, None].astype(int) - originals).max((2, 3, 4)).min(1)
    assert gaps.max() <= 1  # a component of one image draws that image


def test_draws_lie_in_the_basis_before_they_are_clipped(fit, draw) -> None:
    rng = np.random.default_rng(0)
    patterns = rng.uniform(-1, 1, (2, 16))
    images = np.rint(128 + 20 * rng.standard_normal((300, 2)) @ patterns).astype(np.uint8).reshape(-1, 1, 4, 4)
    sampler = fit(EigenMixture(directions=2, components=1), images)
    gaps = draw(sampler, 300).reshape(300, 16) - sampler.mean
    assert np.abs(gaps - gaps @ sampler.basis.T @ sampler.basis).max() < 2  # rounding only


def test_a_single_gaussian_keeps_mean_and_covariance(fit, draw) -> None:
    rng = np.random.default_rng(0)
    images = np.clip(np.rint(rng.normal(128, 15, (2000, 1, 2, 2))), 0, 255).astype(np.uint8)
    drawn = draw(fit(EigenMixture(components=1), images), 20_000).reshape(-1, 4)
    assert drawn.mean(0) == pytest.approx(images.reshape(-1, 4).mean(0), abs=0.6)
    assert np.cov(drawn.T) == pytest.approx(np.cov(images.reshape(-1, 4).T), abs=12)


def test_the_number_of_threads_changes_nothing(digits, fit, draw) -> None:
    from threadpoolctl import threadpool_limits

    found = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            found.append(draw(fit(EigenMixture(), digits[0], digits[1]), 500, digits[1][:500]))
    assert np.array_equal(*found)


def test_beside_the_arrays_lies_plain_json(digits, fit, tmp_path) -> None:
    fit(EigenMixture(components=1), digits[0][:50], np.array(["ä", "b"])[np.arange(50) % 2]).save(tmp_path)
    facts = json.loads((tmp_path / "eigen-mixture.json").read_text(encoding="utf-8"))
    assert facts == {"shape": [1, 8, 8], "classes": ["b", "ä"]}


@pytest.mark.parametrize("text", ["{", "[]", '{"shape": 3, "classes": null}', '{"classes": null}'])
def test_facts_that_are_not_facts_are_damage(text, digits, fit, tmp_path) -> None:
    fit(EigenMixture(components=1), digits[0][:50]).save(tmp_path)
    (tmp_path / "eigen-mixture.json").write_text(text)
    with pytest.raises(Damaged, match="must hold a shape and classes"):
        EigenMixture().load(tmp_path)


def test_diversity_is_lost_when_it_eats_its_own_images(digits, fit, draw) -> None:
    images, labels = digits[0][:300], digits[1][:300]

    def spread(samples: np.ndarray) -> float:
        return float(np.mean([samples[labels == c].reshape(-1, 64).var(0).sum() for c in range(10)]))

    eaten, widths = images, [spread(images)]
    for g in range(8):
        eaten = draw(fit(EigenMixture(), eaten, labels, seed=g), 300, labels, seed=g)
        widths.append(spread(eaten))
    assert widths[1] > 0.6 * widths[0]
    assert widths[-1] < 0.75 * widths[1]
    again = [spread(draw(fit(EigenMixture(), images, labels, seed=g), 300, labels, seed=g)) for g in range(8)]
    assert min(again) > 0.9 * widths[1]  # trained on real images every time, it stays
