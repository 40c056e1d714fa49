from dataclasses import replace

import numpy as np
import pytest
import torch

from autophagy.core.errors import Damaged, DataError, Diverged
from autophagy.core.parts import Encodes
from autophagy.core.pool import Origin, Pool, concat
from autophagy.core.seeds import Seed
from autophagy.core.workspace import Machine, Workspace
from autophagy.models._vae import FittedVae, Redraw, VaeTask, network_of
from autophagy.models.vae import Vae
from autophagy.networks.vae import ConvolutionalVae, DenseVae
from autophagy.testing import toys
from autophagy.training import Batches

TINY = Vae(**Vae.trial)
HALVES = replace(TINY, latent=2, epochs=18.0, learning_rate=1e-2, channels=8, hidden=32)
NETWORKS = ["convolutional", "mlp"]


@pytest.fixture(scope="module")
def bars() -> np.ndarray:
    return toys.pool("images").samples


@pytest.fixture(scope="module")
def halves() -> np.ndarray:
    """`(256, 1, 8, 8)`: light above and dark below, or the other way round."""
    is_above = np.arange(256) % 2 == 0
    top = np.where(is_above, 230, 20)[:, None, None, None]
    return np.concatenate([np.tile(top, (1, 1, 4, 8)), np.tile(250 - top, (1, 1, 4, 8))], 2).astype(np.uint8)


@pytest.fixture
def learn(tmp_path):
    """learn(model, pool, start=None, seed=0): a fit on this machine's processor."""
    workspace = Workspace(lambda: tmp_path, Machine("cpu", 1e9))

    def learned(model, pool, start=None, seed=0):
        return model.fit(pool, start=start, seed=Seed(("fit", seed)), workspace=workspace)

    return learned


def born(samples, generation=-1) -> Pool:
    return Pool.born(np.asarray(samples), Origin(f"pool {generation}", generation))


def weights(sampler) -> list[np.ndarray]:
    return [tensor.numpy() for tensor in sampler.network.state_dict().values()]


def same(one, other) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(weights(one), weights(other), strict=True))


# ── learning and drawing ─────────────────────────────────────────────────────


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_it_learns_that_one_half_is_light_and_the_other_dark(network, precision, halves, fit, draw) -> None:
    model = replace(HALVES, network=network, precision=precision)
    sampler = fit(model, halves)
    losses = sampler.facts["losses"]["bound"]
    assert losses[-1] < 0.6 * losses[0]
    drawn = draw(sampler, 500).astype(float)[:, 0].mean(2)  # (500, 8), the mean of each line
    assert drawn.mean(0) == pytest.approx(halves[:, 0].mean((0, 2)), abs=20)
    assert np.corrcoef(drawn[:, 1], drawn[:, 6])[0, 1] < -0.9
    assert np.corrcoef(drawn[:, 1], drawn[:, 2])[0, 1] > 0.9


def test_sixteen_bits_change_little(halves, fit) -> None:
    one, two = (fit(replace(HALVES, precision=precision), halves) for precision in ("float32", "bfloat16"))
    losses = [np.array(sampler.facts["losses"]["bound"]) for sampler in (one, two)]
    assert not np.array_equal(*losses)
    assert losses[1] == pytest.approx(losses[0], rel=0.02)


def test_one_image_is_enough(halves, fit, draw) -> None:
    sampler = fit(replace(HALVES, epochs=4000.0), halves[:1])
    assert np.abs(draw(sampler, 5).astype(float) - halves[:1]).mean() < 8


@pytest.mark.parametrize("shape", [(3, 10, 13), (1, 5, 4)])
@pytest.mark.parametrize("network", NETWORKS)
def test_images_of_any_size_are_drawn(shape, network, fit, draw) -> None:
    samples = np.random.default_rng(0).integers(0, 256, (20, *shape), np.uint8)
    drawn = draw(fit(replace(TINY, network=network, epochs=1.0), samples), 7)
    assert drawn.shape == (7, *shape)
    assert drawn.dtype == np.uint8


def test_the_first_draws_do_not_depend_on_how_many_follow(bars, fit, draw) -> None:
    sampler = fit(TINY, bars)
    assert np.array_equal(draw(sampler, 300)[:9], draw(sampler, 9))


@pytest.mark.parametrize("samples", [np.zeros((9, 3)), np.zeros((9, 1, 4, 4), np.float32)])
def test_only_bytes_of_images_are_learned(samples, fit) -> None:
    with pytest.raises(DataError, match="needs uint8 images"):
        fit(TINY, samples)


def test_a_fit_that_blows_up_names_its_step(bars, fit) -> None:
    with pytest.raises(Diverged, match=r"'bound' was (nan|inf) at step \d+ of 16"):
        fit(replace(TINY, learning_rate=1e18), bars)


def test_weights_of_another_network_are_damage(bars, fit, tmp_path) -> None:
    fit(TINY, bars).save(tmp_path)
    facts = (tmp_path / "facts.json").read_text()
    (tmp_path / "facts.json").write_text(facts.replace('"latent": 4', '"latent": 5'))
    with pytest.raises(Damaged, match="does not hold the network that facts"):
        TINY.load(tmp_path)


# ── redrawing ────────────────────────────────────────────────────────────────


@pytest.fixture
def teacher(bars, learn) -> FittedVae:
    return learn(TINY, born(bars), seed="teacher")


