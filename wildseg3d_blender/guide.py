# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the guide is: a page in the built extension, the document that it is made of in a checkout."""

from __future__ import annotations

from pathlib import Path

DOCS = Path(__file__).absolute().parents[1] / "docs"


def guide() -> Path:
    """The file to show."""
    page = DOCS / "guide.html"
    return page if page.is_file() else DOCS / "guide.md"
