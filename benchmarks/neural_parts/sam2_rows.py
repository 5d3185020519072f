# SPDX-License-Identifier: GPL-3.0-or-later
"""One run of SAM 2 on the sample's photos, ours or the official predictors one after the other; prints JSON.

    PYTHON -m benchmarks.neural_parts.sam2_rows ours --photos 3

The same three things either way: automatic masks of the middle photo, four of them tracked into the others,
a click answered in each photo. The official way is the plain one: the mask generator, then the video
predictor on a folder of JPEGs, then the image predictor, each encoding for itself. Random weights: time,
memory and counts only.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from sam2.build_sam import build_sam2, build_sam2_video_predictor

from benchmarks.alignment_parts.memory import PeakMemory
from benchmarks.neural_parts.dust3r_rows import peak_mb, some_photos
from tests.neural.official_torchvision import allow_torchvision
from wildseg3d_blender.pipeline.networks import torch_runtime
from wildseg3d_blender.pipeline.photos.reading import read_image
from wildseg3d_blender.pipeline.segmentation.sam2.automatic import Search, automatic_masks
from wildseg3d_blender.pipeline.segmentation.sam2.grids import onto_view, whole
from wildseg3d_blender.pipeline.segmentation.sam2.network import CONFIGS, Memory, Sam2Network
from wildseg3d_blender.progress import silent

TRACKED = 4
Images = list[NDArray[np.uint8]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run once."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("method", choices=["ours", "official"])
    parser.add_argument("--photos", type=int, default=3)
    parser.add_argument("--model", choices=list(CONFIGS), default="sam2.1-tiny")
    parser.add_argument("--side", type=int, default=256, help="of the network's input; published: 1024")
    parser.add_argument("--points", type=int, default=8, help="of the automatic search, along a side")
    parser.add_argument("--device", default="auto")
    options = parser.parse_args(arguments)
    device = torch_runtime.pick_device(options.device)
    images = [read_image(photo, longer_side=1024) for photo in some_photos(options.photos)]
    run = ours if options.method == "ours" else official
    memory = PeakMemory()
    seconds, encoded = run(images, options, device)
    facts = {
        "seconds": seconds,
        "total": sum(seconds.values()),
        "encodings": encoded,
        "memory_mb": peak_mb(memory, device),
        "device": str(device),
    }
    print(json.dumps(facts))
    return 0


def model_options(options: argparse.Namespace) -> dict[str, Any]:
    """What both ways build the network with."""
    return {
        "config_file": CONFIGS[options.model],
        "device": "cpu",
        "hydra_overrides_extra": [f"++model.image_size={options.side}"],
        "apply_postprocessing": False,
    }


class Encodings:
    """Counts how often a model's image encoder runs."""

    def __init__(self) -> None:
        self.count = 0

    def watch(self, model: torch.nn.Module) -> None:
        """Count this model's too."""
        model.image_encoder.register_forward_hook(self._ran)

    def _ran(self, module: torch.nn.Module, given: Any, said: Any) -> None:
        self.count += 1


class Stopwatch:
    """CPU seconds by step, or wall seconds where a GPU computes."""

    def __init__(self, device: torch.device) -> None:
        self.seconds: dict[str, float] = {}
        self._device = device
        self._last = self._now()

    def lap(self, step: str) -> None:
        """What passed since the last lap belongs to ``step``."""
        now = self._now()
        self.seconds[step] = now - self._last
        self._last = now

    def _now(self) -> float:
        if self._device.type == "cuda":
            torch.cuda.synchronize()
            return time.perf_counter()
        return time.process_time()


