"""A fitted n-gram model: draws all texts of a batch side by side, one unit of each at a time."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from autophagy.core.errors import DataError
from autophagy.core.parts import Begin, LanguageModel
from autophagy.core.seeds import Seed
from autophagy.text.units import Rows, Unit, numbered, written

from ._n_gram_choice import Chooser, Dense, Plain, Sharpened
from ._n_gram_counts import Signs, Table, laid_out, located, relative, tails
from ._n_gram_mixing import Smoothing

COUNTS, VOCABULARY = "n-gram.safetensors", "vocabulary.json"
STEPS = 64  # units of every text whose random numbers are made together; another number changes every draw


@dataclass(frozen=True, eq=False)
class FittedNGram(LanguageModel):
    """Attributes:
    types: `(v,)` the vocabulary, rising: strings, or int64 tokens.
    tables: counts after contexts of 0, 1, … order − 1 units.
    longest: units of a text if there is no sign of the end, else at most so many.
    """

    types: np.ndarray
    tables: tuple[Table, ...]
    signs: Signs
    smoothing: Smoothing
    unit: Unit
    longest: int

    def sample(
        self, n: int, *, condition: np.ndarray | None, bias: float, seed: Seed, begin: Begin | None = None
    ) -> np.ndarray:
        """Returns `(n,)` strings, or `(n, longest)` int32 tokens: without the prompt, which they go on from."""
        history = tails(self._numbered(condition, n), len(self.tables) - 1, self.signs, n)
        drawn = self._drawn(history, self._chooser(bias), seed)  # (n, steps)
        if self.is_tokens:
            return np.asarray(self.types[drawn], np.int32)
        lengths = np.where((ends := drawn == self.signs.end).any(1), ends.argmax(1), drawn.shape[1])
        return written([row[:length] for row, length in zip(drawn, lengths, strict=True)], self.types, self.unit)

    @property
    def is_tokens(self) -> bool:
        return self.types.dtype.kind != "U"

    def surprise(self, samples: np.ndarray, *, after: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Returns nats and numbers of units, both `(n,)`, the end among them where it is drawn.

        A text begins after the sign of the beginning, or after its prompt. Infinite nats for a unit that cannot come.
        """
        rows = numbered(samples, self.types, self.unit, unknown=self.signs.unknown)
        line, targets = laid_out(rows, self._numbered(after, len(samples)), len(self.tables), self.signs)
        history = line[targets[:, None] - np.arange(len(self.tables) - 1, 0, -1)]
        with np.errstate(divide="ignore"):
            nats = -np.log(self.probabilities(history, line[targets]))
        counts = rows.lengths + self.signs.has_end
        owner = np.repeat(np.arange(len(samples)), counts)
        return np.bincount(owner, nats, len(samples)), counts

    def probabilities(self, history: np.ndarray, units: np.ndarray) -> np.ndarray:
        """Returns `(n,)`: of units after rows of the order − 1 units before them, all as numbers."""
        known = located(self.tables, history, self.signs.width)
        shares = self.smoothing.shares(self.tables, known, self.signs.outcomes)
        found: np.ndarray = shares[:, 0] * self.signs.can_come(units) / self.signs.outcomes
        for m, table in enumerate(self.tables):
            found += shares[:, m + 1] * relative(table, known[:, m], units, self.signs.width)
        return found

    def save(self, folder: Path) -> None:
        found: dict[str, np.ndarray] = {}
        for m, table in enumerate(self.tables):
            keys = table.keys(self.signs.width)
            found |= {f"contexts_{m}": table.contexts, f"keys_{m}": keys, f"counts_{m}": table.counts}
        save_file(found, folder / COUNTS)
        about = {"is_tokens": self.is_tokens, "longest": self.longest, "has_end": self.signs.has_end}
        (folder / VOCABULARY).write_text(json.dumps({**about, "types": self.types.tolist()}), encoding="utf-8")

    def _numbered(self, condition: np.ndarray | None, n: int) -> Rows:
        if condition is None:
            return nothing(n)
        return numbered(alike(condition, 1 + self.is_tokens), self.types, self.unit, unknown=self.signs.unknown)

    def _chooser(self, bias: float) -> Chooser:
        if bias == 1:
            return Plain(self.tables, self.signs, self.smoothing)
        if self.smoothing.kind == "none":
            return Sharpened(self.tables, self.signs, self.smoothing, bias)
        return Dense(self.tables, self.signs, self.smoothing, bias)

    def _drawn(self, history: np.ndarray, chooser: Chooser, seed: Seed) -> np.ndarray:
        """`(n, steps)` units; after an end there are ends only. A text's random numbers depend on its row alone."""
        n, ahead = history.shape
        line = np.concatenate([history, np.full((n, self.longest), self.signs.end)], 1)
        alive = np.arange(n)
        for step in range(self.longest):
            if step % STEPS == 0:
                chances = seed.child("units", step // STEPS).numpy().random((n, STEPS))
            before = line[alive, step : step + ahead]
            known = located(self.tables, before, self.signs.width)
            line[alive, step + ahead] = chosen = chooser.choose(known, chances[alive, step % STEPS])
            alive = alive[chosen != self.signs.end]
            if not len(alive):
                return line[:, ahead : ahead + step + 1]
        return line[:, ahead:]


def nothing(n: int) -> Rows:
    """n texts without a unit."""
    return Rows(np.zeros(0, np.int64), np.zeros(n, np.int64))


def alike(condition: np.ndarray, dimensions: int) -> np.ndarray:
    """The prompts, if they are of the kind that samples of so many dimensions are. Raises DataError otherwise."""
    if condition.ndim != dimensions or (dimensions == 1) != (condition.dtype.kind == "U"):
        raise DataError(
            f"model 'n-gram' reads prompts as it reads texts, but got {condition.dtype} prompts of shape "
            f"{condition.shape} for {'rows of tokens' if dimensions == 2 else 'strings'}; leave prompts out."
        )
    return condition
