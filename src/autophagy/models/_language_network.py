"""A checkpoint's network and its tokenizer, read once for each content; saved networks are read back against it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, suppress
from copy import copy, deepcopy
from io import StringIO
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import AutoConfig, AutoTokenizer
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING

from autophagy.checkpoints.guards import bare, check_layers, check_total, quiet_transformers
from autophagy.checkpoints.language import Checkpoint
from autophagy.checkpoints.language_kinds import misfit
from autophagy.core.errors import Damaged, DataError
from autophagy.core.settings import shown
from autophagy.networks.onednn import quickened

from ._language_words import Words
from ._trained import WEIGHTS, shapes

TOKENS = "tokenizer.json"
LONG = 256  # tokens from which torch's fused attention is better than two products; shorter, it is worse


class Base:
    """What every fit begins with and every sampler shares.

    Attributes:
        words: the tokenizer.
        content: digest of the checkpoint, or of what stands for one.
        context: the longest row of tokens.
        tokens: the tokenizer as in a tokenizer.json, where samplers have to keep it, since no checkpoint does.
    """

    def __init__(
        self, who: str, network: Any, words: Words, content: str, context: int | None, *, tokens: str = ""
    ) -> None:
        self.who, self.words, self.content, self.tokens = who, words, content, tokens
        self.context = context or 2**20
        self._network = _ready(network)
        with suppress(Exception):  # or the library warns of it: what is padding is never looked at; some insist on it
            self._network.config.pad_token_id = None
        if words.size > (known := network.get_input_embeddings().num_embeddings):
            raise DataError(
                f"{who}: the tokenizer has {words.size} tokens, but the network knows {known}; name a whole checkpoint."
            )

    def begun_with(self, sign: str) -> Base:
        """The same, but for the sign before a text. Raises DataError if that is no token."""
        found = copy(self)
        found.words = self.words.begun_with(sign)
        return found

    def network(self, block: int) -> Any:
        """A new copy of the network, with the attention that is quicker on rows of so many tokens."""
        made = deepcopy(self._network)
        made.set_attn_implementation("eager" if block <= LONG else _attention(type(made)))
        return quickened(made)

    def saved(self, folder: Path, block: int) -> Any:
        """The network with saved weights. Raises Damaged where names or shapes are not those of this network."""
        made = self.network(block)
        try:
            if {name: list(each.shape) for name, each in own_weights(made).items()} != shapes(folder):
                raise ValueError("other names or shapes")
            put_back(made, load_file(folder / WEIGHTS))
        except (OSError, SafetensorError, RuntimeError, ValueError) as problem:
            raise Damaged(f"{WEIGHTS} does not hold the checkpoint's network: {_first_line(problem)}.") from None
        return made


def own_weights(network: nn.Module) -> dict[str, Tensor]:
    """Weights by name, each once: a head that is tied to the embedding is not another weight."""
    return {name: each.detach() for name, each in network.named_parameters()}


def put_back(network: nn.Module, weights: Mapping[str, Tensor]) -> None:
    with torch.no_grad():
        for name, own in network.named_parameters():
            own.copy_(weights[name])


def save_weights(network: nn.Module, path: Path) -> None:
    save_file({name: each.cpu().contiguous() for name, each in own_weights(network).items()}, path)


_kept: dict[str, Base] = {}  # the one that was made last, by digest: reading a GGUF file takes twenty seconds


def base_of(checkpoint: Checkpoint, content: str) -> Base:
    """A checkpoint's network and tokenizer. Raises DataError if they are not whole or do not go together."""
    if content not in _kept:
        _kept.clear()
        _kept[content] = _read(checkpoint, content)
    return _kept[content]


def _read(checkpoint: Checkpoint, content: str) -> Base:
    with told(checkpoint), quiet(), torch.random.fork_rng(devices=[]):
        folder, extra = checkpoint.place, {}
        if checkpoint.is_gguf:
            folder, extra = checkpoint.place.parent, {"gguf_file": checkpoint.place.name}
        local: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False, **extra}
        words = Words(AutoTokenizer.from_pretrained(folder, **local))
        network = _from_gguf(folder, local) if checkpoint.is_gguf else _from_folder(checkpoint)
        if not all(bool(torch.isfinite(weights).all()) for weights in network.parameters()):
            raise DataError("its weights are not all finite")
        _check_causal(network.eval())
    return Base(checkpoint.who, network, words, content, checkpoint.context)


