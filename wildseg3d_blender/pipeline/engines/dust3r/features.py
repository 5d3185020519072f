# SPDX-License-Identifier: GPL-3.0-or-later
"""Encoder features kept for the next reconstruction: photos that were there before are not encoded again.

They stay in the worker's memory, not on disk: 3 MB a photo in float32, half of that in half precision, and
what they save, a twentieth to a sixth of a reconstruction, is not worth files that nobody would clean up.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST_BYTES = 512 << 20
"""Together; about 170 photos in float32."""


class FeatureStore:
    """Features by what they were made of; the ones used longest ago are dropped first."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most = most_bytes
        self._kept: OrderedDict[bytes, tuple[Any, int]] = OrderedDict()
        self._bytes = 0

    def get(self, key: bytes) -> Any | None:
        """The features kept under ``key``, or None."""
        if key not in self._kept:
            return None
        self._kept.move_to_end(key)
        return self._kept[key][0]

    def put(self, key: bytes, features: Any, size: int) -> None:
        """Keep features of ``size`` bytes."""
        if key in self._kept:
            self._bytes -= self._kept.pop(key)[1]
        self._kept[key] = features, size
        self._bytes += size
        while self._bytes > self._most:
            self._bytes -= self._kept.popitem(last=False)[1][1]

    def clear(self) -> None:
        """Drop everything."""
        self._kept.clear()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._kept)


def feature_key(image: NDArray[np.uint8], network: str) -> bytes:
    """What an image's features depend on: its pixels and size, and the network with its precision."""
    digest = hashlib.blake2b(f"{network} {image.shape}".encode(), digest_size=16)
    digest.update(np.ascontiguousarray(image).data)
    return digest.digest()
