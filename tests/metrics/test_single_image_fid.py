"""Metric `single-image-fid`: each sample beside the real image it belongs to."""

import math
from dataclasses import replace

import numpy as np
import pytest

from autophagy.core.catalog import build
from autophagy.core.errors import ConfigError, DataError
from autophagy.kernels.sifid import single_image_fids

SMALL = {"use": "alexnet", "layer": "relu1", "side": 40}


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (30, 3, 20, 20)).astype(np.uint8)


@pytest.fixture
def measured(finish):
    def of(samples, real, *, begun=None, captions=None, limit=1000):
        generation = finish(samples, real)
        captions = np.arange(len(real)) % 3 if captions is None else captions
        own = captions[np.arange(len(samples)) % len(real)]
        generation = replace(
            generation,
            samples=replace(generation.samples, condition=own, begun=begun),
            real=replace(generation.real, condition=captions),
        )
        metric = build("metric", {"use": "single-image-fid", "encoder": SMALL, "limit": limit})
        return metric.measure(generation), metric.identity(generation)

    return of


def test_it_is_the_mean_over_pairs_with_its_error(measured, images):
    found, identity = measured(images[:10], images[10:20])
    truth = single_image_fids(build("encoder", SMALL).maps, images[:10], images[10:20])
    assert found["mean"] == pytest.approx(truth.mean())
    assert found["sd"] == pytest.approx(truth.std(ddof=1))
    assert found["mean_se"] == pytest.approx(truth.std(ddof=1) / 10**0.5)
    assert found["median"] == pytest.approx(np.median(truth))
    assert found["pairs"] == 10
    assert (identity["n"], identity["n_real"], identity["encoder"]) == (10, 10, "alexnet")


def test_copies_score_zero_and_more_samples_go_round_again(measured, images):
    real = images[:7]
    found, _ = measured(real[np.arange(20) % 7], real)
    assert (found["mean"], found["sd"], found["pairs"]) == (0, 0, 20)


def test_what_was_begun_from_a_real_image_is_held_against_it(measured, images):
    real, begun = images[:7], np.array([3, 3, 6])
    assert measured(real[begun], real, begun=begun)[0]["mean"] == 0
    assert measured(real[begun], real)[0]["mean"] > 0


def test_noise_is_farther_than_grain(measured):
    rng = np.random.default_rng(1)
    real = np.repeat(rng.integers(60, 200, (8, 3, 1, 1)), 20 * 20).reshape(8, 3, 20, 20).astype(np.uint8)
    grain = (real + rng.normal(0, 3, real.shape)).astype(np.uint8)
    noise = rng.integers(0, 256, real.shape).astype(np.uint8)
    assert measured(noise, real)[0]["mean"] > 20 * measured(grain, real)[0]["mean"] > 0


def test_limit_reads_no_more_pairs(measured, images):
    found, identity = measured(images[:10], images[10:20], limit=4)
    assert (found["pairs"], identity["n"]) == (4, 4)


def test_samples_without_captions_have_no_value(finish, images):
    metric = build("metric", {"use": "single-image-fid", "encoder": SMALL})
    found = metric.measure(finish(images[:3], images[:3]))
    assert found.pop("pairs") == 0
    assert all(map(math.isnan, found.values()))


def test_what_cannot_be_compared_is_refused(finish, images):
    with pytest.raises(ConfigError, match="encoder must have maps, for metric 'single-image-fid'"):
        build("metric", {"use": "single-image-fid", "encoder": "lenet"})
    with pytest.raises(DataError, match="compares like with like"):
        build("metric", "single-image-fid").measure(finish(images[:, :1], images))
