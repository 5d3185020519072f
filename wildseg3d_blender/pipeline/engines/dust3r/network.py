# SPDX-License-Identifier: GPL-3.0-or-later
"""DUSt3R's own network class, asked in its two halves: an image's encoder, a pair's decoder and heads.

Imports torch and mini_dust3r; import it only where the network runs.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from ....errors import NeuralError
from ...networks import torch_runtime as runtime

# It prints a warning when it is imported; stdout is for results.
with contextlib.redirect_stdout(sys.stderr):
    from mini_dust3r.model import AsymmetricCroCo3DStereo

Size = tuple[int, int]
Result = TypeVar("Result")

COMMON: Mapping[str, Any] = {
    "pos_embed": "RoPE100",
    "patch_embed_cls": "PatchEmbedDust3R",
    "landscape_only": False,
    "output_mode": "pts3d",
    "depth_mode": ("exp", -float("inf"), float("inf")),
    "conf_mode": ("exp", 1, float("inf")),
}
LARGE: Mapping[str, Any] = {
    "enc_embed_dim": 1024,
    "enc_depth": 24,
    "enc_num_heads": 16,
    "dec_embed_dim": 768,
    "dec_depth": 12,
    "dec_num_heads": 12,
}
CONFIGS: Mapping[str, Mapping[str, Any]] = {
    "dust3r-512-dpt": {**COMMON, **LARGE, "img_size": (512, 512), "head_type": "dpt"},
    "dust3r-224-linear": {**COMMON, **LARGE, "img_size": (224, 224), "head_type": "linear"},
}
"""Arguments of the published networks, by the name of their weights."""

UNUSED = {"mask_token"}
"""Parameters of the class that inference never reads, so that weights may lack them."""

SAFETY = 0.6
"""Share of the free memory that a batch is planned to take."""

MOST_AT_ONCE = 16


@dataclass(frozen=True)
class PairMaps:
    """What the network says of a pair: as the fields of ``Edge``."""

    points_i: NDArray[np.float32]
    points_j: NDArray[np.float32]
    confidence_i: NDArray[np.float32]
    confidence_j: NDArray[np.float32]


class Dust3rNetwork:
    """The official network on a device. ``identity`` names its weights and precision."""

    def __init__(
        self,
        net: AsymmetricCroCo3DStereo,
        device: torch.device,
        *,
        identity: str,
        dtype: torch.dtype | None = None,
    ) -> None:
        """Take ``net`` to ``device``; with ``dtype`` encoder and decoder compute in half precision."""
        self.net = net.to(device).eval().requires_grad_(False)
        self.device = device
        self.dtype = dtype
        self.identity = f"{identity} {dtype} {device.type}"

    @property
    def side(self) -> int:
        """Longer side of the images that the network was trained on."""
        return int(max(self.net.patch_embed.img_size))

    @torch.inference_mode()
    def encode(self, images: Sequence[NDArray[np.uint8]]) -> list[torch.Tensor]:
        """Encoder features (S, C), on the CPU, of images of one size, (H, W, 3) uint8 each."""
        pixels = torch.from_numpy(np.stack(images)).to(self.device).permute(0, 3, 1, 2)
        scaled = pixels.float().div_(127.5).sub_(1.0)
        shapes = torch.tensor(scaled.shape[-2:])[None].repeat(len(scaled), 1)

        def run(dtype: torch.dtype | None) -> torch.Tensor:
            return self.net._encode_image(scaled, shapes)[0].to(dtype or torch.float32)

        return [row.clone() for row in self._precisely(run, lambda tokens: tokens).cpu()]

    @torch.inference_mode()
    def decode(
        self, pairs: Sequence[tuple[torch.Tensor, torch.Tensor]], size_i: Size, size_j: Size
    ) -> list[PairMaps]:
        """The pointmaps of pairs whose first images all have size_i, (width, height), the second size_j."""
        first, second = (
            torch.stack([pair[side].float() for pair in pairs]).to(self.device) for side in (0, 1)
        )
        where_i, where_j = (self._positions(len(pairs), size) for size in (size_i, size_j))

        def run(dtype: torch.dtype | None) -> Any:
            return tuple(self.net._decoder(first, where_i, second, where_j))

        decoded_i, decoded_j = self._precisely(run, lambda decoded: decoded[0][-1] + decoded[1][-1])
        said_i = self._head(1, decoded_i, size_i, len(pairs))
        said_j = self._head(2, decoded_j, size_j, len(pairs))
        return [PairMaps(*maps) for maps in zip(said_i[0], said_j[0], said_i[1], said_j[1], strict=True)]

    def release(self) -> None:
        """Give the weights' memory on a GPU back now, whoever still refers to the network: its end.

        After a cancel a traceback does, for a while.
        """
        if self.device.type != "cpu":
            self.net.to("meta")
            runtime.release_memory()

    def images_at_once(self, size: Size) -> int:
        """How many images of that size to encode together."""
        return self._at_once(self._attention_bytes(size, self.net.enc_blocks[0].attn.num_heads))

    def pairs_at_once(self, size: Size) -> int:
        """How many pairs of images of that size to decode together."""
        # The DPT head's widest maps: 256 channels at full size, a few of them alive at once, always float32.
        head = 4 * 256 * size[0] * size[1] * 3
        return self._at_once(2 * self._attention_bytes(size, self.net.dec_blocks[0].attn.num_heads) + head)

    def _precisely(
        self, run: Callable[[torch.dtype | None], Result], checked: Callable[[Result], torch.Tensor]
    ) -> Result:
        """``run`` in half precision, and again in float32 should numbers have become too large for it."""
        with runtime.autocast(self.device, self.dtype):
            result = run(self.dtype)
        if self.dtype is None or bool(checked(result).isfinite().all()):
            return result
        with runtime.autocast(self.device, None):
            return run(None)

    def _at_once(self, bytes_each: int) -> int:
        free = runtime.free_memory(self.device)
        # A CPU is busy with one; larger batches would only report less often and take more memory.
        return 1 if free is None else int(np.clip(SAFETY * free / bytes_each, 1, MOST_AT_ONCE))

    @staticmethod
    def _attention_bytes(size: Size, heads: int) -> int:
        """The class keeps the whole attention matrix, before and after the softmax."""
        tokens = size[0] // 16 * (size[1] // 16)
        return 3 * 4 * heads * tokens**2

    def _positions(self, count: int, size: Size) -> torch.Tensor:
        patch = self.net.patch_embed.patch_size
        return self.net.patch_embed.position_getter(
            count, size[1] // patch[0], size[0] // patch[1], self.device
        )

    def _head(
        self, number: int, decoded: Sequence[torch.Tensor], size: Size, count: int
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Points (n, H, W, 3) and confidence (n, H, W)."""
        shapes = torch.tensor([[size[1], size[0]]]).repeat(count, 1)
        said = self.net._downstream_head(number, [layer.float() for layer in decoded], shapes)
        points, confidence = said["pts3d"].float().cpu().numpy(), said["conf"].float().cpu().numpy()
        # Both are exponentials, which may overflow; such a pixel was not measured.
        lost = ~(np.isfinite(points).all(-1) & np.isfinite(confidence))
        if lost.any():
            points, confidence = np.where(lost[..., None], 0, points), np.where(lost, 0, confidence)
        return points, confidence


