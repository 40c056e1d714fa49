from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from autophagy import Experiment
from autophagy.core.errors import ConfigError, Damaged, DataError, Diverged, MissingPackage, PlanError
from autophagy.core.seeds import Seed
from autophagy.core.workspace import Machine, Workspace
from autophagy.kernels.balls import balls
from autophagy.kernels.neighbours import radii
from autophagy.models._diffusion_noise import Noising
from autophagy.models._diffusion_sampler import FittedDiffusion
from autophagy.models._diffusion_task import Denoising, rate, spread_evenly
from autophagy.models.diffusion import Diffusion
from autophagy.testing import check
from autophagy.training import Average, Batches, Player

TINY = Diffusion(
    backbone="dit", width=16, depth=1, epochs=2.0, batch=16, sampling_steps=4, noise_levels=20, precision="float32"
)


def stripes(n: int, shape: tuple[int, ...] = (1, 8, 8)) -> tuple[np.ndarray, np.ndarray]:
    """Images with a bright upper or lower half, by class."""
    labels = np.arange(n) % 2
    images = np.random.default_rng(0).integers(0, 60, (n, *shape)).astype(np.uint8)
    half = shape[1] // 2
    images[labels == 0, :, :half] += 180
    images[labels == 1, :, half:] += 180
    return images, labels


@pytest.fixture
def tiny(fit):
    return fit(TINY, *stripes(40))


# ── what a fit learns ────────────────────────────────────────────────────────


@pytest.mark.parametrize("backbone", ["dit", "unet"])
def test_it_learns_which_class_looks_how(backbone, fit, draw) -> None:
    model = replace(
        TINY, backbone=backbone, width=32 if backbone == "dit" else 16, depth=2, epochs=40.0, learning_rate=3e-3,
        average=0.9, sampling_steps=8,
    )  # fmt: skip
    drawn = draw(fit(model, *stripes(64)), 200, np.arange(200) % 2).astype(float)
    brighter_above = drawn[:, 0, :4].mean((1, 2)) - drawn[:, 0, 4:].mean((1, 2))
    assert ((brighter_above > 0) == (np.arange(200) % 2 == 0)).mean() > 0.9
    assert np.abs(brighter_above).mean() == pytest.approx(180, abs=60)


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
def test_a_ddpm_learns_to_tell_noise_from_image(schedule, fit) -> None:
    """Its loss is in units of the noise's variance: 1 for a network that says nothing."""
    model = replace(TINY, objective="ddpm", schedule=schedule, width=32, epochs=30.0, learning_rate=3e-3)
    losses = fit(model, *stripes(64)).facts["losses"]["loss"]
    assert losses[0] > 0.8
    assert np.mean(losses[-10:]) < 0.4


def test_draws_are_from_the_average_of_weights(fit) -> None:
    images, labels = stripes(40)
    last, mean = (fit(replace(TINY, average=decay), images, labels) for decay in (0.0, 0.99))
    assert last.facts["losses"] == mean.facts["losses"]  # the same fit
    moved = [not torch.equal(a, b) for a, b in zip(last.network.parameters(), mean.network.parameters(), strict=True)]
    assert all(moved)


