"""A checkpoint's networks, read by their own classes one by one: the U-Net, and what stays frozen beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from autophagy.checkpoints.files import listed_in, numbers_in
from autophagy.checkpoints.guards import bare, check_layers, check_total, quiet_transformers
from autophagy.core.errors import Damaged, DataError
from autophagy.core.settings import shown
from autophagy.networks.onednn import quickened

from ._latent_checkpoint import Checkpoint
from ._latent_schedulers import hushed
from ._trained import shapes

UNET = "unet"  # the folder of a saved U-Net
WEIGHTS = "diffusion_pytorch_model.safetensors"
REMEMBERED = 256  # texts whose states are kept
KINDS: Mapping[str, Any] = {"unet": UNet2DConditionModel, "vae": AutoencoderKL, "text_encoder": CLIPTextModel}


class Frozen:
    """What is never trained: autoencoder, tokenizer and text encoder.

    Attributes:
        checkpoint: it is of.
        vae: between images and latents.
        texts: between tokens and states.
        tokenizer: between texts and tokens.
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.checkpoint = checkpoint
        self.vae: Any = _diffusers(checkpoint, "vae")
        self.texts: Any = _text_encoder(checkpoint)
        self.tokenizer: Any = _tokenizer(checkpoint)
        self._states: dict[str, Tensor] = {}
        with _told(checkpoint, checkpoint.folder / "tokenizer"):
            self._check_words()
            self.states("")

    def _check_words(self) -> None:
        """Raises DataError for a tokenizer that is another text encoder's."""
        last, known = max(self.tokenizer.get_vocab().values()), self.texts.config.vocab_size
        if last >= known:
            raise DataError(
                f"{self.checkpoint.who}: the tokenizer in {self.checkpoint.folder} has a token {last}, but the text "
                f"encoder knows {known}; name a whole checkpoint."
            )

    def to(self, device: torch.device) -> Frozen:
        if self.vae.device != device:
            self.vae.to(device)
            self.texts.to(device)
            self._states.clear()
        return self

    @property
    def scaling(self) -> float:
        return float(self.vae.config.scaling_factor)

    @torch.no_grad()
    def states(self, caption: str) -> Tensor:
        """`(tokens, width)`: what the U-Net looks at; of one text at a time, so that none depends on its neighbours."""
        if caption not in self._states:
            if len(self._states) >= REMEMBERED:
                self._states.pop(next(iter(self._states)))
            told = self.tokenizer(
                [caption], padding="max_length", max_length=self.checkpoint.tokens, truncation=True, return_tensors="pt"
            )
            self._states[caption] = self.texts(told.input_ids.to(self.texts.device))[0][0]
        return self._states[caption]

    @torch.no_grad()
    def posterior(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and deviation of the latents, each `(n, c, h, w)`, of images `(n, 3, h, w)` in −1 … 1."""
        self.vae.use_slicing = False  # which a large draw may have left on, and which changes last bits
        found = self.vae.encode(images).latent_dist
        return found.mean, found.std


_kept: dict[str, Frozen] = {}  # the two that were made last, by digest


def frozen(checkpoint: Checkpoint, digest: str) -> Frozen:
    """A checkpoint's frozen parts, read once for each content. Raises DataError if they are not whole."""
    if digest not in _kept:
        while len(_kept) > 1:
            _kept.pop(next(iter(_kept)))
        _kept[digest] = Frozen(checkpoint)
    return _kept[digest]


def unet_of(checkpoint: Checkpoint) -> Any:
    """The checkpoint's own U-Net, new each time. Raises DataError if it is not whole."""
    return quickened(_diffusers(checkpoint, "unet"))


def unet_saved(checkpoint: Checkpoint, folder: Path) -> Any:
    """A U-Net that was saved after a fit: weights from `folder`, everything else as the checkpoint says.

    Raises Damaged where names or shapes are not those of the checkpoint's network, which is first made without memory.
    """
    settings = bare(checkpoint.tables["unet"])
    try:
        with torch.device("meta"):
            network: Any = KINDS["unet"].from_config(settings)
        if {name: list(each.shape) for name, each in network.state_dict().items()} != shapes(folder, WEIGHTS):
            raise ValueError("other names or shapes")
        weights = {name: each.to(torch.float32, copy=True) for name, each in load_file(folder / WEIGHTS).items()}
        network.load_state_dict(weights, assign=True)
    except (OSError, SafetensorError, RuntimeError, ValueError) as problem:
        raise Damaged(f"{UNET} does not hold the checkpoint's U-Net: {_first_line(problem)}.") from None
    return quickened(network)


def save_unet(network: Any, folder: Path) -> None:
    """Writes a U-Net in diffusers' layout."""
    with quiet():
        network.save_pretrained(folder, safe_serialization=True, max_shard_size="100TB")


def _diffusers(checkpoint: Checkpoint, part: str) -> Any:
    """One of diffusers' networks. Names in the files may be of an earlier release, so the library reads them."""
    where, kind = checkpoint.folder / part, KINDS[part]
    settings = _guarded(checkpoint, part)
    with _told(checkpoint, where), quiet(), torch.random.fork_rng(devices=[]):
        check_total(
            checkpoint.who,
            where / "config.json",
            lambda: kind.from_config(settings),
            numbers_in(checkpoint.weights[part]),
        )
        network, found = kind.from_pretrained(
            checkpoint.folder,
            subfolder=part,
            use_safetensors=True,
            local_files_only=True,
            low_cpu_mem_usage=False,
            torch_dtype=torch.float32,
            output_loading_info=True,
        )
    _check_whole(checkpoint, where, found)
    return _ready(network)


def _text_encoder(checkpoint: Checkpoint) -> Any:
    where, kind = checkpoint.folder / "text_encoder", KINDS["text_encoder"]
    computed: dict[str, Any] = {"attn_implementation": "sdpa", "dtype": torch.float32}
    with _told(checkpoint, where), quiet():
        settings = CLIPTextConfig.from_dict(_guarded(checkpoint, "text_encoder"))
        check_total(
            checkpoint.who,
            where / "config.json",
            lambda: kind._from_config(settings, **computed),
            numbers_in(checkpoint.weights["text_encoder"]),
        )
        files = checkpoint.weights["text_encoder"]
        weights = {name: tensor.clone() for path in files for name, tensor in load_file(path).items()}
        network, found = kind.from_pretrained(
            None, config=settings, state_dict=weights, **computed, output_loading_info=True
        )
    _check_whole(checkpoint, where, found)
    return _ready(network)


def _tokenizer(checkpoint: Checkpoint) -> Any:
    where = checkpoint.folder / "tokenizer"
    with _told(checkpoint, where), quiet():
        return CLIPTokenizer.from_pretrained(where, local_files_only=True, trust_remote_code=False)


def _guarded(checkpoint: Checkpoint, part: str) -> dict[str, Any]:
    """A part's settings, which ask for no more layers than there are tensors."""
    path, settings = checkpoint.folder / part / "config.json", bare(checkpoint.tables[part])
    with _told(checkpoint, checkpoint.folder / part):
        tensors = len(listed_in(checkpoint.weights[part]))
    check_layers(checkpoint.who, path, settings, tensors)
    return settings


def _check_whole(checkpoint: Checkpoint, where: Path, found: Mapping[str, Any]) -> None:
    absent = sorted(map(str, found["missing_keys"]))
    if absent:
        raise DataError(
            f"{checkpoint.who}: {len(absent)} weights are not in {where}, {shown(absent[0])} the first of them; "
            "name a whole checkpoint."
        )


def _ready(network: nn.Module) -> Any:
    """With memory of their own: a product's last bits depend on where its factors begin, as in files they may."""
    for weights in network.parameters():
        weights.data = weights.data.clone()
    return network.requires_grad_(False).eval()


@contextmanager
def _told(checkpoint: Checkpoint, where: Path) -> Iterator[None]:
    """Turns what a library raises over somebody's files, which is many things, into one sentence."""
    try:
        yield
    except DataError:
        raise
    except Exception as error:
        raise DataError(
            f"{checkpoint.who} cannot load {where}: {_first_line(error)}; get the checkpoint again."
        ) from None


def _first_line(error: Exception) -> str:
    return shown(str(error).strip().partition("\n")[0] or type(error).__name__, 200)


@contextmanager
def quiet() -> Iterator[None]:
    """Without the libraries' reports, warnings and bars: what matters of them is an error of ours."""
    with hushed(), quiet_transformers():
        yield
