# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the solver starts: from the engine's poses where it knows them, else from a spanning tree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ...conventions import camera_rays
from ...progress import Progress
from ..pair_graph import Edge, PairView
from .own_frame import OwnFrame, own_frame, resect
from .priors import Priors
from .robust import weighted_median
from .samples import MIN_PIXELS, Observations
from .sim3 import TINY, Array, Sim3, fit_sim3_robust, lengths
from .state import AlignmentState

# Rays closer to parallel than this (radians) do not tell an edge's scale from the cameras' distance.
MIN_PARALLAX = np.deg2rad(0.5)
# A start needs no more of an edge's pixels than this.
ENOUGH_PIXELS = 300


def starting_intrinsics(views: Sequence[PairView], priors: Priors) -> Array:
    """K (N, 3, 3) of all views of a graph: as known, as hinted, or with the principal point at the centre and
    a 53-degree long side."""
    K = np.stack([_unknown_intrinsics(view) for view in views])
    for group in priors.same_focal:
        for v in group:
            if v in priors.K:
                K[list(group), :2, :2] *= priors.K[v][0][0] / K[v, 0, 0]
    for v, known in priors.K.items():
        K[v] = known
    return K


def _unknown_intrinsics(view: PairView) -> Array:
    if view.K_hint is not None:
        return np.array(view.K_hint, dtype=np.float64)
    width, height = view.size
    focal = float(max(width, height))
    return np.array([[focal, 0.0, width / 2.0], [0.0, focal, height / 2.0], [0.0, 0.0, 1.0]])


def own_frames(
    observations: Sequence[Observations], K: Array, focal_known: Sequence[bool], progress: Progress
) -> list[OwnFrame | None]:
    """Every view by itself; None for a view whose pixels place it nowhere."""
    frames = []
    for v, seen in enumerate(observations):
        progress("align", 0.5 * v / len(K), "Fitting cameras")
        frames.append(own_frame(seen, K[v], focal_known[v]))
    known = [frame.log_focal for v, frame in enumerate(frames) if frame and not focal_known[v]]
    guess = float(np.exp(np.median(known))) if known else 1.0
    for v, seen in enumerate(observations):
        progress("align", 0.5 + 0.5 * v / len(K), "Fitting cameras")
        if frames[v] is None:
            frames[v] = resect(seen, K[v], focal_known[v], guess)
    return frames


