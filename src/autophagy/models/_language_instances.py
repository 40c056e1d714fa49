"""The best of several fits, by their loss on held-out real texts (Shumailov et al. 2023 kept one of five)."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from autophagy.core.errors import Diverged
from autophagy.core.seeds import Seed
from autophagy.core.workspace import Workspace
from autophagy.training import Course, autocast, moved

from ._language_rows import Rows
from ._language_task import summed, wanted

if TYPE_CHECKING:
    from ._language import Language

TOLD, BEST = "instances.json", "best.safetensors"
Fit = Callable[[Seed, Workspace], tuple[Any, Course]]


def best_of(
    model: Language, validation: Rows, fit: Fit, make: Callable[[], Any], seed: Seed, workspace: Workspace
) -> tuple[Any, Mapping[str, Any]]:
    """The network with the smallest loss on `validation`, and facts of it.

    What is finished is kept in the workspace, so that a kill costs no more than the instance that was under way.
    `make` makes a network for the weights that were kept.
    """
    told = _told(workspace)
    for number in range(len(told), model.instances):
        said: list[str] = []
        network, course = fit(seed.child("instance", number), _room(workspace, number, said))
        loss = validation_loss(network, validation, model)
        if not math.isfinite(loss):
            raise Diverged(f"model '{model.name}' ended instance {number} with a loss of {loss} on validation data.")
        told.append({"loss": loss, "losses": course.losses, "remarks": said})
        if loss < min((each["loss"] for each in told[:-1]), default=math.inf):
            workspace.save(BEST, partial(save_file, _trained(network)))
        workspace.save(TOLD, partial(_write, told))
    chosen = min(range(len(told)), key=lambda k: told[k]["loss"])
    for remark in told[chosen].get("remarks", ()):  # an earlier version kept none
        workspace.remark(remark)
    facts = {"losses": told[chosen]["losses"], "validation": [each["loss"] for each in told], "kept": chosen}
    return _filled(make(), workspace.folder() / BEST), facts


def validation_loss(network: Any, rows: Rows, model: Language) -> float:
    """Nats a token."""
    network.eval()
    total = 0.0
    with torch.inference_mode():
        for first in range(0, len(rows), model.micro or model.batch):
            piece = rows.take(np.arange(first, min(first + (model.micro or model.batch), len(rows)))).cut()
            tokens = moved(piece.tokens.astype(np.int64), network.device)
            with autocast(model.precision, network.device):
                logits = network(input_ids=tokens, use_cache=False).logits
            total += float(summed(logits, wanted(piece, network.device)))
    return total / int((rows.lengths - 1).sum())


def _room(workspace: Workspace, number: int, said: list[str]) -> Workspace:
    def folder() -> Path:
        place = workspace.folder() / f"instance-{number}"
        place.mkdir(exist_ok=True)
        return place

    return replace(workspace, folder=folder, remark=said.append)


def _told(workspace: Workspace) -> list[dict[str, Any]]:
    """What finished instances left, if they and the best one's weights are whole."""
    path, best = workspace.saved(TOLD), workspace.saved(BEST)
    if path is None or best is None:
        return []
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _write(told: list[dict[str, Any]], path: Path) -> None:
    path.write_text(json.dumps(told), encoding="utf-8")


def _trained(network: Any) -> dict[str, torch.Tensor]:
    own = {name: each for name, each in network.named_parameters() if each.requires_grad}
    return {name: each.detach().cpu().contiguous() for name, each in own.items()}


def _filled(network: Any, path: Path) -> Any:
    saved = load_file(path)
    with torch.no_grad():
        for name, own in network.named_parameters():
            if name in saved:
                own.copy_(saved[name])
    return network
