"""A small tokenizer."""

from __future__ import annotations

from pathlib import Path

import pytest

from autophagy.testing.small_tokenizer import tokenizer


@pytest.fixture(scope="session")
def letters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tokenizer of bytes and some merges."""
    return tokenizer(tmp_path_factory.mktemp("letters"))
