# SPDX-License-Identifier: GPL-3.0-or-later
"""The guide as a page that any browser shows: ``docs/guide.md`` comes along with the extension."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path

GUIDE = Path(__file__).absolute().parents[1] / "docs" / "guide.md"

_STYLE = (
    "body{max-width:46em;margin:2em auto;padding:0 1em;font:16px/1.5 sans-serif;color:#222;background:#fff}"
    "img{max-width:100%}code,pre{background:#eee;padding:.1em .3em}pre{padding:1em;overflow:auto}"
    "td,th{border:1px solid #ccc;padding:.2em .6em;text-align:left}table{border-collapse:collapse}"
)

_INLINE = (
    (re.compile(r"!\[([^\]]*)\]\(([^)]+)\)"), r'<img alt="\1" src="\2">'),
    (re.compile(r"\[([^\]]+)\]\(([^)]+)\)"), r'<a href="\2">\1</a>'),
    (re.compile(r"`([^`]+)`"), r"<code>\1</code>"),
    (re.compile(r"\*\*([^*]+)\*\*"), r"<strong>\1</strong>"),
    (re.compile(r"\*([^*]+)\*"), r"<em>\1</em>"),
)


def to_html(markdown: str, base: str) -> str:
    """A page of what our own documents use of Markdown: headings, lists, tables, code, pictures, links.

    Args:
        base: URI of the folder that links and pictures are relative to.
    """
    body = "\n".join(_blocks(markdown))
    title = next((line[2:] for line in markdown.splitlines() if line.startswith("# ")), "")
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f'<base href="{html.escape(base)}/"><style>{_STYLE}</style><body>\n{body}\n</body></html>\n'
    )


def _blocks(markdown: str) -> Iterator[str]:
    """One element for each block; blocks end at empty lines, code at its fence."""
    for number, part in enumerate(re.split(r"^```.*$", markdown, flags=re.MULTILINE)):
        if number % 2:
            yield f"<pre>{html.escape(part.strip())}</pre>"
            continue
        for block in re.split(r"\n\s*\n", part):
            if block.strip():
                yield _block(block.strip().splitlines())


def _block(lines: list[str]) -> str:
    if heading := re.match(r"(#{1,4}) (.*)", lines[0]):
        level = len(heading[1])
        rest = _block(lines[1:]) if lines[1:] else ""
        return f"<h{level}>{_inline(heading[2])}</h{level}>{rest}"
    if lines[0].startswith("|"):
        return f"<table>{''.join(_row(line) for line in lines if not re.fullmatch(r'[|: -]+', line))}</table>"
    for marker, tag in ((r"[-*] ", "ul"), (r"\d+\. ", "ol")):
        if re.match(marker, lines[0]):
            items = re.split(rf"^{marker}", "\n".join(lines), flags=re.MULTILINE)[1:]
            return f"<{tag}>{''.join(f'<li>{_inline(item)}</li>' for item in items)}</{tag}>"
    return f"<p>{_inline(' '.join(lines))}</p>"


def _row(line: str) -> str:
    return f"<tr>{''.join(f'<td>{_inline(cell.strip())}</td>' for cell in line.strip('|').split('|'))}</tr>"


def _inline(text: str) -> str:
    text = html.escape(text.strip(), quote=False)
    for pattern, replacement in _INLINE:
        text = pattern.sub(replacement, text)
    return text
