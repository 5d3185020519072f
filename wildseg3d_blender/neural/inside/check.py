# SPDX-License-Identifier: GPL-3.0-or-later
"""Proves a neural environment: imports what the engines need and runs each network once, tiny, untrained.

    python -m wildseg3d_blender.neural.inside.check

Its last line is a JSON object {"versions", "device", "dust3r", "speeds", "seconds"} with exit code 0, or the
reason in one line with exit code 1. DUSt3R's code may be absent: it is for non-commercial use and comes on
request. "speeds" says for each device how fast the networks run (see ``measured_speed`` of either).
"""

from __future__ import annotations

import importlib
import json
import sys
import time
import warnings
from collections.abc import Callable
from importlib import metadata, util

NEEDED = ("cv2", "numpy", "PIL", "pycolmap", "maxflow", "safetensors", "huggingface_hub", "torch", "sam2")
"""The default engines' libraries are among them: one worker runs both sets."""

NAMED = ("torch", "numpy", "sam2", "mini-dust3r", "opencv-python-headless", "huggingface-hub")


def main() -> int:
    """Check, print, and return the exit code."""
    started = time.perf_counter()
    warnings.simplefilter("ignore")
    try:
        for name in NEEDED:
            importlib.import_module(name)
        device = _run_sam2()
        dust3r = util.find_spec("mini_dust3r") is not None
        if dust3r:
            _run_dust3r(device)
        speeds = _speeds({"cpu", device}, dust3r)
    except Exception as error:  # noqa: BLE001 - whatever it is, it goes to the user as the reason
        print(f"{type(error).__name__}: {error}".replace("\n", " "))
        return 1
    versions = {name: metadata.version(name) for name in NAMED if name != "mini-dust3r" or dust3r}
    seconds = round(time.perf_counter() - started, 1)
    said = {"versions": versions, "device": _device_name(device), "dust3r": dust3r}
    print(json.dumps({**said, "speeds": speeds, "seconds": seconds}))
    return 0


def _best_device() -> str:
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _device_name(device: str) -> str:
    import torch

    if device == "cuda":
        return torch.cuda.get_device_name()
    return {"mps": "Apple GPU", "cpu": "CPU"}[device]


def _run_sam2() -> str:
    """One image through SAM 2.1 tiny at 256 px; returns the device it ran on."""
    import torch
    from sam2.build_sam import build_sam2

    device = _best_device()
    size = ["++model.image_size=256"]
    model = build_sam2("configs/sam2.1/sam2.1_hiera_t.yaml", None, device, hydra_overrides_extra=size)
    with torch.inference_mode():
        features = model.forward_image(torch.zeros(1, 3, 256, 256, device=device))
    _check_finite("SAM 2", features["vision_features"])
    return device


def _run_dust3r(device: str) -> None:
    """One pair through a DUSt3R of two blocks."""
    import torch
    from mini_dust3r.model import AsymmetricCroCo3DStereo

    infinite = float("inf")
    model = AsymmetricCroCo3DStereo(
        pos_embed="RoPE100",
        img_size=(64, 48),
        head_type="linear",
        output_mode="pts3d",
        depth_mode=("exp", -infinite, infinite),
        conf_mode=("exp", 1, infinite),
        patch_embed_cls="PatchEmbedDust3R",
        enc_embed_dim=48,
        enc_depth=1,
        enc_num_heads=4,
        dec_embed_dim=48,
        dec_depth=2,
        dec_num_heads=4,
    ).to(device)
    view = {
        "img": torch.zeros(1, 3, 48, 64, device=device),
        "true_shape": torch.tensor([[48, 64]]),
        "instance": ["0"],
    }
    with torch.inference_mode():
        first, second = model(view, {**view, "instance": ["1"]})
    _check_finite("DUSt3R", first["pts3d"])
    _check_finite("DUSt3R", second["pts3d_in_other_view"])


def _speeds(devices: set[str], dust3r: bool) -> dict[str, dict[str, float]]:
    """How fast each device runs the networks at their true size; without those that it cannot."""
    import torch

    from ...pipeline.networks import torch_runtime
    from ...pipeline.segmentation.sam2 import speed as sam2_speed

    measures: list[Callable[[torch.device], dict[str, float]]] = [sam2_speed.measured_speed]
    if dust3r:
        from ...pipeline.engines.dust3r import speed as dust3r_speed

        measures.append(dust3r_speed.measured_speed)
    speeds: dict[str, dict[str, float]] = {name: {} for name in sorted(devices)}
    for name in speeds:
        for measured in measures:
            try:
                speeds[name] |= measured(torch.device(name))
            except Exception as error:
                if not torch_runtime.is_out_of_memory(error):
                    raise
                # It may still run smaller images; how fast is not known then.
    return speeds


def _check_finite(name: str, values: object) -> None:
    import torch

    assert isinstance(values, torch.Tensor)
    if not torch.isfinite(values).all():
        raise ArithmeticError(f"{name} computes values that are not finite on this device")


if __name__ == "__main__":
    sys.exit(main())
