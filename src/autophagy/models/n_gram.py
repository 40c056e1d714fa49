"""n-grams: the language model whose loop is drift that can be worked out on paper."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np

from autophagy.core.catalog import register
from autophagy.core.errors import ConfigError, Damaged, DataError, Diverged
from autophagy.core.known import Tokenised
from autophagy.core.parts import LinearFamily, Model, Sampler, Source
from autophagy.core.pool import Pool
from autophagy.core.seeds import Seed
from autophagy.core.settings import Count, Fraction, Positive, Range, shown
from autophagy.core.workspace import Workspace
from autophagy.text.prompts import standing_before
from autophagy.text.units import Rows, Unit, numbered, split, types_of

from ._inputs import arrays, checked
from ._n_gram_counts import Signs, Table, counted
from ._n_gram_mixing import Smoothing
from ._n_gram_sampler import COUNTS, VOCABULARY, FittedNGram, alike, nothing


@register("n-gram", version=3)  # 2, 3: one text that happens to begin with its prompt does not hold it
@dataclass(frozen=True)
class NGram(Model):
    """A unit's chances are those that it had after the order − 1 units before it (Shannon 1948).

    Texts are split at white space into words, or into characters, and words are written with single spaces between
    them; rows of tokens are taken as they are, and drawn as long as they were. A text goes on from its prompt where it
    has one, and else begins after a sign of the beginning, as a real text does that holds its prompt. A context that
    was never seen is shortened from its front until it was. λ is a temperature: units are drawn in proportion to
    p^(1/λ).

    Smoothing follows Chen and Goodman 1999. "add-k" adds k to every count (Lidstone 1920). "interpolated" mixes all
    shorter orders in, down to equal chances of the whole vocabulary: p_m = w_m f_m + (1 − w_m) p_(m−1), f_m the
    relative frequency after m − 1 units, with w_m from `weights` (Jelinek and Mercer 1980), or else of each context
    c / (c + t), c times seen and followed by t different units (Witten and Bell 1991).

    The vocabulary is the training set's, prompts included, with what `vocabulary` names, and with that of the sampler
    that a fit starts from: with smoothing and start = "founder" in the arm, words that were lost can come back.

    Attributes:
        order: 1 for unigrams, 2 for bigrams, …
        unit: "word" or "character"; of no meaning for rows of tokens.
        smoothing: "none", "add-k" or "interpolated".
        k: of add-k.
        weights: of interpolation, in 0–1, for orders 1, 2, … `order`; none for Witten and Bell's.
        length: units of a drawn text, and then there is no sign of the end; None to end a text where that is drawn.
        longest: units after which a text without `length` ends in any case.
        vocabulary: units that are known though never seen; for rows of tokens how many there are.
        unknown: whether smoothing knows one unit more, which stands for all others when texts are read and is not
            drawn; without it a text with a unit that is not in the vocabulary is infinitely surprising.
    """

    takes = ("text",)
    conditional = True
    captioned = True
    continues = True
    speaks = True
    order: Annotated[int, Range(1, 20)] = 2
    unit: Unit = "word"
    smoothing: Literal["none", "add-k", "interpolated"] = "none"
    k: Positive = 1.0
    weights: tuple[Fraction, ...] = ()
    length: Count | None = None
    longest: Count = 1000
    vocabulary: tuple[str, ...] | Count | None = None
    unknown: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.weights and (self.smoothing != "interpolated" or len(self.weights) != self.order):
            raise ConfigError(
                f'weights are for smoothing = "interpolated", one for each of the orders 1 to {self.order}, but there '
                f"are {len(self.weights)} with smoothing = {self.smoothing!r}."
            )
        if self.unknown and self.smoothing == "none":
            raise ConfigError('unknown = true needs smoothing to give unknown units a share; say "interpolated".')
        for one in self.vocabulary if isinstance(self.vocabulary, tuple) else ():
            if split(one, self.unit) != [one]:
                raise ConfigError(f"vocabulary must be of {self.unit}s, but holds {shown(one)}.")

    def objection(self, source: Source, model: Model) -> str | None:
        if not isinstance(source, Tokenised):
            if isinstance(self.vocabulary, int):
                return (
                    f"model 'n-gram': vocabulary = {self.vocabulary} counts tokens, but source '{source.name}' gives "
                    "texts; list the units."
                )
            return None
        if isinstance(self.vocabulary, tuple):
            return (
                f"model 'n-gram': vocabulary lists units of texts, but source '{source.name}' gives rows of tokens; "
                "say how many there are."
            )
        prompts = source.conditions("train")
        if prompts is not None and prompts.dtype.kind == "U":
            return (
                f"model 'n-gram' reads prompts in the units of its texts, but source '{source.name}' gives rows of "
                "tokens with prompts in words; say prompt = 0, or give texts as strings."
            )
        return None

    def fit(self, train: Pool, *, start: Sampler | None, seed: Seed, workspace: Workspace) -> Sampler:
        samples = checked(train, self.name)
        types = self._types(train, start)
        length = samples.shape[1] if self.length is None and samples.ndim == 2 else self.length
        signs = Signs(len(types), has_end=length is None, is_open=self.unknown)
        rows, before = numbered(samples, types, self.unit), self._prompts(train, types, signs)
        if not len(rows.ids) and not signs.has_end:
            raise Diverged(f"model 'n-gram' got {len(train)} texts without a single unit.")
        tables = counted(rows, before, self.order, signs)
        return FittedNGram(types, tables, signs, self.mixing, self.unit, length or self.longest)

    def load(self, folder: Path) -> Sampler:
        names = [f"{what}_{m}" for m in range(self.order) for what in ("contexts", "keys", "counts")]
        types, length, has_end = _vocabulary(folder / VOCABULARY)
        found, signs = arrays(folder / COUNTS, *names), Signs(len(types), has_end, self.unknown)
        threes = zip(found[0::3], found[1::3], found[2::3], strict=True)
        tables = tuple(Table.of(*three, width=signs.width) for three in threes)
        return FittedNGram(types, tables, signs, self.mixing, self.unit, length)

    @property
    def mixing(self) -> Smoothing:
        return Smoothing(self.smoothing, self.k, self.weights)

    def linear_family(self) -> LinearFamily | None:
        """Unigrams of texts of one length are Wright and Fisher's drift, with every word a draw: of 1 − Σp²."""
        if self.order > 1 or self.smoothing != "none" or self.length is None:
            return None
        return LinearFamily(takes_bias=False, points=self.length)

    def _types(self, train: Pool, start: Sampler | None) -> np.ndarray:
        """`(v,)` all units that are known, rising."""
        samples, found = train.samples, [types_of(train.samples, self.unit)]
        if train.condition is not None:
            found.append(types_of(alike(train.condition, samples.ndim), self.unit))
        if isinstance(self.vocabulary, tuple):
            found.append(np.array(self.vocabulary, np.str_))
        elif self.vocabulary is not None:
            found.append(np.arange(self.vocabulary))
        if isinstance(start, FittedNGram):
            found.append(start.types)
        if len({one.dtype.kind for one in found if len(one)}) > 1:
            raise DataError(
                f"model 'n-gram' got {samples.dtype} samples, but a vocabulary of the other kind; texts have a list "
                "of units, rows of tokens a number of them."
            )
        known = [one for one in found if len(one)]
        return np.unique(np.concatenate(known)) if len(known) > 1 else (known or found)[0]

    def _prompts(self, train: Pool, types: np.ndarray, signs: Signs) -> Rows:
        """What stands before each text."""
        prompts = standing_before(train)
        return nothing(len(train)) if prompts is None else numbered(prompts, types, self.unit, unknown=signs.unknown)


def _vocabulary(path: Path) -> tuple[np.ndarray, int, bool]:
    """The units, the longest text in units and whether there is a sign of the end, as a sampler saved them."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        types = np.array(found["types"], np.int64 if found["is_tokens"] else np.str_)
        return types, int(found["longest"]), bool(found["has_end"])
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise Damaged(f"{path.name} is not the vocabulary of an n-gram model: {problem}.") from None