@pytest.mark.parametrize(("backbone", "optimiser"), [("dit", "adam"), ("unet", "adam"), ("unet", "muon")])
def test_a_killed_fit_goes_on_to_the_same_bits(backbone, optimiser, tmp_path, fit) -> None:
    from autophagy.core.pool import Origin, Pool

    images, labels = stripes(40)
    model = replace(TINY, backbone=backbone, optimiser=optimiser, precision="bfloat16")
    train = Pool.born(images, Origin("real", -1), condition=labels)

    class Killed(BaseException):
        pass

    def dies(done: int, total: int, note: str) -> None:
        if done == 4:  # its checkpoint has just been kept
            raise Killed

    def run(name: str, progress: Any = lambda *_: None) -> Any:
        (tmp_path / name).mkdir(exist_ok=True)
        workspace = Workspace(lambda: tmp_path / name, Machine("cpu", 0.0), progress)
        return model.fit(train, start=None, seed=Seed(("fit",)), workspace=workspace)

    with pytest.raises(Killed):
        run("killed", dies)
    whole, resumed = run("whole").network.state_dict(), run("killed").network.state_dict()
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_the_share_of_classes_that_are_not_told_is_the_setting() -> None:
    told: list[Tensor] = []

    class Probe(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(()))

        def forward(self, images: Tensor, level: Tensor, label: Tensor) -> Tensor:
            told.append(label)
            return images * self.weight

    for dropped in (0.0, 0.1, 1.0):
        told.clear()
        network = Probe()
        player = Player(network, torch.optim.SGD(network.parameters(), 0.1), average=Average(network, 0.9))
        images, labels = stripes(500)
        batches = Batches(500, 100, Seed(("order",)))
        task = Denoising(player, images, labels, 2, dropped, batches, Noising.of("edm", "linear", 10), "float32")
        for step in range(50):
            task.step(step, Seed(("step", step)))
        share = float((torch.cat(told) == 2).float().mean())
        assert abs(share - dropped) <= 4 * (dropped * (1 - dropped) / 5000) ** 0.5
        kept = torch.cat(told)
        if dropped < 1:
            assert set(kept.unique().tolist()) == ({0, 1} if not dropped else {0, 1, 2})


def test_levels_of_a_batch_are_uniform_and_spread() -> None:
    rng = np.random.default_rng(0)
    drawn = np.stack([spread_evenly(8, rng) for _ in range(2000)])
    assert drawn.min() >= 0
    assert drawn.max() < 1
    assert np.histogram(drawn[:, 3], 10, (0, 1))[0] == pytest.approx(np.full(10, 200), abs=5 * 14)
    assert np.diff(np.sort(drawn, 1), axis=1) == pytest.approx(np.full((2000, 7), 1 / 8), abs=1e-5)


def test_the_learning_rate_rises_and_falls() -> None:
    factor = rate(1000)
    assert [factor(0), factor(99)] == pytest.approx([0.01, 1.0])
    assert factor(550) == pytest.approx(0.505, abs=0.01)
    assert factor(999) == pytest.approx(0.01, abs=0.001)
    assert rate(1)(0) == 1


# ── λ, against theory ────────────────────────────────────────────────────────


class Known(nn.Module):
    """The exact answer where class 0 is N(0, 0.2²) in every pixel and all images together are N(0, 0.4²)."""

    spreads = (0.2, 0.4)

    def __init__(self) -> None:
        super().__init__()
        self.noising = Noising.of("edm", "linear", 10)
        self.spread = nn.Parameter(torch.tensor(self.spreads))

    def forward(self, entering: Tensor, level: Tensor, label: Tensor) -> Tensor:
        sigma, own = (4 * level).exp()[:, None, None, None], self.spread[label][:, None, None, None]
        skip, out, into = self.noising.scales(sigma)
        noisy = entering / into
        return (own**2 / (own**2 + sigma**2) - skip) * noisy / out


def known(method: str = "heun", steps: int = 40) -> FittedDiffusion:
    facts = {"shape": [1, 1, 4], "classes": ["one"], "counts": [5]}
    noising = Known().noising
    sigmas = noising.sigmas_of(method, steps)
    return FittedDiffusion(
        Known(), facts, noising=noising, method=method, sigmas=sigmas, precision="float32", threads=1
    )


@pytest.mark.parametrize("bias", [1.0, 0.8, 0.66, 0.5])
def test_bias_is_guidance_and_narrows_a_class_as_theory_says(bias, draw) -> None:
    """The guided flow between N(0, s²) and N(0, S²) ends at the spread s · (s / S)^w, w = 1/λ − 1."""
    drawn = draw(known("multistep", 150), 3000, np.repeat("one", 3000), bias=bias)
    pixels = drawn.astype(float) / 127.5 - 1
    own, all_ = Known.spreads
    expected = own * (own / all_) ** (1 / bias - 1)
    rounding = (2 / 255) ** 2 / 12
    z = (pixels.var() / (expected**2 + rounding) - 1) / (2 / pixels.size) ** 0.5
    assert abs(z) < 4


