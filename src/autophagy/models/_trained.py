"""What every family that learns by gradient descent shares: its settings, and samplers that hold a network."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import numpy as np

from autophagy.core.errors import Damaged, DataError, Diverged, MissingPackage
from autophagy.core.parts import Model, Sampler
from autophagy.core.pool import Pool
from autophagy.core.seeds import Seed
from autophagy.core.settings import Count, Positive, Range
from autophagy.core.workspace import Machine, Workspace

from ._inputs import checked

if TYPE_CHECKING:
    from torch import Tensor, nn

    from autophagy.training import Batches

N = TypeVar("N", bound="nn.Module")
WEIGHTS, FACTS = "weights.safetensors", "facts.json"
Epochs = Annotated[float, Range(0, 1e9, above=True)]


@dataclass(frozen=True)
class Trained(Model):
    """A family that learns by gradient descent.

    Attributes:
        epochs: how often every training sample is seen.
        steps: of a fit, in place of epochs, so that it costs the same however much it eats.
        batch: samples of one step.
        learning_rate: of the optimiser, at its highest.
        precision: of the products; sums, weights and optimiser keep 32 bits.
        threads: processor threads of a fit and of a draw. They change the last bits of a sum, and so are a setting.
    """

    continues = True
    uses_device = True
    epochs: Epochs = 30.0
    steps: Count | None = None
    batch: Count = 128
    learning_rate: Positive = 1e-3
    precision: Literal["float32", "bfloat16"] = "float32"
    threads: Annotated[int, Range(1, 1024)] = 1

    def fit(self, train: Pool, *, start: Sampler | None, seed: Seed, workspace: Workspace) -> Sampler:
        with self._ready_for(train):
            return self._learned(train, start, seed, workspace)

    def load(self, folder: Path) -> Sampler:
        self._require()
        return self._loaded(folder)

    @contextmanager
    def _ready_for(self, train: Pool) -> Iterator[None]:
        """On this model's number of threads. Raises DataError without a sample, MissingPackage."""
        checked(train, self.name)
        self._require()
        from autophagy.training import threads

        with threads(self.threads):
            yield

    def _length(self, batches: Batches) -> int:
        """How many steps a fit takes."""
        return self.steps or batches.steps(self.epochs)

    @abstractmethod
    def _learned(self, train: Pool, start: Sampler | None, seed: Seed, workspace: Workspace) -> Sampler:
        """The fit itself, on this model's number of threads; there is at least one sample."""

    @abstractmethod
    def _loaded(self, folder: Path) -> Sampler:
        """The sampler that its `save` has written."""

    def lacking(self) -> str | None:
        try:
            self._require()
        except MissingPackage as missing:
            return str(missing)
        return None

    def _require(self) -> None:
        """Raises MissingPackage for what is not installed; loads nothing."""
        if not is_installed("torch"):
            raise MissingPackage(f"model '{self.name}'", "torch", "torch")


def is_installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except (ImportError, ValueError):
        return False


class NetworkSampler(Sampler):
    """A sampler that draws with a network; on disk its weights and a table of facts.

    Attributes:
        network: on the device where it draws, in evaluation mode.
        facts: what `load` needs beside the weights, as plain JSON: shapes, classes, settings, the loss curve.
        threads: that a draw computes on.
    """

    together: int = 256  # samples drawn at a time: what a batch is changes last bits, so it is fixed

    def __init__(self, network: nn.Module, facts: Mapping[str, Any], threads: int = 1) -> None:
        self.network = network.requires_grad_(False).eval()
        self.facts = dict(facts)
        self.threads = threads

    @property
    def device(self) -> Any:
        return next(self.network.parameters()).device

    def on(self, machine: Machine) -> Sampler:
        from autophagy.training import device_of

        self.network.to(device_of(machine.device))
        return self

    def save(self, folder: Path) -> None:
        from safetensors.torch import save_file

        state = {name: tensor.detach().cpu().contiguous() for name, tensor in self.network.state_dict().items()}
        save_file(state, folder / WEIGHTS)
        (folder / FACTS).write_text(json.dumps(self.facts, ensure_ascii=False), encoding="utf-8")

    def _drawn(self, n: int, seed: Seed, draw: Callable[[slice, Seed], Tensor]) -> np.ndarray:
        """Stacks what `draw(rows, seed)` gives for one stretch of rows after the other.

        Each stretch has a seed of its own. If it draws its noise for `together`
        rows and then takes as many as it has, the first samples are the same
        however many are drawn.
        """
        import torch

        from autophagy.training import threads

        with threads(self.threads), torch.inference_mode():
            parts = [
                draw(rows, seed.child("rows", rows.start)).cpu().numpy() for rows in stretches(max(n, 1), self.together)
            ]
        return np.concatenate(parts)[:n]  # of no samples, too, the shape and type are those of samples


def stretches(n: int, size: int) -> Iterator[slice]:
    yield from (slice(first, min(first + size, n)) for first in range(0, n, size))


def facts_of(folder: Path, *names: str) -> dict[str, Any]:
    """Reads the table of facts; raises Damaged if it cannot be read or lacks one of the names."""
    try:
        facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        if not isinstance(facts, dict):
            raise ValueError("it is none")
        missing = [name for name in names if name not in facts]
    except (OSError, ValueError, TypeError, RecursionError) as problem:
        raise Damaged(f"{FACTS} cannot be read as a table: {problem!r}.") from None
    if missing:
        raise Damaged(f"{FACTS} must say {', '.join(names)}, but lacks {', '.join(missing)}.")
    return facts


def filled(make: Callable[[], N], folder: Path) -> N:
    """Makes a network and puts saved weights into it; raises Damaged where they do not fit.

    The network is first made without memory, and held against the names and
    shapes in the file: a table of facts from somebody else may ask for anything.
    """
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        with torch.device("meta"):
            asked = {name: list(tensor.shape) for name, tensor in make().state_dict().items()}
        if asked != shapes(folder):
            raise ValueError("other names or shapes")
        network = make()
        network.load_state_dict(load_file(folder / WEIGHTS))
    except (OSError, SafetensorError, ArithmeticError, RuntimeError, ValueError, TypeError, LookupError) as problem:
        reason = next(iter(str(problem).splitlines()), type(problem).__name__)
        raise Damaged(f"{WEIGHTS} does not hold the network that {FACTS} describes: {reason}.") from None
    return network


def shapes(folder: Path, name: str = WEIGHTS) -> dict[str, list[int]]:
    """The names and shapes of saved weights, read without them."""
    from safetensors import safe_open

    with safe_open(folder / name, "pt") as file:
        return {name: list(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118 (no mapping)


def images(train: Pool, model: str) -> np.ndarray:
    """Returns the samples `(n, c, h, w)` uint8 as they lie, perhaps mapped from a file. Raises DataError for others."""
    samples = train.samples
    if samples.ndim != 4 or samples.dtype != np.uint8:
        raise DataError(f"model '{model}' needs uint8 images (n, c, h, w), but got {samples.dtype} {samples.shape}.")
    return samples


def bytes_of(pixels: Tensor) -> Tensor:
    """Images in −1..1 as uint8, rounded and clipped. Raises Diverged where one is no number."""
    import torch

    finite(pixels)
    return ((pixels.float() + 1) * 127.5).round_().clamp_(0, 255).to(torch.uint8)


def finite(drawn: Tensor, what: str = "images") -> Tensor:
    """What a network has drawn, as it is; raises Diverged if some of it is not finite, as after a last step too far."""
    if not bool(drawn.isfinite().all()):
        raise Diverged(f"the {what} that it draws are not finite.")
    return drawn
