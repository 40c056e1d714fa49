"""Metric `clip-score`: the cosine between a sample and its own caption, as transformers works it out."""

import math
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from PIL import Image
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from autophagy import Experiment
from autophagy.core.catalog import build
from autophagy.core.errors import ConfigError, PlanError
from autophagy.core.features import Features
from autophagy.core.identity import part_key
from autophagy.encoders import clip_text
from autophagy.testing.clip_checkpoint import clip
from autophagy.testing.fakes import Logged, LoggedByClass, Numbered


@dataclass(frozen=True)
class Sevens(Numbered):
    """Says that it has images with captions."""

    space = "images"

    def conditions(self, split):
        return np.resize(CAPTIONS, self.size(split))


CAPTIONS = np.array([f"a photo of a {colour} seven" for colour in ("red", "blue", "green")])[np.arange(10) % 3]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return clip(tmp_path_factory.mktemp("clip"))


def of(folder):
    return build("metric", {"use": "clip-score", "encoder": {"use": "clip", "checkpoint": str(folder)}})


@pytest.fixture
def captioned(finish):
    images = np.random.default_rng(0).integers(0, 256, (10, 3, 32, 32)).astype(np.uint8)
    generation = finish(images, images[:4])
    return replace(generation, samples=replace(generation.samples, condition=CAPTIONS))


@pytest.fixture(scope="module")
def theirs(checkpoint):
    """theirs(images, captions) is 100 times the library's own cosines."""
    model = transformers.CLIPModel.from_pretrained(checkpoint)
    words = transformers.CLIPTokenizer.from_pretrained(checkpoint)
    processor = CLIPImageProcessorPil.from_pretrained(checkpoint)

    def cosines(images, captions):
        pictures = [Image.fromarray(image.transpose(1, 2, 0)) for image in images]
        given = words(list(captions), padding=True, truncation=True, max_length=16, return_tensors="pt")
        with torch.inference_mode():
            there = model.get_text_features(**given).pooler_output
            here = model.get_image_features(**processor(pictures, return_tensors="pt")).pooler_output
        return 100 * torch.cosine_similarity(here, there).numpy()

    return cosines


def test_every_sample_is_scored_as_transformers_would(checkpoint, captioned, theirs):
    found = of(checkpoint).scores(captioned)
    expected = theirs(captioned.samples.samples, CAPTIONS)
    assert expected.std() > 0.1
    np.testing.assert_allclose(found / 100, expected / 100, atol=1e-5)


def test_values_are_those_of_the_vector(checkpoint, captioned, theirs):
    found, scores = of(checkpoint).measure(captioned), theirs(captioned.samples.samples, CAPTIONS).astype(np.float64)
    groups = [scores[c::3].mean() for c in range(3)]
    assert found == pytest.approx(
        {
            "mean": scores.mean(), "sd": scores.std(ddof=1), "se": scores.std(ddof=1) / math.sqrt(10),
            "hessel": 2.5 * np.maximum(scores / 100, 0).mean(), "lowest": min(groups), "highest": max(groups), "n": 10,
        },
        abs=1e-3,
    )  # fmt: skip
    told = of(checkpoint).identity(captioned)
    assert told["lowest"] == repr(str(CAPTIONS[int(np.argmin(groups))]))
    assert told["highest"] == repr(str(CAPTIONS[int(np.argmax(groups))]))
    assert (told["n"], told["groups"], told["encoder"]) == (10, 3, "clip")


def test_every_caption_has_its_own_mean_where_it_is_asked_for(checkpoint, captioned):
    metric = replace(of(checkpoint), per_group=True)
    scores, found, told = metric.scores(captioned), metric.measure(captioned), metric.identity(captioned)
    for i, caption in enumerate(sorted(set(CAPTIONS.tolist())), 1):
        assert found[f"group_{i}"] == pytest.approx(scores[caption == CAPTIONS].mean())
        assert told[f"group_{i}"] == repr(caption)
    assert "group_4" not in found
    assert "group_1" not in of(checkpoint).measure(captioned)


def test_the_published_form_counts_a_cosine_below_nought_as_none(checkpoint, captioned, monkeypatch):
    metric = of(checkpoint)
    monkeypatch.setattr(type(metric), "scores", lambda *_: np.array([-20.0, 30.0] * 5))
    found = metric.measure(captioned)
    assert found["hessel"] == pytest.approx(2.5 * 0.3 / 2)
    assert found["mean"] == 5.0


def test_a_caption_is_encoded_once_for_all_its_samples_and_generations(checkpoint, captioned, monkeypatch):
    seen, plain = [], clip_text.ClipText.encode
    monkeypatch.setattr(clip_text.ClipText, "encode", lambda self, texts: seen.append(len(texts)) or plain(self, texts))
    kept, metric = Features(), of(checkpoint)
    other = replace(captioned.samples, samples=captioned.samples.samples[::-1])
    for pool in (captioned.samples, other):
        metric.measure(replace(captioned, samples=pool, features=kept))
    assert seen == [3]


def test_samples_without_captions_have_no_score(checkpoint, finish, captioned):
    grey = np.zeros((3, 3, 32, 32), np.uint8)
    classes = replace(captioned, samples=replace(captioned.samples, condition=np.arange(10)))
    for generation in (finish(grey, grey), classes):
        found = of(checkpoint).measure(generation)
        assert found.pop("n") == 0
        assert all(math.isnan(value) for value in found.values())
        assert of(checkpoint).identity(generation)["n"] == 0
    one = replace(captioned, samples=captioned.samples.take(np.arange(1)))
    assert math.isnan(of(checkpoint).measure(one)["se"])
    assert math.isfinite(of(checkpoint).measure(one)["mean"])


def test_its_key_follows_the_tokenizer(checkpoint, tmp_path):
    copy = Path(shutil.copytree(checkpoint, tmp_path / "copy"))
    assert part_key(of(copy)) == part_key(of(checkpoint))
    (copy / "merges.txt").write_text("#version: 0.2\n")
    assert part_key(of(copy)) != part_key(of(checkpoint))


def test_needs_an_encoder_that_reads_captions():
    with pytest.raises(ConfigError, match="encoder must read captions too, but 'pixels' takes images only"):
        build("metric", {"use": "clip-score", "encoder": "pixels"})
    with pytest.raises(ConfigError, match="also needs the settings encoder"):
        build("metric", "clip-score")


def test_plan_asks_for_captions_a_model_that_takes_them_and_a_tokenizer(checkpoint, tmp_path):
    metric, digits = of(checkpoint), Sevens()
    assert metric.objection(digits, LoggedByClass()) is None
    said = metric.objection(build("source", "mnist"), LoggedByClass())
    assert said.startswith("metric 'clip-score' needs captions, but source 'mnist' gives class labels; add caption = ")
    said = metric.objection(build("source", "normal"), LoggedByClass())
    assert said == "metric 'clip-score' needs captions, but source 'normal' gives none; leave the metric out."
    assert "model 'logged' takes none" in metric.objection(digits, Logged())
    copy = Path(shutil.copytree(checkpoint, tmp_path / "copy"))
    (copy / "vocab.json").unlink()
    assert "so texts cannot be read" in of(copy).objection(digits, LoggedByClass())


def test_an_arm_without_captions_is_refused_before_anything_runs(checkpoint):
    base = {"source": "mnist", "model": "vae", "loop": "real-only", "real": 20, "metrics": [of(checkpoint)]}
    experiment = Experiment.of({"generations": 1, "seeds": [0], "base": base, "arms": {"only": {}}})
    with pytest.raises(PlanError, match="arm 'only': metric 'clip-score' needs captions"):
        experiment.plan()
