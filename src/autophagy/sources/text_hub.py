"""Any text data set that Hugging Face's `datasets` can load, from the hub or from a folder."""

from __future__ import annotations

from dataclasses import dataclass, field

from autophagy.core.catalog import register
from autophagy.core.identity import PLACE
from autophagy.sources._text_hub import HubTexts, Where
from autophagy.sources._texts import TokenRows


@register("text-hub")
@dataclass(frozen=True)
class TextHub(HubTexts):
    """Passages of a data set's column of texts, a document a row. Needs the extra "hub".

    Attributes:
        path: an id such as "roneneldan/TinyStories", or a local folder.
        config: which configuration of the data set, where it has several.
        column: where the texts are.
        join: makes all rows of a split one document, with this between them; for data sets with a line in each row.
    """

    path: str = field(kw_only=False, metadata={PLACE: True})
    config: str | None = None
    column: str = "text"
    join: str | None = None

    def where(self) -> Where:
        return self._where(self.path, self.config, self.column, self.join)


class TextHubRows(TokenRows, TextHub):
    """The same as rows of tokens."""
