# SPDX-License-Identifier: GPL-3.0-or-later
"""The DUSt3R engine: every image through the encoder once, the chosen pairs through the decoder."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ....errors import NeuralError, PhotoError, ReconstructionError
from ....progress import Progress, span
from ...pair_graph import Edge, PairGraph, PairView
from ...pair_selection.selection import Pair
from ...photos.reading import Photo
from .. import EngineResult
from .features import FeatureStore, feature_key
from .framing import back_on_view, cut_view, frame, framed_image
from .pairs import PRESETS, directed_pairs, further_pairs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .network import Dust3rNetwork

Item = TypeVar("Item")
Result = TypeVar("Result")

KEPT = FeatureStore()
"""Features of photos seen before, for as long as the process lives."""

SMALL = 224
"""Up to this image size the network trained at that size is taken, where it is there."""


class Dust3rEngine:
    """Pointmaps by DUSt3R (Wang et al., CVPR 2024): any two photos, however far apart, on GPU or CPU.

    The network is loaded for each reconstruction and let go after it, so that its memory is free for what
    comes next. Cameras are left to the alignment.
    """

    name = "dust3r"

    def __init__(
        self,
        *,
        quality: str = "balanced",
        load: Callable[[int], Dust3rNetwork] | None = None,
        kept: FeatureStore = KEPT,
    ) -> None:
        """Load nothing yet.

        Args:
            quality: one of ``pairs.PRESETS``.
            load: gives the network for an image size; by default the installed one.
            kept: where features are kept between reconstructions.

        Raises:
            ReconstructionError: there is no such preset.
        """
        if quality not in PRESETS:
            raise ReconstructionError(f"There is no quality {quality!r}: choose one of {', '.join(PRESETS)}.")
        self._preset = PRESETS[quality]
        self._load = load or installed_network
        self._kept = kept

    def pair_graph(self, photos: Sequence[Photo], *, image_size: int, progress: Progress) -> EngineResult:
        """See ``PointmapEngine``. Stages: 'photos', 'matching', 'network', 'encoding', 'pairs'.

        The views' longer side is ``image_size``, at most what the network was trained on, and a multiple of
        16 after cutting. No photo is skipped: what hangs together is for the alignment to find out.

        Raises:
            PhotoError: fewer than two photos.
            NeuralError: the network is not installed, or one pair alone is too much for the device.
        """
        if len(photos) < 2:
            raise PhotoError("There is nothing to pair: at least two photos of the scene are needed.")
        seconds: dict[str, float] = {}
        with self._network(image_size, seconds, progress) as network:
            with _timed(seconds, "views"):
                views = _views(photos, image_size, network.side, span(progress, 0.02, 0.05))
                images = [view.image for view in views]
                pairs = directed_pairs(images, self._preset, span(progress, 0.05, 0.1))
            edges = self._edges(network, views, pairs, seconds, span(progress, 0.1, 1.0))
        return EngineResult(PairGraph(tuple(views), tuple(edges)), (), seconds)

    def further_pairs(
        self, placed: Sequence[PairView], photos: Sequence[Photo], *, image_size: int, progress: Progress
    ) -> EngineResult:
        """Pairs of ``photos`` with one another and with the views of another engine; stages as above.

        Returns:
            A graph of ``placed``, as they are and on their own grids, and of the photos after them. Every
            edge has one of the photos as its first view.
        """
        seconds: dict[str, float] = {}
        with self._network(image_size, seconds, progress) as network:
            with _timed(seconds, "views"):
                new = _views(photos, image_size, network.side, span(progress, 0.02, 0.05))
                longer, square = min(image_size, network.side), network.side == SMALL
                cuts = [frame(view.size, longer, square=square) for view in placed]
                shown = [*(cut_view(v, cut) for v, cut in zip(placed, cuts, strict=True)), *new]
                pairs = further_pairs(
                    [view.image for view in shown], len(placed), self._preset, span(progress, 0.05, 0.1)
                )
            edges = self._edges(network, shown, pairs, seconds, span(progress, 0.1, 1.0))
        whole = [back_on_view(cuts[edge.j], edge) if edge.j < len(placed) else edge for edge in edges]
        return EngineResult(PairGraph((*placed, *new), tuple(whole)), (), seconds)

    @contextmanager
    def _network(
        self, image_size: int, seconds: dict[str, float], progress: Progress
    ) -> Iterator[Dust3rNetwork]:
        """The network, let go at the end."""
        progress("network", 0.0, "Loading DUSt3R")
        with _timed(seconds, "network"):
            network = self._load(image_size)
        try:
            yield network
        finally:
            network.release()

    def _edges(
        self,
        network: Dust3rNetwork,
        views: Sequence[PairView],
        pairs: Sequence[Pair],
        seconds: dict[str, float],
        progress: Progress,
    ) -> list[Edge]:
        """The edges of these pairs, in their order."""
        seen = sorted({v for pair in pairs for v in pair})
        # An image's encoder costs about as much as two thirds of a pair's decoder and heads.
        share = len(seen) / (len(seen) + 1.5 * len(pairs))
        with _timed(seconds, "encoding"):
            images = [views[v].image for v in seen]
            tokens = dict(zip(seen, self._encoded(network, images, span(progress, 0.0, share)), strict=True))
        with _timed(seconds, "pairs"):
            return _decoded(network, views, tokens, pairs, span(progress, share, 1.0))

    def _encoded(
        self, network: Dust3rNetwork, images: Sequence[NDArray[np.uint8]], progress: Progress
    ) -> list[Any]:
        """Features of every image, kept ones where there are."""
        from ...networks import torch_runtime

        keys = [feature_key(image, network.identity) for image in images]
        found = {key: features for key in keys if (features := self._kept.get(key)) is not None}
        new = list({key: image for key, image in zip(keys, images, strict=True) if key not in found}.items())
        for size, items in _by_size(new, lambda item: _size(item[1])).items():
            batches = torch_runtime.batches(
                items,
                lambda batch: network.encode([image for _, image in batch]),
                network.images_at_once(size),
                "image",
            )
            for start, encoded in batches:
                for (key, _), features in zip(items[start:], encoded, strict=False):
                    found[key] = features
                    self._kept.put(key, features, features.element_size() * features.nelement())
                done = len({*keys} & {*found})
                progress("encoding", done / len(set(keys)), f"Encoded {done} of {len(images)} photos")
        return [found[key] for key in keys]


def installed_network(image_size: int) -> Dust3rNetwork:
    """The installed network that fits the image size, on the device chosen for this process.

    Raises:
        NeuralError: torch, the network's code or its weights are not there.
    """
    from ....neural.models import path_of, statuses

    there = {status.model.name for status in statuses() if status.path is not None}
    name = "dust3r-512-dpt"
    if image_size <= SMALL and ("dust3r-224-linear" in there or name not in there):
        name = "dust3r-224-linear"
    try:
        from ...networks import torch_runtime
        from .network import load_network
    except ImportError as error:
        raise NeuralError(
            f"DUSt3R needs the neural environment ({error}): install it in the add-on's preferences."
        ) from error
    return load_network(name, path_of(name), torch_runtime.pick_device())


def _views(photos: Sequence[Photo], image_size: int, trained: int, progress: Progress) -> list[PairView]:
    views, longer_side = [], min(image_size, trained)
    for number, photo in enumerate(photos):
        progress("photos", number / len(photos), f"Reading {photo.name}")
        cut = frame(photo.size, longer_side, square=trained == SMALL)
        views.append(PairView(photo=photo, image=framed_image(photo, cut), warp=cut.warp()))
    return views


def _decoded(
    network: Dust3rNetwork,
    views: Sequence[PairView],
    tokens: Mapping[int, Any],
    pairs: Sequence[Pair],
    progress: Progress,
) -> list[Edge]:
    """The edges, in the order of ``pairs``."""
    from ...networks import torch_runtime

    edges: dict[Pair, Edge] = {}
    groups = _by_size(pairs, lambda pair: (views[pair[0]].size, views[pair[1]].size))
    for (size_i, size_j), members in groups.items():
        work = lambda batch, a=size_i, b=size_j: network.decode(  # noqa: E731
            [(tokens[i], tokens[j]) for i, j in batch], a, b
        )
        larger = max(size_i, size_j, key=lambda size: size[0] * size[1])
        for start, maps in torch_runtime.batches(members, work, network.pairs_at_once(larger), "pair"):
            for (i, j), said in zip(members[start:], maps, strict=False):
                edges[i, j] = Edge(i, j, said.points_i, said.points_j, said.confidence_i, said.confidence_j)
            progress("pairs", len(edges) / len(pairs), f"Compared {len(edges)} of {len(pairs)} pairs")
    return [edges[pair] for pair in pairs]


def _by_size(items: Sequence[Item], size: Callable[[Item], Any]) -> dict[Any, list[Item]]:
    groups: defaultdict[Any, list[Item]] = defaultdict(list)
    for item in items:
        groups[size(item)].append(item)
    return dict(groups)


def _size(image: NDArray[np.uint8]) -> tuple[int, int]:
    return image.shape[1], image.shape[0]


@contextmanager
def _timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    seconds[stage] = time.perf_counter() - started
