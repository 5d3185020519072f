# SPDX-License-Identifier: GPL-3.0-or-later
"""The published sizes with random weights: parity with the official forward pass. Minutes on a CPU."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from mini_dust3r.model import AsymmetricCroCo3DStereo

from tests.neural.test_dust3r_network import close, official_view
from wildseg3d_blender.pipeline import torch_runtime
from wildseg3d_blender.pipeline.engines.dust3r.network import CONFIGS, Dust3rNetwork

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", CONFIGS)
def test_a_pair_is_what_the_official_forward_pass_says(name: str) -> None:
    torch.manual_seed(0)
    net = AsymmetricCroCo3DStereo(**CONFIGS[name]).eval()
    shape = (224, 224) if "224" in name else (384, 512)
    rng = np.random.default_rng(0)
    first, second = (rng.integers(0, 256, (*shape, 3), dtype=np.uint8) for _ in range(2))
    device = torch_runtime.pick_device()
    network = Dust3rNetwork(net, device, identity="random")
    tokens = [network.encode([image])[0] for image in (first, second)]
    (ours,) = network.decode([(tokens[0], tokens[1])], shape[::-1], shape[::-1])
    views = [official_view(image, str(number)) for number, image in enumerate((first, second))]
    for view in views:
        view["img"] = view["img"].to(device)
    with torch.no_grad():
        said_i, said_j = net(*views)
    assert close(ours.points_i, said_i["pts3d"].cpu())
    assert close(ours.points_j, said_j["pts3d_in_other_view"].cpu())
    assert close(ours.confidence_i, said_i["conf"].cpu())
    assert close(ours.confidence_j, said_j["conf"].cpu())