def _from_gguf(folder: Path, local: Mapping[str, Any]) -> Any:
    """A plain network with the file's weights; the one that the library makes is marked as quantised for ever."""
    config = AutoConfig.from_pretrained(folder, **local)
    kind = _kind(config)
    with redirect_stderr(StringIO()):  # where it draws a bar that cannot be turned off
        read, found = kind.from_pretrained(
            folder, config=config, dtype=torch.float32, output_loading_info=True, **local
        )
    _check_whole(found)
    settings = read.config.to_dict()
    settings.pop("quantization_config", None)
    plain = type(config).from_dict(bare(settings))
    network = kind._from_config(plain, dtype=torch.float32, attn_implementation=_attention(kind))
    network.load_state_dict(read.state_dict())
    return network


def _from_folder(checkpoint: Checkpoint) -> Any:
    where, settings = checkpoint.place / "config.json", bare(checkpoint.table)
    check_layers(checkpoint.who, where, settings, len(checkpoint.shapes))
    config = AutoConfig.for_model(**settings)
    kind = _kind(config)
    computed = {"attn_implementation": _attention(kind), "dtype": torch.float32}
    check_total(checkpoint.who, where, lambda: kind._from_config(config, **computed), _most(config, checkpoint.numbers))
    weights = {name: each.clone() for path in checkpoint.weights for name, each in load_file(path).items()}
    network, found = kind.from_pretrained(None, config=config, state_dict=weights, output_loading_info=True, **computed)
    _check_whole(found)
    return network


def _most(config: Any, numbers: int) -> int:
    """Of weights that there may be: buffers of some networks, such as masks, are no weights in the file."""
    context = getattr(config, "max_position_embeddings", None)
    return max(numbers, context * context if isinstance(context, int) else 0)


def _kind(config: Any) -> Any:
    if problem := misfit(config.model_type):
        raise DataError(f"it {problem}")
    return MODEL_FOR_CAUSAL_LM_MAPPING[type(config)]


def _attention(kind: Any) -> str:
    """The quicker way for long rows, where a kind of network has it."""
    return "sdpa" if kind._supports_sdpa else "eager"


def _check_causal(network: Any) -> None:
    """Raises DataError for a network whose answer after a token depends on what comes later, as an encoder's does."""
    rows = torch.tensor([[0, 1], [0, 2]], device=network.device)
    with torch.no_grad():
        first, second = network(input_ids=rows, use_cache=False).logits[:, 0]
    if not torch.allclose(first, second, rtol=1e-4, atol=1e-4 * float(first.abs().max())):
        raise DataError("it looks ahead, as encoders do (is_decoder is false); name one that only looks back")


def _check_whole(found: Mapping[str, Any]) -> None:
    absent = sorted(map(str, found["missing_keys"]))
    if absent:
        raise DataError(f"{len(absent)} weights are not there, {shown(absent[0])} the first of them")


def _ready(network: Any) -> Any:
    """With memory of their own: a product's last bits depend on where its factors begin, as in files they may."""
    for weights in network.parameters():
        weights.data = weights.data.to(torch.float32, copy=True)
    return network.requires_grad_(False).eval()


@contextmanager
def told(checkpoint: Checkpoint) -> Iterator[None]:
    """Turns what a library raises over somebody's files, which is many things, into one sentence."""
    try:
        yield
    except Exception as error:
        if str(error).startswith(checkpoint.who):
            raise
        raise DataError(
            f"{checkpoint.who} cannot load {checkpoint.place}: {_first_line(error)}; get the checkpoint again, "
            "or name another one."
        ) from None


def _first_line(error: Exception) -> str:
    return shown(str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__, 200)


@contextmanager
def quiet() -> Iterator[None]:
    """Without the library's reports, warnings and bars: what matters of them is an error of ours."""
    with quiet_transformers(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
