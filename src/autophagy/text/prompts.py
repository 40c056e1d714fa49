"""Prompts, and the texts that go on from them."""

from __future__ import annotations

import numpy as np


def standing_before(prompts: np.ndarray, texts: np.ndarray) -> np.ndarray:
    """What each text follows: nothing before one that holds its prompt itself. Rows of tokens never hold theirs."""
    if texts.dtype.kind != "U":
        return prompts
    return np.where(np.strings.startswith(texts, prompts), "", prompts)
