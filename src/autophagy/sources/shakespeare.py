"""Shakespeare's works, inside the package."""

from __future__ import annotations

import hashlib
import lzma
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from autophagy.core.catalog import register
from autophagy.core.errors import DataError
from autophagy.sources._texts import Corpus, TextSource, TokenRows
from autophagy.text.documents import Document

FILE, PAGE = "works.txt.xz", "\f"
CHECKSUM = "014729bea37ceaa63371448da0f5697edefb724a07b0a3a115f3bfb86a97ffed"  # sha256 of the works, unpacked
HELDOUT = (  # the works whose title's sha256, as a number in [0, 1), is below 0.2
    "ALL'S WELL THAT ENDS WELL",
    "THE TRAGEDY OF CORIOLANUS",
    "THE LIFE OF KING HENRY V",
    "THE TRAGEDY OF KING LEAR",
    "A LOVER'S COMPLAINT",
    "THE RAPE OF LUCRECE",
    "THE SONNETS",
    "THE TAMING OF THE SHREW",
    "THE LIFE OF TIMON OF ATHENS",
    "THE TWO GENTLEMEN OF VERONA",
)


@register("shakespeare")
@dataclass(frozen=True)
class Shakespeare(TextSource):
    """37 plays and 5 poems in modern spelling, 905,000 words; public domain.

    The edition appears to be the Globe's of 1866. A document is one work. Held out are ten whole works, 203,000 words,
    always the same: All's Well That Ends Well, Coriolanus, Henry V, King Lear, A Lover's Complaint, Lucrece, the
    Sonnets, The Taming of the Shrew, Timon of Athens and The Two Gentlemen of Verona. Cymbeline lacks acts III and IV,
    and Venus and Adonis is not there.
    """

    def corpus(self) -> Corpus:
        return _works()

    def place(self) -> str:
        return "the works of Shakespeare"


class ShakespeareRows(TokenRows, Shakespeare):
    """The same as rows of tokens."""


@lru_cache(maxsize=1)
def _works() -> Corpus:
    packed = (files("autophagy") / "data" / "shakespeare" / FILE).read_bytes()
    try:
        content = lzma.decompress(packed)
    except lzma.LZMAError:
        content = b""
    if hashlib.sha256(content).hexdigest() != CHECKSUM:
        raise DataError(f"'{FILE}' inside the package is not Shakespeare any more; install autophagy again.")
    works = [Document(text.partition("\n")[0], text) for text in content.decode().split(PAGE)]
    return Corpus(
        {
            "train": tuple(work for work in works if work.name not in HELDOUT),
            "heldout": tuple(work for work in works if work.name in HELDOUT),
        },
        CHECKSUM[:32],
    )
