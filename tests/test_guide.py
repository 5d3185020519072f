# SPDX-License-Identifier: GPL-3.0-or-later
"""The guide becomes a page: nothing of it is lost, and what it shows is there."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser

import pytest

from wildseg3d_blender.guide import GUIDE, to_html


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
        elif tag not in ("meta", "base"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def _page(markdown: str) -> _Page:
    page = _Page()
    page.feed(to_html(markdown, "file:///docs"))
    return page


def test_every_element_is_known() -> None:
    page = _page(
        "# Title\n\nA **bold** `code <b>` and a [link](https://example.org/a_b).\n\n"
        "- one\n- two\n  goes on\n\n1. first\n2. second\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n"
        "```python\nx = 1 < 2\n\ny = 3\n```\n\n![A picture](pictures/a.jpg)\n"
    )
    for tag, count in {"h1": 1, "strong": 1, "code": 1, "a": 1, "li": 4, "td": 4, "tr": 2, "pre": 1}.items():
        assert page.tags.count(tag) == count, tag
    assert page.pictures == ["pictures/a.jpg"]
    text = "".join(page.texts)
    assert "code <b>" in text and "x = 1 < 2\n\ny = 3" in text and "**" not in text


def test_the_guide_is_all_there() -> None:
    markdown = GUIDE.read_text("utf-8")
    page = _page(markdown)
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
    assert url.startswith("file://") and url.endswith("wildseg3d-guide.html")
