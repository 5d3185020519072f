# SPDX-License-Identifier: GPL-3.0-or-later
"""SAM 2's own tiny network on images of 128 pixels, with seeded random weights."""

from __future__ import annotations

from typing import Any

import torch
from sam2.build_sam import build_sam2, build_sam2_video_predictor
from sam2.modeling.sam2_base import SAM2Base

from wildseg3d_blender.pipeline.segmentation.sam2.network import CONFIGS, Sam2Network

SIDE = 128
CONFIG = CONFIGS["sam2.1-tiny"]
OVERRIDES = [f"++model.image_size={SIDE}"]


def tiny_model() -> SAM2Base:
    """The class with random weights, the same every time."""
    torch.manual_seed(0)
    model = build_sam2(
        CONFIG, None, device="cpu", hydra_overrides_extra=OVERRIDES, apply_postprocessing=False
    )
    return always_seeing(model)


def tiny_video_predictor() -> Any:
    """The official predictor with the same weights."""
    predictor = build_sam2_video_predictor(
        CONFIG, None, device="cpu", hydra_overrides_extra=OVERRIDES, apply_postprocessing=False
    )
    predictor.load_state_dict(tiny_model().state_dict())
    return predictor


def always_seeing(model: SAM2Base) -> SAM2Base:
    """With random weights it may find no object anywhere, and there would be no masks to compare."""
    with torch.no_grad():
        model.sam_mask_decoder.pred_obj_score_head.layers[-1].bias += 100.0
    return model


def tiny_network(kept: torch.dtype = torch.float16) -> Sam2Network:
    """Ours around it, on the CPU."""
    return Sam2Network(tiny_model(), torch.device("cpu"), kept=kept)
