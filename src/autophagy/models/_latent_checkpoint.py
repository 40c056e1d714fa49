"""What a Stable Diffusion checkpoint says of itself, read without torch, so that a plan can refuse what would not run.

The classes are named here and not by the checkpoint: its `model_index.json` is only held against them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import lcm
from pathlib import Path
from typing import Any

from autophagy.checkpoints.files import State, digest_of, state_of, table_of, weights_in
from autophagy.checkpoints.guards import ELSEWHERE, is_whole
from autophagy.core.errors import DataError, listed
from autophagy.core.settings import shown

from . import _latent_schedulers as schedulers

PIPELINES = ("StableDiffusionPipeline", "StableDiffusionImg2ImgPipeline")
INDEX, SCHEDULER = "model_index.json", "scheduler/scheduler_config.json"
STEMS = {"unet": "diffusion_pytorch_model", "vae": "diffusion_pytorch_model", "text_encoder": "model"}
CLASSES = {"unet": "UNet2DConditionModel", "vae": "AutoencoderKL", "text_encoder": "CLIPTextModel"}
WORDS = (
    "vocab.json", "merges.txt", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json",
    "added_tokens.json",
)  # fmt: skip
OTHER_INPUTS = ("addition_embed_type", "class_embed_type", "encoder_hid_dim_type", "time_cond_proj_dim")
WANTED = ("*.json", "*.txt", "*.safetensors")
LARGEST_INDEX = 2**24  # bytes
LARGEST_SIDE, LARGEST_FACTOR = 4096, 10  # pixels; halvings


@dataclass(frozen=True)
class Checkpoint:
    """A Stable Diffusion, as its small files describe it.

    Attributes:
        who: the part that asks, for messages.
        folder: where it lies.
        tables: settings of `unet`, `vae`, `text_encoder` and `scheduler`.
        weights: files with the weights of the first three.
    """

    who: str
    folder: Path
    tables: Mapping[str, Mapping[str, Any]]
    weights: Mapping[str, tuple[Path, ...]]

    @property
    def factor(self) -> int:
        """Pixels a side of a latent."""
        return 1 << (len(self.tables["vae"]["block_out_channels"]) - 1)

    @property
    def multiple(self) -> int:
        """What a side in pixels must be a multiple of: the pipelines ask for 8 whatever the autoencoder."""
        return lcm(8, self.factor)

    @property
    def side(self) -> int | None:
        """Pixels a side of the images it was made for, if it says so."""
        latent: Any = self.tables["unet"].get("sample_size")
        return latent * self.factor if is_whole(latent) and 0 < latent * self.factor <= LARGEST_SIDE else None

    @property
    def tokens(self) -> int:
        """Of a text, padding included."""
        return int(self.tables["text_encoder"].get("max_position_embeddings", 77))

    def digest(self) -> str:
        """32 hex digits of all bytes that are read, wherever they lie."""
        parts = [(str(path.relative_to(self.folder)), digest_of(self.who, [path])) for path in self._read()]
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]

    def _read(self) -> Iterator[Path]:
        yield self.folder / SCHEDULER
        yield from (path for name in WORDS if (path := self.folder / "tokenizer" / name).is_file())
        for part, files in self.weights.items():
            yield self.folder / part / "config.json"
            index = self.folder / part / f"{STEMS[part]}.safetensors.index.json"  # which shard has which weight
            yield from (index,) if index.is_file() else ()
            yield from files


def described(who: str, folder: Path) -> Checkpoint:
    """Reads a checkpoint's small files. Raises DataError if they are not of a Stable Diffusion in safetensors."""
    return _described(who, folder, _state(who, folder))


def digest(who: str, folder: Path) -> str:
    """The digest of a checkpoint, worked out again only once a file of it has changed."""
    return _digest(who, folder, _state(who, folder))


def _state(who: str, folder: Path) -> tuple[State, ...]:
    parts = [path for name in (*STEMS, "scheduler", "tokenizer") if (path := folder / name).is_dir()]
    return tuple(state_of(who, each, _is_read) for each in (folder, *parts))


def _is_read(name: str) -> bool:
    return name.endswith((".json", ".txt", ".safetensors"))


@lru_cache(maxsize=64)
def _digest(who: str, folder: Path, state: tuple[State, ...]) -> str:
    return _described(who, folder, state).digest()


@lru_cache(maxsize=64)
def _described(who: str, folder: Path, state: tuple[State, ...]) -> Checkpoint:
    if not (folder / INDEX).is_file():
        raise DataError(
            f"{who}: {shown(str(folder), 200)} has no {INDEX}; name a Stable Diffusion in diffusers' layout."
        )
    _check_index(who, folder, table_of(who, folder / INDEX))
    weights = {part: _weights(who, folder, part, stem) for part, stem in STEMS.items()}
    tables = {part: _table(who, folder / part / "config.json") for part in STEMS}
    found = Checkpoint(who, folder, {**tables, "scheduler": _table(who, folder / SCHEDULER)}, weights)
    _check_words(who, folder)
    for problem in _misfits(found):
        raise DataError(f"{who}: {shown(str(folder), 200)} {problem}; name another checkpoint.")
    return found


