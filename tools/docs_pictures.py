# SPDX-License-Identifier: GPL-3.0-or-later
"""The guide's pictures, from the screenshots that the GUI test left in ``gui-test/``.

python tools/docs_pictures.py
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).absolute().parents[1]
WIDTH = 1100
QUALITY = 82


def main() -> int:
    """Renew every picture that the guide shows; the exit code is 1 when a screenshot is missing."""
    guide = (ROOT / "docs" / "guide.md").read_text(encoding="utf-8")
    wanted = re.findall(r"\(pictures/([\w-]+)\.jpg\)", guide)
    missing = []
    (ROOT / "docs" / "pictures").mkdir(exist_ok=True)
    for name in wanted:
        found = sorted((ROOT / "gui-test").glob(f"[0-9][0-9]-{name}.png"))
        if not found:
            missing.append(name)
            continue
        with Image.open(found[-1]) as screenshot:
            area = screenshot.convert("RGB").crop((0, 0, screenshot.width, round(0.9 * screenshot.height)))
        height = round(area.height * WIDTH / area.width)
        file = ROOT / "docs" / "pictures" / f"{name}.jpg"
        area.resize((WIDTH, height), Image.Resampling.LANCZOS).save(file, quality=QUALITY, optimize=True)
    if missing:
        print(f"No screenshot of {', '.join(missing)}: run make test-gui first.", file=sys.stderr)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
