# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetches one file by huggingface_hub's downloader, going on where an earlier try stopped.

    python -m wildseg3d_blender.neural.inside.fetch URL PARTIAL BYTES

``hf_hub_download`` starts again from nothing when its process was killed, so this calls the function below
it, which adds to a partial file: with its retries, proxies, and certificates, but a file of our own.
Exit code 1 with the reason as the last line when it did not work. Checking the content is the caller's part.
It ends when its input does: whoever asked is gone then, and the next who asks adds to the same partial file.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path


def main(url: str, partial: Path, size: int) -> int:
    """Add to ``partial`` what it lacks of ``size`` bytes."""
    threading.Thread(target=_end_with_input, daemon=True).start()
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers, disable_progress_bars

    disable_progress_bars()
    headers = build_hf_headers(token=False)  # the models are public: nobody's token leaves the machine
    with partial.open("ab") as file:
        if file.tell() > size:
            file.truncate(0)
        try:
            http_get(url, file, resume_size=file.tell(), expected_size=size, headers=headers)
        except Exception as error:  # noqa: BLE001 - whatever it is, it goes to the user as the reason
            print(f"{type(error).__name__}: {error}".replace("\n", " "))
            return 1
    return 0


def _end_with_input() -> None:
    os.read(0, 1)  # not sys.stdin, whose lock an ordinary end would wait for
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])))