def relative_similarities(
    edges: Sequence[Edge],
    observations: Sequence[Observations],
    frames: Sequence[OwnFrame | None],
    progress: Progress,
) -> dict[int, tuple[Sim3, float]]:
    """Per edge e = (i, j), the similarity from j's own frame to i's, and how far it is to be trusted.

    The second value is the mean residual of the fit plus the median disagreement with other ways round
    (the reverse edge and the triangles through a third view), in units of i's depth: a pair that is wrong as
    a whole fits well by itself, but disagrees with the others. Edges without enough shared pixels are absent.
    """
    fits: dict[int, tuple[Sim3, float]] = {}
    for e, edge in enumerate(edges):
        progress("align", e / len(edges), "Joining pairs")
        frame_i, frame_j = frames[edge.i], frames[edge.j]
        if frame_i is None or frame_j is None:
            continue
        seen = observations[edge.j]
        k = int(np.flatnonzero(seen.edges == e)[0])
        shared = np.sqrt(seen.weights[k] * frame_j.weights)
        used = np.flatnonzero(shared)
        if len(used) < MIN_PIXELS:
            continue
        used = used[:: max(1, len(used) // ENOUGH_PIXELS)]
        scale = _edge_scale(frame_i, e)
        fit, residual = fit_sim3_robust(frame_j.points[used], scale * seen.points[k][used], shared[used])
        fits[e] = fit, residual / frame_i.depth
    to_i = {(edges[e].i, edges[e].j, e): fit for e, (fit, _) in fits.items()}
    links = _links(to_i)
    trusted = {}
    for e, (fit, residual) in fits.items():
        edge, frame_i, frame_j = edges[e], frames[edges[e].i], frames[edges[e].j]
        assert frame_i is not None and frame_j is not None
        probe = frame_j.points[frame_j.weights > 0][::20]
        here = fit.apply(probe)
        others = [other.apply(probe) for other in _other_ways(links, edge.i, edge.j, e)]
        gaps = np.median(lengths(np.stack([here, *others]) - here), axis=1)[1:] / frame_i.depth
        trusted[e] = fit, residual + (float(np.median(gaps)) if others else 0.0)
    return trusted


Links = Mapping[int, Mapping[int, list[tuple[int, Sim3]]]]


def _links(fits: Mapping[tuple[int, int, int], Sim3]) -> Links:
    """``links[a][b]`` lists (edge, similarity from b's own frame to a's), both directions of every edge."""
    links: dict[int, dict[int, list[tuple[int, Sim3]]]] = {}
    for (i, j, e), fit in fits.items():
        links.setdefault(i, {}).setdefault(j, []).append((e, fit))
        links.setdefault(j, {}).setdefault(i, []).append((e, fit.inverse()))
    return links


def _other_ways(links: Links, i: int, j: int, without: int) -> Iterator[Sim3]:
    """Similarities from j's frame to i's by another edge, or through one third view."""
    for e, fit in links[i][j]:
        if e != without:
            yield fit
    for via, first_leg in links[j].items():
        if via != i and via in links[i]:
            to_via = first_leg[0][1].inverse()
            yield links[i][via][0][1] @ to_via


def tree_start(
    edges: Sequence[Edge],
    frames: Sequence[OwnFrame | None],
    relative: Mapping[int, tuple[Sim3, float]],
    K: NDArray[np.float64],
) -> AlignmentState:
    """Chain the views along the most trusted edges. The world is the first camera, at the edges' mean scale.

    ``relative`` must connect all views.
    """
    placed = {0: Sim3.identity()}
    best_first = sorted(relative, key=lambda e: relative[e][1])
    while len(placed) < len(frames):
        e = next(e for e in best_first if (edges[e].i in placed) != (edges[e].j in placed))
        i, j, fit = edges[e].i, edges[e].j, relative[e][0]
        if i in placed:
            placed[j] = placed[i] @ fit
        else:
            placed[i] = placed[j] @ fit.inverse()
    own_to_world = [placed[v] for v in range(len(frames))]
    state = _state(edges, frames, own_to_world, K)
    return state.in_world(Sim3(float(np.exp(-state.log_scale.mean())), np.eye(3), np.zeros(3)))


def hinted_start(
    edges: Sequence[Edge],
    observations: Sequence[Observations],
    frames: Sequence[OwnFrame | None],
    cam_to_world: NDArray[np.float64],
    K: NDArray[np.float64],
) -> AlignmentState | None:
    """Keep the engine's poses and find the scales that fit them; None where no parallax tells any scale.

    Args:
        frames: views without one start at the focal length of ``K``.
        cam_to_world: (N, 4, 4), the engine's.
    """
    log_focal = np.array([frame.log_focal if frame else 0.0 for frame in frames])
    votes: dict[int, tuple[list[Array], list[Array]]] = {}
    for e, edge in enumerate(edges):
        seen = observations[edge.j]
        k = int(np.flatnonzero(seen.edges == e)[0])
        rays = camera_rays(_with_focal(K[edge.j], float(np.exp(log_focal[edge.j]))), seen.pixels)
        ratios, weights = _triangulated_scale(
            seen.points[k], seen.weights[k], rays, cam_to_world[edge.i], cam_to_world[edge.j]
        )
        scale = _edge_scale(frames[edge.i], e)
        values, value_weights = votes.setdefault(edge.i, ([], []))
        values.append(ratios / scale)
        value_weights.append(weights)
    scales = np.full(len(frames), np.nan)
    for v, (values, value_weights) in votes.items():
        scales[v] = weighted_median(np.concatenate(values), np.concatenate(value_weights))
    if not np.isfinite(scales).any():
        return None
    # An engine that knows poses works in one unit, so a view without parallax is like the others.
    scales = np.where(np.isfinite(scales), scales, np.nanmedian(scales))
    own_to_world = [
        Sim3(float(scales[v]), cam_to_world[v, :3, :3], cam_to_world[v, :3, 3]) for v in range(len(frames))
    ]
    return _state(edges, frames, own_to_world, K)


def _triangulated_scale(
    points: Array, weights: Array, rays_j: Array, pose_i: Array, pose_j: Array
) -> tuple[Array, Array]:
    """Per pixel of j, the scale that puts its point, seen from camera i, onto its ray from camera j.

    Least |m x (s R_i X + c_i - c_j)| over s, with m the ray. Weights are 0 where rays are nearly parallel or
    the scale is negative. All in world axes; (P, 3), (P,), (P, 3) -> (P,), (P,).
    """
    ray = rays_j @ pose_j[:3, :3].T
    ray /= np.linalg.norm(ray, axis=-1, keepdims=True)
    direction = points @ pose_i[:3, :3].T
    across = np.cross(ray, direction)
    offset = np.cross(ray, pose_i[:3, 3] - pose_j[:3, 3])
    squared = (across**2).sum(-1)
    length = np.maximum((direction**2).sum(-1), TINY)
    told = squared > np.sin(MIN_PARALLAX) ** 2 * length
    scale = -(across * offset).sum(-1) / np.where(told, squared, 1.0)
    return scale, np.where(told & (scale > 0), weights, 0.0)


def _state(
    edges: Sequence[Edge],
    frames: Sequence[OwnFrame | None],
    own_to_world: Sequence[Sim3],
    K: NDArray[np.float64],
) -> AlignmentState:
    """The state in which every edge sits exactly on its first camera."""
    first = [edge.i for edge in edges]
    edge_scale = [_edge_scale(frames[edge.i], e) for e, edge in enumerate(edges)]
    rotation = np.stack([sim.rotation for sim in own_to_world])
    centre = np.stack([sim.translation for sim in own_to_world])
    scale = np.array([sim.scale for sim in own_to_world])
    return AlignmentState(
        log_scale=np.log(edge_scale) + np.log(scale[first]),
        edge_rotation=rotation[first],
        edge_translation=centre[first],
        rotation=rotation,
        centre=centre,
        log_focal=np.array([frame.log_focal if frame else 0.0 for frame in frames]),
        K_start=np.asarray(K, dtype=np.float64),
    )


def _edge_scale(frame: OwnFrame | None, e: int) -> float:
    return frame.edge_scale.get(e, 1.0) if frame else 1.0


def _with_focal(K: NDArray[np.float64], factor: float) -> NDArray[np.float64]:
    scaled = K.copy()
    scaled[:2, :2] *= factor
    return scaled
