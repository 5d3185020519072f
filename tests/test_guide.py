# SPDX-License-Identifier: GPL-3.0-or-later
"""The guide becomes a page: nothing of it is lost, and what it shows is there."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from docs_pages import page as page_of

DOCS = Path(__file__).absolute().parents[1] / "docs"
GUIDE = DOCS / "guide.md"


class _Page(HTMLParser):
    """Collects texts and pictures, and checks that elements are closed."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.pictures: list[str] = []
        self.tags: list[str] = []
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "img":
            self.pictures.append(dict(attributes)["src"] or "")
        elif tag != "meta":
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def _page(document: Path) -> _Page:
    page = _Page()
    page.feed(page_of(document))
    return page


def test_links_lead_to_pages() -> None:
    page = page_of(GUIDE)
    assert 'href="scripting.html"' in page and '.md"' not in page and "<table>" in page


def test_the_guide_is_all_there() -> None:
    markdown = GUIDE.read_text("utf-8")
    page = _page(GUIDE)
    words = re.findall(r"\w{4,}", re.sub(r"\]\([^)]*\)|!\[[^\]]*", "", markdown))
    text = html.unescape(" ".join(page.texts))
    assert len(words) > 300 and all(word in text for word in words)
    if (GUIDE.parent / "pictures").is_dir():  # `make docs-pictures` makes them
        for picture in page.pictures:
            assert (GUIDE.parent / picture).is_file(), picture


def test_the_operator_shows_the_page(blender: object, monkeypatch: pytest.MonkeyPatch) -> None:
    import webbrowser

    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda url, *rest, **more: opened.append(url) or True)
    assert blender.ops.wildseg3d.guide() == {"FINISHED"}  # type: ignore[attr-defined]
    (url,) = opened
    assert url.startswith("file://") and url.endswith("/docs/guide.md")
