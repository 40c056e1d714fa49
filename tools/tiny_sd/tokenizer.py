"""CLIP's tokenizer with a small vocabulary: every word of a caption is one token, all else falls into pieces."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tokenizers.pre_tokenizers import ByteLevel
from transformers import CLIPTokenizer

from .data import WORDS

LENGTH = 16  # tokens of a caption, with its beginning and end
START, END = "<|startoftext|>", "<|endoftext|>"


def write(folder: Path) -> CLIPTokenizer:
    """Writes vocab.json, merges.txt and their settings; returns the tokenizer."""
    folder.mkdir(parents=True, exist_ok=True)
    letters = sorted(ByteLevel.alphabet())
    merges = _merges([part for word in WORDS for part in word.split("-")])
    tokens = [*letters, *(letter + "</w>" for letter in letters), *("".join(pair) for pair in merges), START, END]
    vocabulary = {token: number for number, token in enumerate(dict.fromkeys(tokens))}
    (folder / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False), encoding="utf-8")
    text = ["#version: 0.2", *(" ".join(pair) for pair in merges)]
    (folder / "merges.txt").write_text("\n".join(text) + "\n", encoding="utf-8")
    lines: Any = merges  # pairs, whatever the library's types say
    made = CLIPTokenizer(
        vocab=vocabulary,
        merges=lines,
        model_max_length=LENGTH,
        bos_token=START,
        eos_token=END,
        unk_token=END,
        pad_token=END,
    )
    made.save_pretrained(folder)
    return made


def _merges(words: list[str]) -> list[tuple[str, str]]:
    """Pairs in the order in which they are joined, so that each word ends as one piece."""
    found: list[tuple[str, str]] = []
    for word in words:
        pieces = _joined([*word[:-1], word[-1] + "</w>"], found)
        while len(pieces) > 1:
            found.append((pieces[0], pieces[1]))
            pieces = [pieces[0] + pieces[1], *pieces[2:]]
    return found


def _joined(pieces: list[str], merges: list[tuple[str, str]]) -> list[str]:
    """Pieces after all merges, the earliest first, as byte-pair encoding does it."""
    for first, second in merges:
        i = 0
        while i + 1 < len(pieces):
            if (pieces[i], pieces[i + 1]) == (first, second):
                pieces = [*pieces[:i], first + second, *pieces[i + 2 :]]
            i += 1
    return pieces