def test_less_bias_means_more_precision_and_less_recall(draw) -> None:
    real = np.random.default_rng(0).normal(0, Known.spreads[0], (500, 4)) * 127.5 + 127.5
    real_radii, found = radii(real, 5), {}
    for bias in (1.0, 0.8, 0.66, 0.5):
        drawn = draw(known("multistep", 40), 500, np.repeat("one", 500), bias=bias).reshape(500, 4).astype(float)
        drawn += np.random.default_rng(1).uniform(-0.5, 0.5, drawn.shape)  # so that no two are equal
        looked = balls(drawn, real, radii(drawn, 5), real_radii)
        found[bias] = looked.precise.mean(), looked.recalled.mean()
    precision, recall = np.array(list(found.values())).T
    assert (np.diff(precision) >= 0).all(), found
    assert precision[-1] - precision[0] > 0.02, found
    assert (np.diff(recall) < -0.03).all(), found


@pytest.mark.parametrize("method", ["ancestral", "ddim", "heun", "multistep", "sde-multistep"])
def test_every_way_to_draw_keeps_the_classes_spread(method, draw) -> None:
    drawn = draw(known(method, 100), 2000, np.repeat("one", 2000)).astype(float) / 127.5 - 1
    assert drawn.std() == pytest.approx(Known.spreads[0], rel=0.06)
    assert abs(drawn.mean()) < 5 * 0.2 / drawn.size**0.5


def test_a_step_looks_once_without_guidance_and_twice_with_it(draw) -> None:
    sampler, rows = known("multistep", 7), []
    sampler.network.register_forward_hook(lambda network, asked, answer: rows.append(len(answer)))
    draw(sampler, 3, np.repeat("one", 3))
    assert rows == [64] * 7
    rows.clear()
    draw(sampler, 3, np.repeat("one", 3), bias=0.5)
    assert rows == [128] * 7


def test_without_classes_there_is_no_guidance(fit, draw) -> None:
    sampler = fit(TINY, stripes(40)[0])
    assert draw(sampler, 3).shape == (3, 1, 8, 8)
    with pytest.raises(ConfigError, match=r"λ = 0\.5 asks for guidance towards a class.* use bias = 1"):
        draw(sampler, 3, bias=0.5)


# ── classes ──────────────────────────────────────────────────────────────────


def test_a_class_that_has_died_out_is_said_to_have(fit, draw, tiny) -> None:
    with pytest.raises(Diverged, match="class 7 has died out: it is to be drawn, but the training set had only 0, 1"):
        draw(tiny, 2, np.array([0, 7]))
    with pytest.raises(Diverged, match=r"class 0 has died out: .* only none"):
        draw(fit(TINY, stripes(40)[0]), 1, np.array([0]))


def test_captions_are_classes_of_any_length(fit, draw) -> None:
    images, labels = stripes(40)
    sampler = fit(TINY, images, np.array(["up", "a photo of something that is bright below"])[labels])
    assert sampler.facts["classes"] == ["a photo of something that is bright below", "up"]
    asked = np.array(["up"] * 3)  # a shorter dtype than the training captions'
    assert np.array_equal(draw(sampler, 3, asked), draw(sampler, 3, asked.astype(object)))


def test_without_a_wish_classes_come_as_often_as_in_training(fit) -> None:
    images, labels = stripes(400)
    rows = (labels == 0) | (np.arange(400) % 10 == 1)  # 200 and 40
    sampler = fit(replace(TINY, epochs=0.1), images[rows], labels[rows])
    drawn = sampler._labels(6000, None, Seed(("class",)))
    assert (drawn == 1).mean() == pytest.approx(1 / 6, abs=4 * (5 / 36 / 6000) ** 0.5)


