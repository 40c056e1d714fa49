"""Prompts, and the texts that go on from them."""

from __future__ import annotations

import numpy as np

from autophagy.core.pool import REAL_DATA, Pool


def standing_before(pool: Pool) -> np.ndarray | None:
    """What each text `(n,)` of a pool follows: nothing before one that holds its prompt. None where there are none.

    Rows of tokens never hold theirs. Of what models drew, all texts of one origin do or none does: a model that only
    now and then repeats its prompt does not hold it. Nor do real texts of which most do not begin with it: some rests
    happen to begin with their prompt's letters.
    """
    if pool.condition is None or pool.samples.dtype.kind != "U":
        return pool.condition
    begins = np.strings.startswith(pool.samples, pool.condition)
    n = len(pool.origins)
    share = np.bincount(pool.origin, begins, n) / np.maximum(1, np.bincount(pool.origin, minlength=n))  # (origins,)
    needed = np.where(pool.generation == REAL_DATA, 0.5, 1.0)
    return np.where(begins & (share[pool.origin] >= needed), "", pool.condition)


def without_prompts(pool: Pool) -> Pool:
    """The same with what follows the prompts alone, where its texts hold them."""
    before = standing_before(pool)
    if before is None or pool.condition is None or pool.samples.dtype.kind != "U":
        return pool
    rest, _ = parted(pool.samples, pool.condition)
    return pool.edited(np.where(before == "", rest, pool.samples))


def parted(texts: np.ndarray, prompts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Texts that hold their prompts in two: what comes after, and these. One that does not is left whole after none."""
    holds = np.strings.startswith(texts, prompts)
    rest = np.array([text[len(prompt) :] for text, prompt in zip(texts.tolist(), prompts.tolist(), strict=True)])
    return np.where(holds, rest, texts), np.where(holds, prompts, "")
