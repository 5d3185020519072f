# SPDX-License-Identifier: GPL-3.0-or-later
"""SAM 2's own network class: one encoding of an image serves clicks, automatic masks and tracking.

The official predictors each encode images for themselves; asked by its parts (image encoder, prompt encoder,
mask decoder, ``track_step``), the class needs one encoding for all three, no folder of frames, and tracks
many objects in one go. Imports torch and sam2; import it only where the network runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sam2.build_sam import build_sam2
from sam2.modeling.sam2_base import SAM2Base

from ....errors import NeuralError
from ...networks import torch_runtime as runtime

CONFIGS: Mapping[str, str] = {
    f"sam2.1-{size}": f"configs/sam2.1/sam2.1_hiera_{letter}.yaml"
    for size, letter in (("tiny", "t"), ("small", "s"), ("base-plus", "b+"), ("large", "l"))
}
"""The official configurations, by the name of their weights."""

MEAN, SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of the images that the network was trained on, per channel of values in [0, 1]."""

CLICK_OUT, CLICK_IN, BOX_LOW, BOX_HIGH = 0, 1, 2, 3
"""What a prompt point is."""

LIMIT = 32.0
"""Logits are cut off at this, as the official predictor does before it takes them as a prompt again."""

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Features:
    """An encoded image: the decoder's three feature maps, finest first, (1, C, h, w) each, on the CPU."""

    levels: tuple[torch.Tensor, ...]

    @property
    def bytes(self) -> int:
        """What they take in memory."""
        return sum(level.nelement() * level.element_size() for level in self.levels)


@dataclass(frozen=True)
class Decoded:
    """Masks for b sets of prompts, m for each.

    Attributes:
        logits: (b, m, h, w) float32 on the network's mask grid, which spans the image.
        quality: (b, m) float32, the IoU with the true mask that the network expects.
    """

    logits: Floats
    quality: Floats


