# SPDX-License-Identifier: GPL-3.0-or-later
"""The published sizes with random weights: parity with the official forward pass. Minutes on a CPU."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch
from mini_dust3r.model import AsymmetricCroCo3DStereo
from PIL import Image
from sam2.build_sam import build_sam2, build_sam2_video_predictor

from tests.neural.official_torchvision import allow_torchvision
from tests.neural.test_dust3r_network import close, official_view
from tests.neural.test_sam2_network import PARITY, TRACKING, off, official_tracks
from tests.neural.tiny_sam2 import always_seeing
from wildseg3d_blender.pipeline.engines.dust3r.network import CONFIGS as DUST3R_CONFIGS
from wildseg3d_blender.pipeline.engines.dust3r.network import Dust3rNetwork
from wildseg3d_blender.pipeline.networks import torch_runtime
from wildseg3d_blender.pipeline.segmentation.sam2.network import CONFIGS, Sam2Network

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", DUST3R_CONFIGS)
def test_a_pair_is_what_the_official_forward_pass_says(name: str) -> None:
    torch.manual_seed(0)
    net = AsymmetricCroCo3DStereo(**DUST3R_CONFIGS[name]).eval()
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


def test_sam2_answers_and_tracks_at_1024_pixels_as_officially(tmp_path: Path) -> None:
    if importlib.util.find_spec("torchvision") is None:
        pytest.skip("the official image predictor needs torchvision, which this environment does without")
    allow_torchvision()
    from sam2.sam2_image_predictor import SAM2ImagePredictor

    torch.manual_seed(0)
    build = {"device": "cpu", "apply_postprocessing": False}
    model = always_seeing(build_sam2(CONFIGS["sam2.1-tiny"], None, **build))
    network = Sam2Network(model, torch.device("cpu"), kept=torch.float32)
    assert (network.side, network.mask_side) == (1024, 256)
    rng = np.random.default_rng(2)
    blocks = [rng.integers(0, 256, (12, 16, 3), dtype=np.uint8) for _ in range(2)]
    images = [np.asarray(Image.fromarray(b).resize((1600, 1200), Image.Resampling.BICUBIC)) for b in blocks]
    features = [network.encode(image) for image in images]
    # 16.8 MB in float32, so half of that as they are kept for use.
    assert features[0].bytes == 4 * 256 * (64**2) + 4 * 64 * 128**2 + 4 * 32 * 256**2

    predictor = SAM2ImagePredictor(model)
    predictor.set_image(images[0])
    place = np.array([[700.0, 500.0]])
    _, quality, logits = predictor.predict(place, np.array([1]), multimask_output=True)
    shares = (place / (1600, 1200)).astype(np.float32)[None]
    ours = network.decode(features[0], shares, np.ones((1, 1), np.int32), several=True)
    assert ours.logits.shape == (1, 3, 256, 256)
    assert off(ours.logits[0], logits) <= PARITY and np.allclose(ours.quality[0], quality, atol=1e-4)

    masks = np.zeros((1, 1024, 1024), bool)
    masks[:, 200:700, 300:900] = True
    video = build_sam2_video_predictor(CONFIGS["sam2.1-tiny"], None, **build)
    video.load_state_dict(model.state_dict())
    (expected,) = official_tracks(images, masks, tmp_path, video)
    tracked, _ = network.track(features[1], network.remember(features[0], masks), [], 1, 2)
    assert off(tracked, expected) <= TRACKING
