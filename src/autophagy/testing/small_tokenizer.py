"""A small tokenizer in the layout of the published ones, for trying parts on."""

from __future__ import annotations

from pathlib import Path

WORDS = "the sea and the king and the night"
END = "<|endoftext|>"


def tokenizer(folder: Path, *, words: str = WORDS, size: int = 300) -> Path:
    """Writes a byte pair encoding of at most `size` tokens that knows these words; returns the folder.

    Every text falls into tokens and comes back letter for letter. Needs transformers.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    letters = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=[END], initial_alphabet=letters, show_progress=False)
    made.train_from_iterator([words] * 3, trainer)
    PreTrainedTokenizerFast(tokenizer_object=made, eos_token=END).save_pretrained(folder)
    return folder