def test_the_newest_generation_is_drawn_anew_and_never_read(bars, teacher, learn) -> None:
    model = replace(TINY, redraw=True)
    first, second = (learn(model, concat([born(bars[:60]), born(x, 1)]), teacher) for x in (bars[60:], 255 - bars[60:]))
    assert same(first, second)
    assert not same(first, learn(model, concat([born(255 - bars[:60]), born(bars[60:], 1)]), teacher))
    assert not same(first, learn(TINY, concat([born(bars[:60]), born(bars[60:], 1)])))


def test_older_generations_are_read(bars, teacher, learn) -> None:
    model = replace(TINY, redraw=True)
    first, second = (
        learn(model, concat([born(x, 0), born(bars[60:], 1)]), teacher) for x in (bars[:60], 255 - bars[:60])
    )
    assert not same(first, second)


def test_weights_begin_at_random_under_redraw(bars, teacher, learn) -> None:
    """With a rate of next to nothing, a fit ends where it began."""
    model = replace(TINY, redraw=True, learning_rate=1e-12)
    own = [learn(model, born(bars, 1), teacher, seed=seed) for seed in (1, 2)]
    assert not np.allclose(weights(own[0])[0], weights(teacher)[0], atol=1e-3)
    assert not np.allclose(weights(own[0])[0], weights(own[1])[0], atol=1e-3)


def test_real_data_needs_nobody_to_draw(bars, learn) -> None:
    assert same(learn(replace(TINY, redraw=True), born(bars)), learn(TINY, born(bars)))


def test_redrawing_without_a_model_is_refused(bars, learn) -> None:
    with pytest.raises(DataError, match='say start = "previous"'):
        learn(replace(TINY, redraw=True), born(bars, 0))


def test_a_batch_has_fresh_means_where_rows_are_redrawn(bars) -> None:
    facts = {"network": "convolutional", "shape": [1, 28, 28], "latent": 4, "channels": 4, "hidden": 8}
    network, decoder = (network_of(facts, Seed((name,))) for name in ("own", "teacher"))
    redrawn = np.arange(len(bars)) % 2 == 0
    optimiser = torch.optim.Adam(network.parameters())
    batches = Batches(len(bars), 16, Seed(("order",)))
    task = VaeTask(network, optimiser, bars, batches, "float32", Redraw(decoder, redrawn))
    rows = np.arange(10)
    found = task.opened(rows, Seed(("a",))).numpy()
    assert np.array_equal(found[1::2], bars[1:10:2] / np.float32(255))
    z = Seed(("a",)).numpy().standard_normal((5, 4), np.float32)
    assert found[::2] == pytest.approx(decoder.means(torch.from_numpy(z)).detach().numpy(), abs=1e-6)
    again = task.opened(rows, Seed(("b",))).numpy()
    assert np.abs(again[::2] - found[::2]).max() > 0.01
    assert np.array_equal(again[1::2], found[1::2])


# ── starting from, and encoding ──────────────────────────────────────────────


def test_a_fit_goes_on_from_earlier_weights(bars, teacher, learn) -> None:
    own = learn(replace(TINY, learning_rate=1e-12), born(bars), teacher)
    assert all(np.allclose(a, b, atol=1e-6) for a, b in zip(weights(own), weights(teacher), strict=True))


@pytest.mark.parametrize("other", [{"latent": 3}, {"network": "mlp"}, {"channels": 5}])
def test_another_networks_weights_are_refused(other, bars, teacher, learn) -> None:
    with pytest.raises(DataError, match="can only start from a VAE with the same network"):
        learn(replace(TINY, **other), born(bars), teacher)
    with pytest.raises(DataError, match="can only start from a VAE with the same network"):
        learn(replace(TINY, redraw=True), born(bars, 1), toys.Still())


def test_it_encodes_the_means_of_the_code(bars, teacher) -> None:
    assert isinstance(teacher, Encodes)
    found = teacher.encode_means(bars)
    truth = teacher.network.encode(torch.from_numpy(bars.astype(np.float32) / 255))[0].numpy()
    assert found == pytest.approx(truth, abs=1e-5)
    assert teacher.encode_means(bars[7:9]) == pytest.approx(found[7:9], abs=1e-5)


def test_both_networks_are_built_from_their_facts() -> None:
    for name, kind in (("convolutional", ConvolutionalVae), ("mlp", DenseVae)):
        facts = {"network": name, "shape": [1, 8, 8], "latent": 3, "channels": 4, "hidden": 7}
        one, again, other = (network_of(facts, Seed((seed,))) for seed in (1, 1, 2))
        assert isinstance(one, kind)
        assert torch.equal(*(next(net.parameters()) for net in (one, again)))
        assert not torch.equal(*(next(net.parameters()) for net in (one, other)))


def test_a_loop_redraws_from_the_generation_before(tmp_path) -> None:
    """The engine hands the previous sampler over, and generation 0's encoder to the metric."""
    from autophagy import Experiment

    settings = {
        "seeds": [0],
        "generations": 2,
        "base": {
            "source": "digits",
            "model": {"use": "vae", "redraw": True, **Vae.trial},
            "start": "previous",
            "real": 120,
            "reference": 60,
            "metrics": ["latent-spread"],
        },
        "arms": {"own": {"loop": "fully-synthetic"}},
    }
    records = Experiment.of(settings).run().records()
    assert [record.generation for record in records] == [0, 1, 2]
    assert all(np.isfinite(record.scores["latent-spread.spread"]) for record in records)
