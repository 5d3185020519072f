# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m wildseg3d_blender``; see ``cli``."""

from __future__ import annotations

import os
import sys

if __name__ == "__main__":
    # Read when numpy is loaded: two BLAS threads on small matrices are slower than one.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        from .cli.main import main

        code = main()
    except ModuleNotFoundError as error:
        if error.name not in {"numpy", "PIL", "cv2", "pycolmap", "maxflow"}:
            raise
        print(
            f"This Python lacks the module {error.name}: in a checkout run make setup, then use "
            ".venv/bin/python in its place.",
            file=sys.stderr,
        )
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    # After a cancel a native call may still run for a moment; an ordinary exit would take the interpreter
    # away under it, which ends in a crash report after "Cancelled.".
    os._exit(code)