def load_network(name: str, file: Path, device: torch.device) -> Dust3rNetwork:
    """The published network of that name with the weights in ``file``, in the device's best precision.

    Raises:
        NeuralError: the weights are damaged, or belong to another network.
    """
    net = build_network(CONFIGS[name], runtime.read_weights(file), str(file))
    status = file.stat()
    identity = f"{file} {status.st_size} {status.st_mtime_ns}"
    return Dust3rNetwork(net, device, identity=identity, dtype=runtime.fine_half(device))


def build_network(
    config: Mapping[str, Any], weights: Mapping[str, torch.Tensor], source: str
) -> AsymmetricCroCo3DStereo:
    """The network class with these arguments, its parameters being the tensors given.

    Raises:
        NeuralError: the weights, from ``source``, do not fit.
    """
    # Without storage: initialising half a billion parameters only to overwrite them takes seconds and memory.
    with torch.device("meta"):
        net = AsymmetricCroCo3DStereo(**config)
    try:
        missing, _ = net.load_state_dict(dict(weights), strict=False, assign=True)
    except RuntimeError as error:
        raise NeuralError(
            f"The weights in {source} belong to another network: choose the file that fits, or download it "
            "again."
        ) from error
    lacking = sorted(set(missing) - UNUSED)
    if lacking:
        raise NeuralError(
            f"The weights in {source} lack {len(lacking)} of the network's tensors ({lacking[0]} first): "
            "download them again."
        )
    for name in missing:
        setattr(net, name, torch.nn.Parameter(torch.zeros_like(getattr(net, name), device="cpu")))
    return net