def ours(images: Images, options: argparse.Namespace, device: torch.device) -> tuple[dict[str, float], int]:
    """Every image encoded once, all steps from those features."""
    torch.manual_seed(0)
    network = Sam2Network(build_sam2(**model_options(options)), device)
    encodings = Encodings()
    encodings.watch(network.model)
    watch, key = Stopwatch(device), len(images) // 2
    features = [network.encode(image) for image in images]
    watch.lap("encoding")
    # Random masks are never good ones: all are kept, and the best four tracked.
    search = Search(points=options.points, quality=-1.0, stability=-1.0, same=1.1, smallest=-1.0)
    found = automatic_masks(network, features[key], search, silent)
    watch.lap("automatic masks")
    masks = np.stack([one.logits > 0 for one in found[:TRACKED]])
    memory, tracked = network.remember(features[key], masks), list[Memory]()
    for rank, view in enumerate((v for v in range(len(images)) if v != key), start=1):
        _, remembered = network.track(features[view], memory, tracked[::-1], rank, len(images))
        tracked.append(remembered)
    watch.lap("tracking")
    for image, encoded in zip(images, features, strict=True):
        said = network.decode(encoded, np.full((1, 1, 2), 0.4, np.float32), np.ones((1, 1)), several=True)
        size = image.shape[1], image.shape[0]
        onto_view(said.logits[0, int(said.quality.argmax())], whole(size), size)
    watch.lap("clicks")
    return watch.seconds, encodings.count


def official(
    images: Images, options: argparse.Namespace, device: torch.device
) -> tuple[dict[str, float], int]:
    """The generator, the video predictor and the image predictor, as their examples use them."""
    allow_torchvision()
    import sam2.automatic_mask_generator as automatic
    from sam2.sam2_image_predictor import SAM2ImagePredictor

    torch.manual_seed(0)
    model = build_sam2(**model_options(options)).to(device)
    video = build_sam2_video_predictor(**model_options(options)).to(device)
    video.load_state_dict(model.state_dict())
    encodings, key = Encodings(), len(images) // 2
    for net in (model, video):
        encodings.watch(net)
    levels = [(options.side // k,) * 2 for k in (4, 8, 16)]
    if torch.version.cuda is None:
        automatic.batched_nms = without_overlaps  # torchvision's own is missing beside a torch without CUDA
    generator = automatic.SAM2AutomaticMaskGenerator(
        model, points_per_side=options.points, pred_iou_thresh=-1.0, stability_score_thresh=-1.0
    )
    generator.predictor._bb_feat_sizes = levels
    watch = Stopwatch(device)
    found = generator.generate(images[key])
    watch.lap("automatic masks")
    with tempfile.TemporaryDirectory() as folder:
        for number, image in enumerate(images):
            Image.fromarray(image).save(Path(folder) / f"{number:05d}.jpg", quality=95)
        state = video.init_state(folder)
        for item in range(TRACKED):
            mask = found[item % len(found)]["segmentation"]
            video.add_new_mask(state, key, item, mask)
        for backwards in (False, True):
            for _ in video.propagate_in_video(state, start_frame_idx=key, reverse=backwards):
                pass
    watch.lap("tracking")
    predictor = SAM2ImagePredictor(model)
    predictor._bb_feat_sizes = levels
    for image in images:
        predictor.set_image(image)
        point = np.array([[0.4 * image.shape[1], 0.4 * image.shape[0]]])
        predictor.predict(point_coords=point, point_labels=np.ones(1))
    watch.lap("clicks")
    return watch.seconds, encodings.count


def without_overlaps(
    boxes: torch.Tensor, scores: torch.Tensor, groups: torch.Tensor, iou_threshold: float
) -> torch.Tensor:
    """Non-maximum suppression (torchvision's ``batched_nms`` for a single group)."""
    corner = torch.maximum(boxes[:, None, :2], boxes[None, :, :2])
    extent = (torch.minimum(boxes[:, None, 2:], boxes[None, :, 2:]) - corner).clamp(min=0).prod(-1)
    area = (boxes[:, 2:] - boxes[:, :2]).prod(-1)
    iou = extent / (area[:, None] + area[None, :] - extent).clamp(min=1e-9)
    kept: list[int] = []
    for k in scores.argsort(descending=True).tolist():
        if not kept or float(iou[k, kept].max()) <= iou_threshold:
            kept.append(k)
    return torch.tensor(kept, dtype=torch.int64)


if __name__ == "__main__":
    raise SystemExit(main())
