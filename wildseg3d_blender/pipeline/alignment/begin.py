# SPDX-License-Identifier: GPL-3.0-or-later
"""Which views and edges are aligned, and where the solver starts: an earlier solution, hints or a tree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...progress import Progress, span
from .known_poses import at_known_poses, onto_poses
from .parts import Part, connected, in_edges, restricted
from .priors import Held, Priors, held
from .result import Alignment
from .samples import Observations, sample_view
from .start import hinted_start, own_frames, relative_similarities, starting_intrinsics, tree_start
from .state import AlignmentState
from .warm_start import continued_state

Camera = tuple[NDArray[np.float64], NDArray[np.float64]]
"""cam_to_world (4, 4) and K (3, 3)."""


@dataclass(frozen=True)
class Beginning:
    """Where the solver starts: the views and edges it works on, their sampled pixels, a state.

    ``lone`` has the cameras of views that are in no edge, yet known: by index into the graph's views.
    """

    part: Part
    observations: list[Observations]
    held: Held
    state: AlignmentState
    lone: Mapping[int, Camera]


def begin(
    whole: Part, priors: Priors, start: Alignment | None, keep_largest: bool, progress: Progress
) -> Beginning:
    """The beginning for the views of ``whole`` (all of the graph) that can be placed.

    Raises:
        AlignmentError: views that do not hang together, see ``connected``.
    """
    if start is not None:
        found = _continued(whole, priors, start, progress)
    else:
        found = _hinted(whole, priors, progress) or _tree(whole, priors, keep_largest, progress)
    state = replace(found.state, log_focal=found.held.one_focal(found.state.log_focal))
    return replace(found, state=at_known_poses(state, found.part.kept, found.observations, priors))


def sample(part: Part, progress: Progress) -> list[Observations]:
    """The pixels that the solver works on, per view."""
    observations = []
    for v in range(len(part.views)):
        progress("align", v / len(part.views), "Choosing pixels")
        observations.append(sample_view(part.edges, part.weights, v))
    return observations


def _continued(whole: Part, priors: Priors, start: Alignment, progress: Progress) -> Beginning:
    """Start where an earlier alignment ended, with every view that has an edge."""
    place = {v: n for n, v in enumerate(start.views)}
    known = restricted(whole, [v for v in whole.kept if v in place])
    part = restricted(known, in_edges(known))
    observations = sample(part, progress)
    K = starting_intrinsics(whole.views, priors)[list(part.kept)]
    state = continued_state(part, observations, start, K)
    fixed = [n for n, v in enumerate(part.kept) if v in priors.K]
    state.log_focal[fixed] = 0.0
    state.K_start[fixed] = K[fixed]
    lone = {v: (start.cam_to_world[n], start.K[n]) for v, n in place.items() if v not in part.kept}
    return Beginning(part, observations, held(priors, part.kept), state, lone)


def _hinted(whole: Part, priors: Priors, progress: Progress) -> Beginning | None:
    """Start at the poses hinted or known of all views, with every view that has an edge.

    None where there are not enough poses, or where they do not tell the scale of any edge.
    """
    hints = [view.cam_to_world_hint for view in whole.views]
    if all(v in priors.poses for v in whole.kept):
        hints = [priors.poses[v].cam_to_world for v in whole.kept]
    poses = np.stack(
        [np.asarray(hint, dtype=np.float64) for hint in hints if hint is not None] or [np.eye(4)]
    )
    if len(poses) < len(whole.views):
        return None
    part = restricted(whole, in_edges(whole))
    observations = sample(part, span(progress, 0.0, 0.5))
    all_K = starting_intrinsics(whole.views, priors)
    K, kept = all_K[list(part.kept)], list(part.kept)
    frames = own_frames(observations, K, _focal_known(part, priors), span(progress, 0.5, 1.0))
    state = hinted_start(part.edges, observations, frames, poses[kept], K)
    if state is None:
        return None
    lone = {v: (poses[v], all_K[v]) for v in whole.kept if v not in kept}
    return Beginning(part, observations, held(priors, kept), state, lone)


def _tree(whole: Part, priors: Priors, keep_largest: bool, progress: Progress) -> Beginning:
    """Start from the most trusted edges, with all views or the largest group that hangs together."""
    part = connected(whole, range(len(whole.edges)), keep_largest)
    while True:
        observations = sample(part, span(progress, 0.0, 0.3))
        K = starting_intrinsics(whole.views, priors)[list(part.kept)]
        frames = own_frames(observations, K, _focal_known(part, priors), span(progress, 0.3, 0.6))
        relative = relative_similarities(part.edges, observations, frames, span(progress, 0.6, 1.0))
        smaller = connected(part, relative, keep_largest)
        if smaller is part:
            state = tree_start(part.edges, frames, relative, K)
            hints = {n: view.cam_to_world_hint for n, view in enumerate(part.views)}
            poses = {n: np.asarray(hint, dtype=np.float64) for n, hint in hints.items() if hint is not None}
            if len(poses) == len(hints):
                state = onto_poses(state, observations, poses)
            return Beginning(part, observations, held(priors, part.kept), state, {})
        part = smaller


def _focal_known(part: Part, priors: Priors) -> list[bool]:
    """Per view of the part, whether its K says something, so that its focal length is no guess."""
    told = set(priors.K) | {
        v for group in priors.same_focal if any(k in priors.K for k in group) for v in group
    }
    return [view.K_hint is not None or v in told for v, view in zip(part.kept, part.views, strict=True)]
