"""The network and the tokens of a tiny-gpt."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from autophagy.core.errors import Damaged, DataError
from autophagy.core.pool import Pool
from autophagy.core.seeds import Seed
from autophagy.networks.onednn import quickened
from autophagy.training import first_weights

from ._language_network import LONG, TOKENS, Base
from ._language_words import Words
from ._trained import shapes

if TYPE_CHECKING:
    from .tiny_gpt import TinyGPT

END = "<|end|>"


def fitted_tokens(train: Pool, vocabulary: int, model: str) -> str:
    """A byte-level tokenizer that joins the pairs that are commonest in these texts, as in a tokenizer.json."""
    if train.samples.ndim != 1 or train.samples.dtype.kind != "U":
        raise DataError(f"model '{model}' needs texts (n,), but got {train.samples.dtype} of {train.samples.shape}.")
    made: Any = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    made.train_from_iterator(train.samples.tolist(), trainer)
    described: str = made.to_str()
    return described


def base_saved(model: TinyGPT, folder: Path) -> Base:
    """Of a saved sampler. Raises Damaged if its weights are of another shape: facts may ask for any."""
    try:
        described = (folder / TOKENS).read_text(encoding="utf-8")
        rows, width = shapes(folder)["model.embed_tokens.weight"]
        blocks = sum(name.endswith("input_layernorm.weight") for name in shapes(folder))
        if (width, blocks) != (model.hidden, model.depth):
            raise ValueError(f"{blocks} blocks of {width} in {rows} tokens")
    except (OSError, SafetensorError, ValueError, LookupError) as problem:
        raise Damaged(f"{TOKENS} or the weights are not what facts.json says: {problem}.") from None
    return base_of(model, described)


def base_of(model: TinyGPT, described: str) -> Base:
    """The tokens, and a network of that many that stands for its shape."""
    try:
        fast: Any = PreTrainedTokenizerFast  # untyped
        words = Words(fast(tokenizer_object=Tokenizer.from_str(described), eos_token=END))
    except Exception as problem:  # the library raises plain ones
        raise Damaged(f"{TOKENS} is no tokenizer: {str(problem).partition(chr(10))[0]}.") from None
    network = fresh(model, words.size, Seed(("shape",)))
    content = hashlib.sha256(repr((described, model.hidden, model.depth, model.heads)).encode()).hexdigest()[:32]
    return Base(model.who, network, words, content, model.block, tokens=described)


def fresh(model: TinyGPT, known: int, seed: Seed) -> Any:
    """A network with random weights; four times as wide inside its blocks as between them, by three matrices."""
    kind: Any = LlamaConfig  # whose settings are more than its types say
    settings = kind(
        vocab_size=known,
        hidden_size=model.hidden,
        intermediate_size=8 * model.hidden // 3,
        num_hidden_layers=model.depth,
        num_attention_heads=model.heads,
        max_position_embeddings=model.block,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=None,
        attn_implementation="eager" if model.block <= LONG else "sdpa",
    )
    with first_weights(seed):
        return quickened(LlamaForCausalLM(settings))
