"""WikiText-2: articles of Wikipedia, the data of many published language models."""

from __future__ import annotations

from dataclasses import dataclass, field

from autophagy.core.catalog import register
from autophagy.core.identity import PLACE
from autophagy.sources._text_hub import HubTexts, Where
from autophagy.sources._texts import TokenRows

COLUMN, JOIN = "text", "\n\n"


@register("wikitext")
@dataclass(frozen=True)
class WikiText(HubTexts):
    """Passages of good and featured articles; Merity et al. 2016; CC BY-SA. Needs the extra "hub" and downloads 5 MB.

    Every row of the data set is a line, a heading or an empty line; all of a split are joined by two line ends to one
    document, as published perplexities have it, so headings and empty lines are part of the text. The test split is
    held out; say `heldout_split = "validation"` for the other.

    Attributes:
        path: the data set's id, or a local folder in its layout.
        config: "wikitext-2-raw-v1"; the raw ones keep rare words that the others replace by <unk>.
    """

    path: str = field(default="Salesforce/wikitext", metadata={PLACE: True})
    config: str = "wikitext-2-raw-v1"

    def where(self) -> Where:
        return self._where(self.path, self.config, COLUMN, JOIN)


class WikiTextRows(TokenRows, WikiText):
    """The same as rows of tokens."""