def _check_index(who: str, folder: Path, index: Mapping[str, Any]) -> None:
    said = index.get("_class_name")
    if said not in PIPELINES:
        raise DataError(
            f"{who}: {shown(str(folder), 200)} is of a {shown(said)}, not of a {PIPELINES[0]}; name a Stable Diffusion "
            "1 or 2, an SD-Turbo, or another with one CLIP text encoder."
        )
    for part, name in CLASSES.items():
        own = index.get(part)
        if not isinstance(own, list) or own[-1:] != [name]:
            raise DataError(
                f"{who}: {shown(str(folder / INDEX), 200)} names {shown(own)} as its {part}, not a {name}; "
                "name another checkpoint."
            )


def _weights(who: str, folder: Path, part: str, stem: str) -> tuple[Path, ...]:
    found = weights_in(folder / part, stem)
    if found:
        _check_shards(who, folder / part / f"{stem}.safetensors.index.json", found)
        return found
    others = [path.name for path in sorted((folder / part).glob("*")) if path.suffix in (".bin", ".ckpt", ".pt")]
    why = f", only {others[0]}, a pickle that could run code when it is read" if others else ""
    raise DataError(
        f"{who}: {shown(str(folder / part), 200)} has no {stem}.safetensors{why}; name a checkpoint with safetensors."
    )


def _check_shards(who: str, path: Path, found: tuple[Path, ...]) -> None:
    """Raises DataError for an index that leads to other files than those found, for diffusers would follow it."""
    if not path.is_file():
        return
    led = table_of(who, path, LARGEST_INDEX).get("weight_map")
    names = {file.name for file in found}
    if not isinstance(led, dict) or not led or {str(name) for name in led.values()} != names:
        raise DataError(
            f"{who}: {shown(str(path), 200)} leads to other files than {listed(sorted(names))}, which lie beside it; "
            "get the checkpoint again."
        )


def _table(who: str, path: Path) -> Mapping[str, Any]:
    if not path.is_file():
        raise DataError(f"{who}: there is no {shown(str(path), 200)}; name a whole checkpoint.")
    found = table_of(who, path)
    if odd := sorted(set(found) & {*ELSEWHERE[:3]}):
        raise DataError(
            f"{who}: {path} leads elsewhere by its {odd[0]}, which is not followed; name another checkpoint."
        )
    return found


def _check_words(who: str, folder: Path) -> None:
    has = {name for name in WORDS if (folder / "tokenizer" / name).is_file()}
    if not ("tokenizer.json" in has or {"vocab.json", "merges.txt"} <= has):
        raise DataError(
            f"{who}: {shown(str(folder / 'tokenizer'), 200)} has neither vocab.json with merges.txt nor "
            "tokenizer.json; name a whole checkpoint."
        )


def _is_scale(value: object) -> bool:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and 0 < float(value) < float("inf")  # type: ignore[arg-type]


def _misfits(found: Checkpoint) -> Iterator[str]:
    """What of it this model could not train or draw with, each as the end of a sentence."""
    unet, vae, text, scheduler = (found.tables[name] for name in ("unet", "vae", "text_encoder", "scheduler"))
    blocks = vae.get("block_out_channels")
    if not isinstance(blocks, list) or not 0 < len(blocks) <= LARGEST_FACTOR:
        yield f"has an autoencoder with block_out_channels = {shown(blocks)}"
    if problem := schedulers.fault(scheduler):
        yield f"has a scheduler that {problem}"
    channels = [unet.get("in_channels", 4), unet.get("out_channels", 4), vae.get("latent_channels", 4)]
    if not all(map(is_whole, channels)) or len(set(channels)) > 1:
        yield "has a U-Net that takes or gives other channels than its autoencoder's latents have"
    if unet.get("cross_attention_dim", 1280) != text.get("hidden_size", 512):
        yield "has a U-Net that looks at texts of another width than its text encoder gives"
    if not _is_scale(vae.get("scaling_factor", 0.18215)):
        yield f"has an autoencoder with scaling_factor = {shown(vae.get('scaling_factor'))}"
    if not is_whole(heads := text.get("num_attention_heads", 8)) or heads < 1:
        yield f"has a text encoder of {shown(heads)} attention heads"
    if odd := [name for name in OTHER_INPUTS if unet.get(name) is not None]:
        yield f"has a U-Net that asks for more than an image, a time and a text ({odd[0]})"
    if not is_whole(tokens := text.get("max_position_embeddings", 77)) or not 0 < tokens <= 4096:
        yield f"has a text encoder of {shown(tokens)} tokens"
