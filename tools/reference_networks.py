"""The feature networks of two reference packages, for parity tests and benchmarks.

torch-fidelity 0.4.0's Inception gets random weights, since the published ones
come with no package. lpips 0.1.4 brings its own heads and gets the AlexNet that
we ship. Both import torchvision, whose wheels bring a CUDA build of torch along,
and do not need it here: empty modules stand in for it during the import.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import torch
from safetensors.torch import load_file
from torch import nn

TRUNK = Path(__file__).parents[1] / "src" / "autophagy" / "data" / "alexnet" / "lpips.safetensors"
NAMES = (
    "torchvision",
    "torchvision.models",
    "torchvision.datasets",
    "torchvision.transforms",
    "torchvision.transforms.functional",
)


def inception(seed: int = 0) -> Any:
    """torch-fidelity's extractor of pool3, with weights under which features vary as much as real ones do."""
    module: Any = imported("torch_fidelity.feature_extractor_inceptionv3")
    module.load_state_dict_from_url = lambda *_, **__: None
    module.FeatureExtractorInceptionV3.load_state_dict = lambda *_, **__: None
    network = module.FeatureExtractorInceptionV3("inception-v3-compat", ["2048"])
    random = torch.Generator().manual_seed(seed)
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, generator=random)
        if isinstance(layer, nn.BatchNorm2d):
            layer.weight.data.uniform_(0.5, 1.5, generator=random)
            layer.bias.data.normal_(0, 0.3, generator=random)
            for buffer, low, high in ((layer.running_mean, -0.3, 0.3), (layer.running_var, 0.3, 1.5)):
                assert buffer is not None
                buffer.uniform_(low, high, generator=random)
    return network


def lpips() -> Any:
    """The lpips package's metric on AlexNet: `(n, 3, h, w)` twice, in −1 … 1 → `(n, 1, 1, 1)`."""
    module: Any = imported("lpips")
    module.pretrained_networks.tv = SimpleNamespace(alexnet=lambda pretrained: SimpleNamespace(features=_trunk()))
    return module.LPIPS(net="alex", pnet_rand=True, verbose=False)


def imported(name: str) -> ModuleType:
    """The module of that name, imported beside empty stand-ins for torchvision."""
    with _stand_ins():
        return importlib.import_module(name)


def _trunk() -> nn.Sequential:
    """AlexNet's `features`, numbered as torchvision does."""
    weights = load_file(TRUNK)
    places = {0: (11, 4, 2), 3: (5, 1, 2), 6: (3, 1, 1), 8: (3, 1, 1), 10: (3, 1, 1)}  # kernel, stride, padding
    layers: list[nn.Module] = [nn.ReLU() for _ in range(13)]
    for number, (place, shape) in enumerate(places.items(), 1):
        weight = weights[f"conv{number}.weight"]
        layers[place] = convolution = nn.Conv2d(weight.shape[1], weight.shape[0], *shape)
        convolution.load_state_dict({"weight": weight, "bias": weights[f"conv{number}.bias"]})
    for place in (2, 5, 12):
        layers[place] = nn.MaxPool2d(3, 2)
    return nn.Sequential(*layers)


@contextmanager
def _stand_ins() -> Iterator[None]:
    before = {name: sys.modules.get(name) for name in NAMES}
    for name in NAMES:
        sys.modules[name] = module = _Empty(name)
        parent, _, child = name.rpartition(".")
        if parent:
            setattr(sys.modules[parent], child, module)
    try:
        yield
    finally:
        for name, earlier in before.items():
            del sys.modules[name]
            if earlier is not None:
                sys.modules[name] = earlier


class _Empty(ModuleType):
    """A module in which every public name is an empty class, so that names can be imported and inherited from."""

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})
