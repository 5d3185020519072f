# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m wildseg3d_blender``; see ``cli``."""

from __future__ import annotations

import os
import sys

if __name__ == "__main__":
    # Read when numpy is loaded: two BLAS threads on small matrices are slower than one.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from .cli import main

    sys.exit(main())
