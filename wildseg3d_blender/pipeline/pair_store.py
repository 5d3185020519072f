# SPDX-License-Identifier: GPL-3.0-or-later
"""The pair graph in the scene folder, so that the scene can be aligned again without its photos.

    pairs/graph.json              the edges, the engine's hints, and which stored map is whose
    pairs/alignment.json          where the last alignment left the edges; its cameras are in scene.json
    pairs/points/<view>.npy       (maps, H, W, 3) float32, the view's pointmaps
    pairs/confidence/<view>.npy   (maps, H, W) float32

Maps that several edges share are stored once (see ``pair_maps``). Reading maps the files into memory.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..conventions import invert_rigid, transform
from ..errors import SceneError
from ..files.arrays import open_array
from ..scene.folder import PAIRS_FOLDER, Scene, View
from .alignment import Alignment, Sim3
from .pair_graph import Edge, PairGraph, PairView
from .pair_maps import MapPool, MapRef
from .photos.reading import Photo

GRAPH_FILE, ALIGNMENT_FILE = "graph.json", "alignment.json"


def write_pairs(folder: Path, graph: PairGraph, alignment: Alignment) -> None:
    """Write ``graph`` and ``alignment``, which has all its views, into ``folder``; it must not exist yet."""
    write_pair_graph(folder, graph)
    write_alignment(folder, alignment)


def write_pair_graph(folder: Path, graph: PairGraph) -> None:
    """Write ``graph`` into ``folder``, which must not exist yet. View files are named after the photos."""
    points, confidence = ([MapPool() for _ in graph.views] for _ in range(2))
    # A view's maps in its own frame come first: those in other frames are then found to be these, moved.
    first = [points[edge.i].add_points(edge.points_i) for edge in graph.edges]
    second = [points[edge.j].add_points(edge.points_j) for edge in graph.edges]
    edges = [
        {
            "i": edge.i,
            "j": edge.j,
            "points": [_ref_to_json(first[e]), _ref_to_json(second[e])],
            "confidence": [
                confidence[edge.i].add(edge.confidence_i).index,
                confidence[edge.j].add(edge.confidence_j).index,
            ],
        }
        for e, edge in enumerate(graph.edges)
    ]
    for name, pools in (("points", points), ("confidence", confidence)):
        (folder / name).mkdir(parents=True)
        for view, pool in zip(graph.views, pools, strict=True):
            if pool.maps:
                np.save(folder / name / f"{view.photo.name}.npy", np.stack(pool.maps))
    _write_json(folder / GRAPH_FILE, {"views": [_view_to_json(view) for view in graph.views], "edges": edges})


def read_pair_graph(scene: Scene) -> PairGraph:
    """The pair graph that ``scene`` was aligned from.

    Stored maps come memory-mapped; those that are another one moved are computed, to float32's precision.
    A view's image is ``Scene.colours``.

    Raises:
        SceneError: the scene has no pair graph (older ones have none), or it is damaged.
    """
    folder = _pairs_folder(scene)
    data = _read_json(folder / GRAPH_FILE)
    with _damaged(folder / GRAPH_FILE):
        if len(data["views"]) != len(scene.views):
            raise ValueError(f"{len(data['views'])} views, not {len(scene.views)}")
        views = tuple(
            _view_from_json(scene, view, item) for view, item in zip(scene.views, data["views"], strict=True)
        )
        used = sorted({int(item[end]) for item in data["edges"] for end in ("i", "j")})
        if used and not 0 <= used[0] <= used[-1] < len(views):
            raise ValueError("an edge names a view that is not there")
        points = {v: _read_maps(folder / "points", scene.views[v], 3) for v in used}
        confidence = {v: _read_maps(folder / "confidence", scene.views[v]) for v in used}
        edges = tuple(_edge_from_json(item, points, confidence) for item in data["edges"])
    return PairGraph(views, edges)


def write_alignment(folder: Path, alignment: Alignment) -> None:
    """Write where ``alignment`` left the edges into the pairs folder ``folder``, replacing what is there."""
    data = {
        "iterations": alignment.iterations,
        "losses": list(alignment.losses),
        "edge_to_world": [None if sim is None else _sim_to_json(sim) for sim in alignment.edge_to_world],
    }
    _write_json(folder / ALIGNMENT_FILE, data)


def read_alignment(scene: Scene) -> Alignment:
    """The alignment that ``scene`` shows, of the pair graph that ``read_pair_graph`` gives.

    Raises:
        SceneError: the scene has no pair graph, or what is needed of it is damaged.
    """
    file = _pairs_folder(scene) / ALIGNMENT_FILE
    data = _read_json(file)
    with _damaged(file):
        edge_to_world = tuple(
            None if item is None else _sim_from_json(item) for item in data["edge_to_world"]
        )
        iterations, losses = int(data["iterations"]), tuple(float(value) for value in data["losses"])
    return Alignment(
        views=tuple(range(len(scene.views))),
        cam_to_world=np.stack([view.cam_to_world for view in scene.views]),
        K=np.stack([view.K for view in scene.views]),
        depth=[_depth(scene, view) for view in scene.views],
        confidence=[np.array(scene.confidence(view)) for view in scene.views],
        iterations=iterations,
        losses=losses,
        edge_to_world=edge_to_world,
    )


def kept_part(graph: PairGraph, alignment: Alignment) -> tuple[PairGraph, Alignment]:
    """Graph and alignment without the views that were not placed, and without their edges."""
    place = {v: n for n, v in enumerate(alignment.views)}
    edges = [e for e, edge in enumerate(graph.edges) if edge.i in place and edge.j in place]
    kept = PairGraph(
        views=tuple(graph.views[v] for v in alignment.views),
        edges=tuple(
            replace(graph.edges[e], i=place[graph.edges[e].i], j=place[graph.edges[e].j]) for e in edges
        ),
    )
    edge_to_world = tuple(alignment.edge_to_world[e] for e in edges)
    return kept, replace(alignment, views=tuple(place.values()), edge_to_world=edge_to_world)


def _pairs_folder(scene: Scene) -> Path:
    if not scene.has_pairs:
        raise SceneError(
            f"{scene.folder.name} was reconstructed by an older version, which did not keep what aligning "
            "again needs: press Reconstruct to make the scene anew.",
            fix="wildseg3d.reconstruct",
        )
    return scene.folder / PAIRS_FOLDER


def _read_json(file: Path) -> dict[str, Any]:
    with _damaged(file):
        data = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(data, dict):
            raise ValueError("no JSON object")
        return data


def _write_json(file: Path, data: Mapping[str, Any]) -> None:
    # Removed first: the file may be one and the same with that of the scene which is being replaced.
    file.unlink(missing_ok=True)
    file.write_text(json.dumps(data), encoding="utf-8")


@contextmanager
def _damaged(file: Path) -> Iterator[None]:
    """Say of whatever goes wrong with a file's contents that the file is damaged, and what to do."""
    try:
        yield
    except (OSError, ValueError, KeyError, TypeError, IndexError, EOFError, AttributeError) as error:
        raise SceneError(
            f"{file} is missing or damaged ({error}), so the scene cannot be aligned again: press "
            "Reconstruct to make it anew.",
            fix="wildseg3d.reconstruct",
        ) from error


