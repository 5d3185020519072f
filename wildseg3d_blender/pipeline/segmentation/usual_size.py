# SPDX-License-Identifier: GPL-3.0-or-later
"""How large the things are that people point at: the one expectation that all rankings of guesses share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

USUAL_SIZE, SPREAD = 0.03, 1.1
"""Share of a photo that a thing usually covers, give or take a factor of e^spread.

Two whole things side by side have as good an outline as one of them and are rarely meant, so this lies
rather below than above what the things of the sample scenes cover (.01 to .09).
"""


def unusual_size(share: NDArray[np.floating] | np.floating | float) -> NDArray[np.float64]:
    """How much less likely than the usual one a size is, as a share of all pixels > 0: 0 or more, in nats."""
    return np.asarray(0.5 * (np.log(np.asarray(share, dtype=np.float64) / USUAL_SIZE) / SPREAD) ** 2)
