"""Checkpoints of a fit under way: nested states as one safetensors file, and back, bit for bit.

A state is a tree of dicts and lists with tensors, numbers and texts in its
leaves. Tensors go into the file under the path that leads to them; the tree
itself, with everything else in it, into the file's header as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from autophagy.core.errors import DataError
from autophagy.core.workspace import Workspace

NAME = "checkpoint.safetensors"
TENSOR, LAST, WHOLE = "tensor", "channels-last", "int"


def save(state: Mapping[str, Any], step: int, workspace: Workspace) -> None:
    """Keeps what `state`'s parts say of themselves after so many steps."""
    found: dict[str, Tensor] = {}
    tree = _taken({name: part.state_dict() for name, part in state.items()}, "", found)
    about = {"step": str(step), "tree": json.dumps(tree)}
    workspace.save(NAME, lambda path: save_file(_apart(found), path, about))


def restore(state: Mapping[str, Any], workspace: Workspace) -> int:
    """Puts the last checkpoint back into `state`'s parts; returns the steps it had taken, 0 if there is none.

    A file that cannot be read is as good as none: the fit begins again.
    """
    path = workspace.saved(NAME)
    if path is None:
        return 0
    try:
        step, tree = _read(path)
        states = [(part, tree[name]) for name, part in state.items()]
    except (OSError, SafetensorError, ValueError, TypeError, AttributeError, LookupError, RecursionError):
        path.unlink(missing_ok=True)
        return 0
    try:
        for part, own in states:
            part.load_state_dict(own)
    except (ValueError, TypeError, AttributeError, LookupError, RuntimeError) as problem:
        path.unlink(missing_ok=True)  # some parts have taken it in, so this fit is lost, but not the next
        reason = str(problem).splitlines()[0] if str(problem) else type(problem).__name__
        raise DataError(f"the checkpoint is of another fit and was removed; run it again ({reason}).") from None
    return step


def tensors(state: Mapping[str, Any]) -> Iterator[tuple[str, Tensor]]:
    """Every tensor of a state with its path, in the tree's order."""
    found: dict[str, Tensor] = {}
    _taken({name: part.state_dict() for name, part in state.items()}, "", found)
    yield from found.items()


def _read(path: Path) -> tuple[int, dict[str, Any]]:
    with safe_open(path, "pt") as file:
        about = file.metadata()
        tree = _put_back(json.loads(about["tree"]), file)
    return int(about["step"]), tree


def _taken(value: Any, path: str, found: dict[str, Tensor]) -> Any:
    """The tree as JSON; its tensors are put into `found`."""
    if isinstance(value, Tensor):
        is_last = value.dim() == 4 and not value.is_contiguous()
        found[path] = value.detach().contiguous()
        return {TENSOR: path, LAST: is_last and value.is_contiguous(memory_format=torch.channels_last)}
    if isinstance(value, Mapping):
        kind = WHOLE if any(isinstance(key, int) for key in value) else "str"
        return {kind: {str(key): _taken(child, f"{path}/{key}", found) for key, child in value.items()}}
    if isinstance(value, (list, tuple)):
        return [_taken(child, f"{path}/{i}", found) for i, child in enumerate(value)]
    return value


def _apart(found: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors with memory of their own: tied weights have two names, which a safetensors file does not allow."""
    seen: set[int] = set()
    apart: dict[str, Tensor] = {}
    for path, tensor in found.items():
        place = tensor.untyped_storage().data_ptr()
        apart[path] = tensor.clone() if place in seen else tensor
        seen.add(place)
    return apart


def _put_back(value: Any, file: Any) -> Any:
    if isinstance(value, list):
        return [_put_back(child, file) for child in value]
    if not isinstance(value, dict):
        return value
    if TENSOR in value:
        tensor: Tensor = file.get_tensor(value[TENSOR]).clone()  # out of the file, which the next save replaces
        return tensor.contiguous(memory_format=torch.channels_last) if value[LAST] else tensor
    (kind, children), *_ = value.items()
    return {(int(key) if kind == WHOLE else key): _put_back(child, file) for key, child in children.items()}
