"""The networks of reference packages."""

import importlib.util
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / "tools" / "reference_networks.py"


@pytest.fixture(scope="session")
def reference_networks():
    """The module `tools/reference_networks.py`."""
    spec = importlib.util.spec_from_file_location("reference_networks", TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
