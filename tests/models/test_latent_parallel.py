"""Model `latent-diffusion` on several devices, here two processes on processors: one fit, kill it as you like."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from autophagy.core.errors import Diverged
from autophagy.core.pool import REAL_DATA, Origin, Pool
from autophagy.core.seeds import Seed
from autophagy.core.workspace import Machine, Workspace
from autophagy.models.latent_diffusion import LatentDiffusion
from autophagy.testing import toys
from autophagy.testing.checkpoints import stable_diffusion

STEPS = 6
TWO = Machine("cpu", 0.0, devices=2)  # with a checkpoint after every step


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stable_diffusion(tmp_path_factory.mktemp("checkpoint"), side=16, vae=(4, 8), text=16)


def small(checkpoint: Path, **settings: Any) -> LatentDiffusion:
    """Batches of five are shared two to three."""
    settings = {"batch": 5, "steps": STEPS, "learning_rate": 1e-4, "average": 0.5, **settings}
    return LatentDiffusion(checkpoint=str(checkpoint), **settings)


def fitted(model: LatentDiffusion, workspace: Workspace, **others: Any) -> Any:
    rng = Seed(("photographs",)).numpy()
    captions = np.array(["red", "green", "blue"])[np.arange(12) % 3]
    images = rng.integers(0, 256, (12, 3, 16, 16)).astype(np.uint8)
    pool = Pool.born(images, Origin("real", REAL_DATA), condition=captions)
    return model.fit(pool, **{"start": None, "seed": Seed(("fit",)), "workspace": workspace, **others})


def within(folder: Path, progress: Any = lambda *_: None) -> Workspace:
    folder.mkdir(exist_ok=True)
    return Workspace(lambda: folder, TWO, progress)


def flat(sampler: Any) -> torch.Tensor:
    return torch.cat([each.detach().flatten() for each in sampler.network.parameters()])


CHILD = """
import os, signal, sys
sys.path.insert(0, {place!r})
from pathlib import Path
from test_latent_parallel import fitted, small, within
def progress(done, total, note):
    if done == 4:
        os.killpg(0, signal.SIGKILL)
fitted(small(Path({checkpoint!r})), within(Path({folder!r}), progress))
"""


def test_two_processes_learn_what_one_does_and_go_on_after_a_kill(checkpoint, tmp_path) -> None:
    """Up to rounding what one process learns, and bit for bit what two do that nobody kills."""
    model, told = small(checkpoint), list[int]()
    whole = fitted(model, within(tmp_path / "whole", lambda done, *_: told.append(done)))
    assert told == [*range(1, STEPS + 1)]
    kept = sorted(path.name for path in (tmp_path / "whole").iterdir())
    assert kept == ["checkpoint.safetensors", "posteriors.npy", "states.npy"]

    one, own = fitted(model, toys.workspace()), model.founder()
    np.testing.assert_allclose(whole.facts["losses"]["loss"], one.facts["losses"]["loss"], rtol=1e-5)
    assert (flat(whole) - flat(one)).norm() < 1e-5 * flat(one).norm()
    assert (flat(whole) - flat(one)).norm() < 1e-2 * (flat(one) - flat(own)).norm()

    place, folder = str(Path(__file__).parent), str(tmp_path / "work")
    code = CHILD.format(place=place, checkpoint=str(checkpoint), folder=folder)
    child = subprocess.run([sys.executable, "-c", code], start_new_session=True, check=False)
    assert child.returncode == -signal.SIGKILL
    told.clear()
    again = fitted(model, within(tmp_path / "work", lambda done, *_: told.append(done)))
    assert told[0] > 4  # it went on, and did not begin again
    assert told[-1] == STEPS
    assert torch.equal(flat(again), flat(whole))
    assert again.facts == whole.facts


def test_a_loss_that_is_no_number_is_named_by_its_step_and_a_fit_can_start_from_another(checkpoint, tmp_path) -> None:
    """The step that one process names too, where it starts from the same sampler."""
    model, start = small(checkpoint, optimiser="sgd", learning_rate=1e30, clip=None), small(checkpoint).founder()
    sentences = set()
    for workspace in (within(tmp_path / "two"), toys.workspace()):
        with pytest.raises(Diverged, match=f"the loss 'loss' was .* at step [0-9]+ of {STEPS}") as raised:
            fitted(model, workspace, start=start)
        sentences.add(str(raised.value))
    assert len(sentences) == 1