def test_the_next_generation_starts_from_the_last_ones_weights(fit) -> None:
    images, labels = stripes(40)
    names = np.array(["a", "b", "c"])
    first = fit(TINY, images, names[labels])
    still = replace(TINY, learning_rate=1e-12)
    second = fit(still, images, names[labels + 1], start=first)  # "a" is gone, "c" is new
    before, after = first.network.state_dict(), second.network.state_dict()
    for name in before:
        if name != "condition.label.weight":
            assert torch.allclose(before[name], after[name], atol=1e-6), name
    mine, its = after["condition.label.weight"], before["condition.label.weight"]
    assert torch.allclose(mine[0], its[1], atol=1e-6)  # "b"
    assert torch.allclose(mine[2], its[2], atol=1e-6)  # no class
    assert not torch.allclose(mine[1], its, atol=1e-2)  # "c" begins at random


@pytest.mark.parametrize("other", [{"width": 32}, {"depth": 2}, {"patch": 2}, {"backbone": "unet"}])
def test_a_start_of_another_shape_is_refused(other, fit, tiny) -> None:
    with pytest.raises(DataError, match="can only start from one with the same backbone, width, depth and patch"):
        fit(replace(TINY, **other), *stripes(40), start=tiny)


# ── draws and files ──────────────────────────────────────────────────────────


@pytest.mark.parametrize("method", ["ancestral", "multistep", "sde-multistep"])
def test_the_first_draws_are_the_same_however_many_there_are(method, fit, draw) -> None:
    sampler = fit(replace(TINY, sampler=method, precision="bfloat16"), *stripes(40))
    many = draw(sampler, 150, np.arange(150) % 2)
    for n in (1, 64, 65):
        assert np.array_equal(draw(sampler, n, np.arange(n) % 2), many[:n])


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 10, 14)])
@pytest.mark.parametrize("backbone", ["dit", "unet"])
def test_images_keep_their_size_and_colours(backbone, shape, fit, draw) -> None:
    sampler = fit(replace(TINY, backbone=backbone, depth=2, epochs=0.5), *stripes(40, shape))
    drawn = draw(sampler, 2, np.array([0, 1]))
    assert drawn.shape == (2, *shape)
    assert drawn.dtype == np.uint8


def test_on_disk_lie_weights_and_plain_json(tiny, draw, tmp_path) -> None:
    tiny.save(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["facts.json", "weights.safetensors"]
    facts = json.loads((tmp_path / "facts.json").read_text())
    assert (facts["shape"], facts["classes"], facts["counts"]) == ([1, 8, 8], [0, 1], [20, 20])
    again = TINY.load(tmp_path)
    assert np.array_equal(draw(again, 5, np.arange(5) % 2), draw(tiny, 5, np.arange(5) % 2))


def test_a_sampler_draws_as_it_was_fitted_whatever_the_model_says_now(tiny, draw, tmp_path) -> None:
    tiny.save(tmp_path)
    again = Diffusion(width=64, sampler="ddim", noise_levels=100).load(tmp_path)
    assert np.array_equal(draw(again, 5, np.arange(5) % 2), draw(tiny, 5, np.arange(5) % 2))


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({"width": 32}, "does not hold the network that facts.json describes"),
        ({"width": -1}, "does not describe a diffusion model: width must be at least 1"),
        ({"colour": "red"}, "does not describe a diffusion model"),
    ],
)
def test_facts_of_another_network_are_damage(said, problem, tiny, tmp_path) -> None:
    tiny.save(tmp_path)
    facts = json.loads((tmp_path / "facts.json").read_text())
    (tmp_path / "facts.json").write_text(json.dumps({**facts, "drawn_with": {**facts["drawn_with"], **said}}))
    with pytest.raises(Damaged, match=problem):
        TINY.load(tmp_path)


def test_facts_that_are_no_table_are_damage(tiny, tmp_path) -> None:
    tiny.save(tmp_path)
    (tmp_path / "facts.json").write_text(json.dumps(["shape", "classes", "counts", "drawn_with"]))
    with pytest.raises(Damaged, match="cannot be read as a table"):
        TINY.load(tmp_path)


def test_a_draw_that_is_no_number_ends_the_lineage(tiny, draw) -> None:
    with torch.no_grad():
        next(tiny.network.parameters()).fill_(float("nan"))
    with pytest.raises(Diverged, match="the images that it draws are not finite"):
        draw(tiny, 2, np.array([0, 1]))