def _ref_to_json(ref: MapRef) -> dict[str, Any]:
    motion = None if ref.motion is None else ref.motion[:3].tolist()
    return {"map": ref.index, "motion": motion}


def _edge_from_json(
    data: Mapping[str, Any], points: Mapping[int, NDArray[Any]], confidence: Mapping[int, NDArray[Any]]
) -> Edge:
    i, j = int(data["i"]), int(data["j"])
    points_i, points_j = (_points(points[v], ref) for v, ref in zip((i, j), data["points"], strict=True))
    confidence_i, confidence_j = (
        _numbered(confidence[v], index) for v, index in zip((i, j), data["confidence"], strict=True)
    )
    return Edge(i, j, points_i, points_j, confidence_i, confidence_j)


def _points(maps: NDArray[np.float32], data: Mapping[str, Any]) -> NDArray[np.float32]:
    stored = _numbered(maps, data["map"])
    if data["motion"] is None:
        return stored
    motion = np.eye(4)
    motion[:3] = _numbers(data["motion"], (3, 4))
    return transform(motion, np.asarray(stored))


def _numbered(maps: NDArray[np.float32], index: Any) -> NDArray[np.float32]:
    if not 0 <= int(index) < len(maps):
        raise ValueError(f"map {index} of {len(maps)} is asked for")
    values: NDArray[np.float32] = maps[int(index)]
    return values


def _read_maps(folder: Path, view: View, *channels: int) -> NDArray[np.float32]:
    file = folder / f"{view.name}.npy"
    with _damaged(file):
        maps = open_array(file)
        if maps.dtype != np.float32 or maps.shape[1:] != (*view.size[::-1], *channels):
            raise ValueError(f"{maps.dtype} of shape {maps.shape}")
    return maps


def _view_to_json(view: PairView) -> dict[str, Any]:
    K, pose = view.K_hint, view.cam_to_world_hint
    return {
        "focal": view.photo.focal,
        "K_hint": None if K is None else np.asarray(K).tolist(),
        "cam_to_world_hint": None if pose is None else np.asarray(pose).tolist(),
    }


def _view_from_json(scene: Scene, view: View, data: Mapping[str, Any]) -> PairView:
    K, pose, focal = data["K_hint"], data["cam_to_world_hint"], data["focal"]
    return PairView(
        photo=Photo(view.name, view.photo, view.photo_size, None if focal is None else float(focal)),
        image=scene.colours(view),
        warp=view.warp,
        K_hint=None if K is None else _numbers(K, (3, 3)),
        cam_to_world_hint=None if pose is None else _numbers(pose, (4, 4)),
    )


def _sim_to_json(sim: Sim3) -> dict[str, Any]:
    return {
        "scale": sim.scale,
        "rotation": np.asarray(sim.rotation).tolist(),
        "translation": np.asarray(sim.translation).tolist(),
    }


def _sim_from_json(data: Mapping[str, Any]) -> Sim3:
    scale = float(data["scale"])
    if not 0 < scale < np.inf:
        raise ValueError(f"an edge has the scale {scale}")
    return Sim3(scale, _numbers(data["rotation"], (3, 3)), _numbers(data["translation"], (3,)))


def _numbers(values: Any, shape: tuple[int, ...]) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64)
    if array.shape != shape or not np.isfinite(array).all():
        raise ValueError(f"expected finite numbers of shape {shape}")
    return array


def _depth(scene: Scene, view: View) -> NDArray[np.float32]:
    """Depth (H, W) along z, scene units; 0 where there is no measurement."""
    points_cam = transform(invert_rigid(view.cam_to_world), np.asarray(scene.pointmap(view)))
    return np.where(scene.confidence(view) > 0, points_cam[..., 2], np.float32(0))
