"""What settings in somebody else's checkpoint may not do: lead elsewhere, or ask for more than its files hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from autophagy.core.errors import DataError
from autophagy.core.settings import shown

ELSEWHERE = ("auto_map", "quantization_config", "transformers_weights", "attn_implementation", "dtype", "torch_dtype")
CLASSES = ("num_labels", "id2label", "label2id")  # of a head that is not used; the library makes a name for each
LAYERS = (
    "num_hidden_layers",
    "layers_per_block",
    "transformer_layers_per_block",
    "reverse_transformer_layers_per_block",
)


def bare(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings without those that lead elsewhere, choose how to compute or belong to a head."""
    return {
        name: bare(value) if isinstance(value, Mapping) else value
        for name, value in settings.items()
        if name not in (*ELSEWHERE, *CLASSES) and not name.startswith("_")
    }


def check_layers(who: str, path: Path, settings: Mapping[str, Any], most: int) -> None:
    """Raises DataError for more layers than there are tensors: each takes memory even while it is empty."""
    for name, value in settings.items():
        if isinstance(value, Mapping):
            check_layers(who, path, value, most)
        elif name in LAYERS:
            for asked in _flat(value):
                if not (is_whole(asked) and 0 < asked <= most):
                    raise DataError(
                        f"{who}: {path} asks for {shown(asked)} layers, but there are {most} tensors; "
                        "name a whole checkpoint."
                    )


def check_total(who: str, path: Path, make: Callable[[], Any], most: int) -> None:
    """Raises DataError for a network of more numbers than there are: the library would draw the others at random.

    Not by name, since names in files are not those in the network and the library
    knows which is which. `make` makes the network; it is made without memory for its weights here.
    """
    import torch

    with torch.device("meta"):
        network = make()
    asked = max(sum(each.numel() for each in some) for some in (network.parameters(), network.buffers()))
    if asked > most:
        raise DataError(f"{who}: {path} asks for {asked:,} weights, but there are {most:,}; name a whole checkpoint.")


def is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Without the library's reports and progress bars: what matters of them is an error of ours."""
    from transformers.utils import logging

    log: Any = logging  # untyped
    verbosity, bars = log.get_verbosity(), log.is_progress_bar_enabled()
    log.set_verbosity(log.CRITICAL)
    log.disable_progress_bar()
    try:
        yield
    finally:
        log.set_verbosity(verbosity)
        if bars:
            log.enable_progress_bar()


def _flat(value: Any) -> Iterator[Any]:
    """What stands in nested lists, which give each block a number of its own; a table's end is not looked for."""
    if isinstance(value, list):
        for each in value:
            yield from _flat(each)
    elif value is not None:
        yield value
