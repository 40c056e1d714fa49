"""Tokenizers by what they do: two files that cut texts alike have one digest."""

from __future__ import annotations

import hashlib
import json

SET_ASIDE = ("version", "truncation", "padding", "post_processor")  # how long rows are, and which signs go around them


def digest_of_tokenizer(described: str) -> str:
    """32 hex digits of a tokenizer, given as the JSON in its tokenizer.json or from `Tokenizer.to_str()`."""
    table = json.loads(described)
    kept = {name: value for name, value in table.items() if name not in SET_ASIDE}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()[:32]