class Sam2Network:
    """The official network on a device."""

    def __init__(
        self,
        model: SAM2Base,
        device: torch.device,
        *,
        dtype: torch.dtype | None = None,
        kept: torch.dtype = torch.float16,
    ) -> None:
        """Take ``model`` to ``device``.

        Args:
            dtype: compute in this half precision; None for float32.
            kept: how features are kept: 8 MB an image in float16.
        """
        self.model = model.to(device).eval().requires_grad_(False)
        self.device = device
        self.dtype = dtype
        self._kept = kept
        self._positions: list[torch.Tensor] = []
        self._memory_positions: list[torch.Tensor] = []

    @property
    def side(self) -> int:
        """Sides in pixels of the square that images are stretched to."""
        return int(self.model.image_size)

    @property
    def mask_side(self) -> int:
        """Sides of the mask grid."""
        return self.side // 4

    @torch.inference_mode()
    def encode(self, image: NDArray[np.uint8]) -> Features:
        """Features of an image (H, W, 3) uint8 RGB of any size."""
        pixels = torch.tensor(image, device=self.device).permute(2, 0, 1)[None]
        square = torch.nn.functional.interpolate(
            pixels.float() / 255.0, (self.side, self.side), mode="bilinear", antialias=True
        )
        mean, spread = (torch.tensor(v, device=self.device)[:, None, None] for v in (MEAN, SPREAD))
        with runtime.autocast(self.device, self.dtype):
            said = self.model.forward_image((square - mean) / spread)
        if not self._positions:
            # They depend on the size alone, which is always the same.
            self._positions = [_flat(where[:1]) for where in said["vision_pos_enc"]]
        return Features(tuple(level.to(self._kept).cpu() for level in said["backbone_fpn"]))

    @torch.inference_mode()
    def decode(
        self,
        features: Features,
        points: Floats,
        labels: NDArray[np.integer],
        *,
        masks: Floats | None = None,
        several: bool = False,
    ) -> Decoded:
        """Masks for b sets of prompts on one image.

        Args:
            points: (b, p, 2) as (x, y), in [0, 1] over the image; p may be 0 where there are ``masks``.
            labels: (b, p): ``CLICK_IN`` and so on. A box is two points and comes first.
            masks: (b, h, w) logits on the mask grid, earlier guesses.
            several: three masks for each set, of different extent, instead of one.
        """
        *fine, coarse = (level.to(self.device).float() for level in features.levels)
        if self.model.directly_add_no_mem_embed:
            coarse = coarse + self.model.no_mem_embed.view(1, -1, 1, 1)
        shown = None
        if points.shape[1]:
            where = torch.from_numpy(np.asarray(points, np.float32)).to(self.device) * self.side
            what = torch.from_numpy(np.asarray(labels, np.int32)).to(self.device)
            shown = (where, what)
        guess = None if masks is None else torch.from_numpy(masks[:, None]).float().to(self.device)
        with runtime.autocast(self.device, self.dtype):
            sparse, dense = self.model.sam_prompt_encoder(points=shown, boxes=None, masks=guess)
            logits, quality, _, _ = self.model.sam_mask_decoder(
                image_embeddings=coarse,
                image_pe=self.model.sam_prompt_encoder.get_dense_pe(),
                sparse_prompt_embeddings=sparse,
                dense_prompt_embeddings=dense,
                multimask_output=several,
                repeat_image=len(sparse) > 1,
                high_res_features=fine,
            )
        logits = logits.float().clamp(-LIMIT, LIMIT)
        return Decoded(logits.cpu().numpy(), quality.float().cpu().numpy())

    @torch.inference_mode()
    def remember(self, features: Features, masks: NDArray[np.bool_]) -> Memory:
        """What to look for in other images: b objects by their masks (b, H, W) in this one, any grid."""
        square = torch.nn.functional.interpolate(
            torch.from_numpy(masks[:, None]).to(self.device).float(),
            (self.side, self.side),
            mode="bilinear",
            antialias=True,
        )
        given = (square >= 0.5).float()
        nothing: dict[str, dict[int, Any]] = {"cond_frame_outputs": {}, "non_cond_frame_outputs": {}}
        return self._memory(self._step(features, len(masks), 0, 1, nothing, given))

    @torch.inference_mode()
    def track(
        self, features: Features, key: Memory, recent: Sequence[Memory], rank: int, count: int
    ) -> tuple[Floats, Memory]:
        """The b objects of ``key`` in another image.

        Args:
            key: from ``remember``.
            recent: memories of images tracked before, the most telling first; six are looked at closely.
            rank: how many images lie between the key's and this one, at least 1.
            count: images in all.

        Returns:
            Logits (b, h, w) on the mask grid; far below 0 everywhere where an object is not seen. And what
            to remember of this image.
        """
        memories = {
            "cond_frame_outputs": {0: key.said},
            # The class looks for the latest frames; here what overlaps most counts as latest.
            "non_cond_frame_outputs": {
                rank - 1 - k: memory.said for k, memory in enumerate(recent[: rank - 1])
            },
        }
        objects = len(key.said["obj_ptr"])
        said = self._step(features, objects, rank, count, memories, None)
        logits = said["pred_masks"][:, 0].float().clamp(-LIMIT, LIMIT)
        return logits.cpu().numpy(), self._memory(said)

    def _step(
        self,
        features: Features,
        objects: int,
        rank: int,
        count: int,
        memories: dict[str, dict[int, Any]],
        masks: torch.Tensor | None,
    ) -> dict[str, Any]:
        levels = [level.to(self.device).float() for level in features.levels]
        with runtime.autocast(self.device, self.dtype):
            said: dict[str, Any] = self.model.track_step(
                frame_idx=rank,
                is_init_cond_frame=masks is not None,
                current_vision_feats=[_flat(level).expand(-1, objects, -1) for level in levels],
                current_vision_pos_embeds=[where.expand(-1, objects, -1) for where in self._positions],
                feat_sizes=[level.shape[-2:] for level in levels],
                point_inputs=None,
                mask_inputs=masks,
                output_dict=memories,
                num_frames=count,
            )
        return said

    def _memory(self, said: Mapping[str, Any]) -> Memory:
        """The part of a step's answer that later steps read, its features in bfloat16 as officially."""
        where = said["maskmem_pos_enc"]
        if not self._memory_positions:
            self._memory_positions = [one[:1].clone() for one in where]
        return Memory(
            {
                "maskmem_features": said["maskmem_features"].to(torch.bfloat16),
                # The same for all objects and images, and larger than all else that is remembered.
                "maskmem_pos_enc": [
                    kept.expand(one.shape) for kept, one in zip(self._memory_positions, where, strict=True)
                ],
                "obj_ptr": said["obj_ptr"],
            }
        )


@dataclass(frozen=True)
class Memory:
    """What the network remembers of b objects in one image; stays on the device."""

    said: dict[str, Any]


def load_network(name: str, file: Path, device: torch.device) -> Sam2Network:
    """The published network of that name with the weights in ``file``, in the device's best precision.

    Raises:
        NeuralError: the weights are damaged, or belong to another network.
    """
    model = build_sam2(CONFIGS[name], None, device="cpu")
    try:
        model.load_state_dict(runtime.read_weights(file))
    except RuntimeError as error:
        raise NeuralError(
            f"The weights in {file} do not belong to {name}: choose the file that fits, or download it again."
        ) from error
    return Sam2Network(model, device, dtype=runtime.safe_half(device))


def _flat(level: torch.Tensor) -> torch.Tensor:
    """(b, c, h, w) -> (h * w, b, c)."""
    return level.flatten(2).permute(2, 0, 1)