def test_images_must_be_bytes(fit) -> None:
    with pytest.raises(DataError, match="needs uint8 images"):
        fit(TINY, np.zeros((4, 1, 8, 8)))


def test_more_steps_than_levels_are_refused() -> None:
    with pytest.raises(ConfigError, match="sampling_steps must be at most noise_levels = 10, but is 20"):
        Diffusion(noise_levels=10, objective="ddpm")
    assert Diffusion(noise_levels=10).sampling_steps == 20  # of EDM's there is no end


def test_settings_that_a_backbone_cannot_have_are_refused(fit) -> None:
    with pytest.raises(ConfigError, match="reads pixel by pixel; leave patch out"):
        Diffusion(backbone="diffusers", patch=2)
    for backbone, smallest in (("unet", 4096), ("diffusers", 2048)):
        with pytest.raises(ConfigError, match=f"would pad images of 8 × 8 to {smallest} pixels a side"):
            fit(Diffusion(backbone=backbone, depth=12), *stripes(4))
        settings = {"source": "digits", "model": {"use": "diffusion", "backbone": backbone, "depth": 12}}
        with pytest.raises(
            PlanError, match=f"would pad images of 8 × 8 to {smallest} pixels a side; each resolution .* lower depth"
        ):
            Experiment.of({"arms": {"a": {**settings, "loop": "fully-synthetic"}}}).plan()
    assert Experiment.of({"arms": {"a": {**settings, "model": "diffusion", "loop": "fully-synthetic"}}}).plan()


def test_other_settings_keep_the_claims_of_a_model() -> None:
    assert check(Diffusion(backbone="dit", sampler="ddim"))


def test_without_the_package_its_backbone_says_what_to_install(monkeypatch, fit) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "diffusers", None)
    with pytest.raises(MissingPackage, match=r"pip install 'autophagy\[diffusers\]'"):
        fit(replace(TINY, backbone="diffusers"), *stripes(4))


def test_the_backbone_of_diffusers_learns_draws_and_goes_on(fit, draw, tmp_path) -> None:
    model = replace(TINY, backbone="diffusers", width=8, depth=2, epochs=20.0, learning_rate=3e-3, average=0.9)
    images, labels = stripes(64, (1, 9, 7))  # sides that no halving divides
    sampler = fit(model, images, labels)
    assert sampler.facts["losses"]["loss"][-1] < sampler.facts["losses"]["loss"][0]
    drawn = draw(sampler, 6, np.arange(6) % 2, bias=0.5)
    assert drawn.shape == (6, 1, 9, 7)
    sampler.save(tmp_path)
    assert np.array_equal(drawn, draw(model.load(tmp_path), 6, np.arange(6) % 2, bias=0.5))
    assert fit(model, images, labels, start=sampler).facts["losses"] != sampler.facts["losses"]


def test_edm_does_not_mind_the_levels_of_ddpm(fit, draw) -> None:
    one, many = (fit(replace(TINY, objective="edm", noise_levels=levels), *stripes(40)) for levels in (1, 500))
    assert np.array_equal(draw(one, 3, np.zeros(3, int)), draw(many, 3, np.zeros(3, int)))


@pytest.mark.parametrize("width", [36, 50, 100])
def test_a_transformer_may_have_any_width(width, fit, draw) -> None:
    assert draw(fit(replace(TINY, width=width), *stripes(40)), 2, np.zeros(2, int)).shape == (2, 1, 8, 8)


@pytest.mark.parametrize("is_told_first", [True, False])
def test_a_start_with_classes_and_a_fit_without_do_not_go_together(is_told_first, fit) -> None:
    images, labels = stripes(40)
    first, second = (labels, None) if is_told_first else (None, labels)
    with pytest.raises(DataError, match="both with classes or both without"):
        fit(TINY, images, second, start=fit(TINY, images, first))


@pytest.mark.parametrize("objective", ["ddpm", "edm"])
def test_noise_levels_are_drawn_on_the_device_of_the_images(objective) -> None:
    levels = Noising.of(objective, "linear", 20).levels(torch.zeros(3, device="meta"))  # as a GPU, no numbers here
    assert levels.device.type == "meta"
