# SPDX-License-Identifier: GPL-3.0-or-later
"""Our documents as pages that any browser shows, for the extension's zip."""

from __future__ import annotations

import html
import re
from pathlib import Path

from markdown_it import MarkdownIt

_STYLE = (
    "body{max-width:46em;margin:2em auto;padding:0 1em;font:16px/1.5 sans-serif;color:#222;background:#fff}"
    "img{max-width:100%}code,pre{background:#eee;padding:.1em .3em}pre{padding:1em;overflow:auto}"
    "td,th{border:1px solid #ccc;padding:.2em .6em;text-align:left}table{border-collapse:collapse}"
)


def page(document: Path) -> str:
    """A Markdown file as HTML; links from one of our documents to another lead to its page."""
    text = document.read_text(encoding="utf-8")
    body = MarkdownIt("commonmark", {"xhtmlOut": False}).enable("table").render(text)
    body = re.sub(r'href="([\w-]+)\.md"', r'href="\1.html"', body)
    title = next((line[2:] for line in text.splitlines() if line.startswith("# ")), document.stem)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f"<style>{_STYLE}</style><body>\n{body}</body></html>\n"
    )
