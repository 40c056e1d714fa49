"""Small language models with random weights, in transformers' folder layout and as a GGUF file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from autophagy.checkpoints.guards import quiet_transformers

from .toys import WORDS

START, END = "<s>", "</s>"
CONTEXT = 64  # tokens


def language_model(
    folder: Path, *, kind: Literal["llama", "opt", "gpt2"] = "llama", has_start: bool = True, seed: int = 0
) -> Path:
    """Writes a checkpoint of some 30,000 random weights that reads words and letters; returns the folder.

    Without `has_start` it has no sign for a beginning other than that for an end, as GPT-2. Needs transformers.
    """
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM, OPTConfig, OPTForCausalLM

    folder.mkdir(parents=True, exist_ok=True)
    size = write_tokenizer(folder, has_start=has_start)
    signs: dict[str, Any] = {"eos_token_id": 1, "bos_token_id": 0 if has_start else 1, "pad_token_id": 1}
    made: Any
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        if kind == "llama":
            made = LlamaForCausalLM(
                LlamaConfig(
                    vocab_size=size, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
                    num_key_value_heads=2, max_position_embeddings=CONTEXT, tie_word_embeddings=True, **signs,
                )
            )  # fmt: skip
        elif kind == "opt":
            made = OPTForCausalLM(
                OPTConfig(
                    vocab_size=size, hidden_size=32, ffn_dim=64, num_hidden_layers=2, num_attention_heads=4,
                    max_position_embeddings=CONTEXT, word_embed_proj_dim=32, dropout=0.0, **signs,
                )
            )  # fmt: skip
        else:
            made = GPT2LMHeadModel(
                GPT2Config(
                    vocab_size=size, n_embd=32, n_layer=2, n_head=4, n_positions=CONTEXT, resid_pdrop=0.0,
                    embd_pdrop=0.0, attn_pdrop=0.0, **signs,
                )
            )  # fmt: skip
        for weight in made.parameters():  # so that answers differ by more than the small first numbers
            if weight.dim() > 1:
                weight.data += 0.15 * torch.randn_like(weight)
    with quiet_transformers():
        made.save_pretrained(folder)
    return folder


def _names() -> list[str]:
    """Signs, letters and marks, then the toys' words with a space before them, piece by piece, as bytes are written."""
    letters = [chr(code) for code in range(33, 127)] + ["Ġ"]
    return list(dict.fromkeys([START, END, *letters, *("".join(pair) for pair in merges())]))


def merges() -> list[tuple[str, str]]:
    """Pairs by which letters become those words, each from the left."""
    found: dict[tuple[str, str], None] = {}
    for word in [f"Ġ{word}" for word in WORDS]:
        for cut in range(1, len(word)):
            found[word[:cut], word[cut]] = None
    return list(found)


def write_tokenizer(folder: Path, *, has_start: bool = True) -> int:
    """Writes a byte-level BPE tokenizer; returns how many tokens it has."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    made: Any = Tokenizer(models.BPE({name: number for number, name in enumerate(_names())}, merges()))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens([AddedToken(START, special=True), AddedToken(END, special=True)])
    made.save(str(folder / "tokenizer.json"))
    signs = {"eos_token": END, "pad_token": END} | ({"bos_token": START} if has_start else {})
    told = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": CONTEXT, **signs}
    (folder / "tokenizer_config.json").write_text(json.dumps(told), encoding="utf-8")
    return int(made.get_vocab_size())


def gguf_file(path: Path, *, kind: str = "llama", seed: int = 0) -> Path:
    """Writes a GGUF file of a small Llama in 32 bits, or of whatever `kind` says that it is; needs gguf."""
    import gguf
    import numpy as np

    from autophagy.core.seeds import Seed

    names, width, rng = _names(), 32, Seed(("gguf", seed)).numpy()
    file: Any = gguf.GGUFWriter(path, kind)
    file.add_context_length(CONTEXT)
    file.add_embedding_length(width)
    file.add_block_count(2)
    file.add_feed_forward_length(64)
    file.add_head_count(4)
    file.add_head_count_kv(4)
    file.add_layer_norm_rms_eps(1e-5)
    file.add_rope_freq_base(10000.0)
    file.add_rope_dimension_count(width // 4)
    file.add_vocab_size(len(names))
    file.add_tokenizer_model("gpt2")
    file.add_token_list(names)
    file.add_token_types([gguf.TokenType.CONTROL if name in (START, END) else gguf.TokenType.NORMAL for name in names])
    file.add_token_merges([" ".join(pair) for pair in merges()])
    file.add_bos_token_id(0)
    file.add_eos_token_id(1)
    file.add_unk_token_id(1)  # or the library adds a token that the network does not know
    shapes = {
        "attn_q": (width, width),
        "attn_k": (width, width),
        "attn_v": (width, width),
        "attn_output": (width, width),
    }
    shapes |= {"ffn_gate": (64, width), "ffn_up": (64, width), "ffn_down": (width, 64)}
    weights = {"token_embd": (len(names), width)}
    weights |= {f"blk.{block}.{name}": shape for block in range(2) for name, shape in shapes.items()}
    for name, shape in weights.items():
        file.add_tensor(f"{name}.weight", 0.15 * rng.standard_normal(shape, np.float32))
    for name in ("output_norm", *(f"blk.{block}.{norm}" for block in range(2) for norm in ("attn_norm", "ffn_norm"))):
        file.add_tensor(f"{name}.weight", np.ones(width, np.float32))
    file.write_header_to_file()
    file.write_kv_data_to_file()
    file.write_tensors_to_file()
    file.close()
    return path
