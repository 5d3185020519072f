# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m wildseg3d_blender``; see ``cli``."""

from __future__ import annotations

import os
import sys

if __name__ == "__main__":
    # Read when numpy is loaded: two BLAS threads on small matrices are slower than one.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from .cli.main import main

    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # After a cancel a native call may still run for a moment; an ordinary exit would take the interpreter
    # away under it, which ends in a crash report after "Cancelled.".
    os._exit(code)
