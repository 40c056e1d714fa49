"""The published protocol runs on a folder in Stable Diffusion 2.1's layout: only places and sizes differ from `paper`.

Weights are random and small, faces are noise; what is shown is that every step joins the next.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from autophagy import Experiment
from autophagy.core.pool import REAL_DATA
from autophagy.experiment.read import read
from autophagy.sources._face_groups import AGES, GENDERS, RACES
from autophagy.testing.checkpoints import stable_diffusion

EACH = 4  # faces of a group in the train folder, and half as many held out
PARTS = '{ use = "alexnet", layer = "relu1", side = 63 }'
PHASES = '[{ use = "fixed-share", synthetic = 0.25, by_group = true, generations = 2 }, "real-only"]'
METRICS = (
    '[{ use = "frechet", encoder = "pixels", matched = "group" }, '
    '{ use = "clip-score", encoder = { use = "clip", checkpoint = "tiny-clip" } }, "noise"]'
)
SIZES = (  # what is full size in the profile
    "base.source.side=32", "base.source.per_group=2", "base.model.side=32", "base.model.sampling_steps=2",
    "base.model.steps=2", "base.model.batch=8", "base.model.together=60", "base.per_group=2", "base.gallery=2",
    "base.reference_per_group=2", f"base.metrics={METRICS}", "base.probes.other.each=1", "generations=2",
)  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds what the profile names: stable-diffusion-2-1 and ffhq with its table."""
    folder = tmp_path_factory.mktemp("paper")
    stable_diffusion(folder / "stable-diffusion-2-1")
    rows, rng = [], np.random.default_rng(0)
    for gender in GENDERS:
        for race in RACES:
            for age in AGES:
                for i in range(EACH + EACH // 2):
                    split = "train" if i < EACH else "test"
                    name = f"{split}/{len(rows):04d}.png"
                    path = folder / "ffhq" / name
                    path.parent.mkdir(parents=True, exist_ok=True)
                    Image.fromarray(rng.integers(0, 256, (40, 40, 3)).astype(np.uint8)).save(path)
                    rows.append((name, gender, race, age))
    with (folder / "ffhq" / "attributes.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("file_name", "gender", "race", "age"), *rows])
    return folder


def planned(recipe: str, *changes: str) -> Experiment:
    return Experiment.read(recipe, profile="paper", changes=[*SIZES, *changes])


def test_every_setting_that_the_paper_gives_is_that_of_its_profile() -> None:
    """Bohacek and Farid 2023, and diffusers' script where they say nothing."""
    arm = read("nepotism", profile="paper").arms["share-100"]
    model = arm.model
    told = {
        name: getattr(model, name)
        for name in ("epochs", "batch", "learning_rate", "schedule", "optimiser", "weight_decay", "flip", "precision")
    }
    assert told == {
        "epochs": 50, "batch": 16, "learning_rate": 2e-6, "schedule": "constant", "optimiser": "adamw",
        "weight_decay": 1e-2, "flip": True, "precision": "float32",
    }  # fmt: skip
    assert (model.side, arm.per_group, arm.founder, arm.start) == (512, 30, "pretrained", "previous")
    assert len(arm.probes["other"].conditions) == 5


def test_all_compositions_run(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    run = planned("nepotism", "generations=1").run(tmp_path)
    assert run.failures == [] == run.diverged
    founders = run.samples("share-100", 0, 0)
    assert len(founders) == 60  # two of each of thirty groups
    assert founders.begun is not None  # image to image, each from a real face
    assert len(set(founders.condition.tolist())) == 30
    assert set(founders.generation.tolist()) == {0} != {REAL_DATA}
    scores = run.to_pandas().score.unique().tolist()
    assert any(score.startswith("clip-score") and "@other" in score for score in scores)


def test_both_controls_and_healing_run(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    culling = f'arms.quality-controlled.curators=[{{ use = "quality-sifid", encoder = {PARTS} }}]'
    controls = planned("nepotism-controls", culling).run(tmp_path)
    assert controls.failures == [] == controls.diverged
    removed = [r.removed for r in controls.records() if r.arm == "quality-controlled"]
    assert all("quality-sifid" in each for each in removed)
    healed = planned("nepotism-healing", "arms.healed.generations=4", f"arms.healed.loop={PHASES}").run(tmp_path)
    assert healed.failures == [] == healed.diverged
    assert healed.turn("healed", 0, 2).done == healed.turn("share-25", 0, 2).done
