# SPDX-License-Identifier: GPL-3.0-or-later
"""The segmenter itself: SAM 2 answers in the view prompted, geometry carries the answer to the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ....errors import NeuralError, PromptError
from ....progress import Progress
from ....prompts import Box, Prompt
from ....scene.folder import Scene
from .. import Masks
from ..pixel_prompts import PixelPrompts, pixel_prompts
from ..proposals import Proposal
from .answering import Answering, Shown, boxes_on, clicks_on, obeying
from .automatic import Search
from .carrying import Carrying
from .encodings import Encodings
from .first_click import first_answer
from .grids import as_logits
from .overlap import carrying_order
from .proposing import propose
from .surfaces import Surfaces
from .transfer import FEWEST, MISTAKE, contradictions, guess, votes_on

if TYPE_CHECKING:
    from .network import Sam2Network

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]


ON_CPU = Search(points=12, at_once=16, tracked=False)
"""A CPU decodes a point in a third of a second, and looks back on its memory in some seconds for each object
and view; a GPU does either in milliseconds."""

BEST_FIRST = ("sam2.1-large", "sam2.1-base-plus", "sam2.1-small", "sam2.1-tiny")
"""The networks that a GPU runs at once; a CPU takes the smallest there is."""


class Sam2Segmenter:
    """Masks by SAM 2 (Ravi et al. 2024) that agree in 3D; see ``Segmenter`` and ``Proposer``.

    Making one encodes every photo of the scene; whatever is asked then starts from those features. It keeps
    no state between calls.
    """

    name = "sam2"

    def __init__(
        self,
        scene: Scene,
        progress: Progress,
        *,
        load: Callable[[], Sam2Network] | None = None,
        search: Search | None = None,
    ) -> None:
        """Prepare for ``scene``.

        Args:
            load: gives the network; by default the installed one.
            search: how thoroughly to look for objects; by default as the device allows.

        Raises:
            NeuralError: torch, the network's code or its weights are not there.
            SceneError: a picture of the scene is missing or damaged.
        """
        progress("network", 0.0, "Loading SAM 2")
        self.scene = scene
        network = (load or installed_network)()
        encodings = Encodings(scene, network)
        for number, view in enumerate(scene.views):
            progress("encoding", 0.05 + 0.9 * number / len(scene.views), f"Encoding {view.name}")
            encodings.of(number)
        self._surfaces = Surfaces(scene)
        self._shares = self._surfaces.overlaps()
        self._answering = Answering(scene, network, encodings)
        self._carrying = Carrying(scene, network, encodings, self._answering, self._surfaces, self._shares)
        self._search = search or (ON_CPU if network.device.type == "cpu" else Search())

    def segment(
        self,
        prompts: Sequence[Prompt],
        *,
        previous: Mapping[str, NDArray[np.bool_]] | None = None,
        progress: Progress,
    ) -> Masks:
        """Masks of the object in every view, as ``Segmenter.segment`` describes.

        Raises:
            PromptError: see ``pixel_prompts``; or ``previous`` does not fit the scene.
        """
        found = pixel_prompts(self.scene, prompts)
        started = previous is not None and any(np.any(mask) for mask in previous.values())
        if previous is not None and started and not isinstance(prompts[-1], Box):
            logits = self._corrected(found, self._checked(previous), progress)
        else:
            logits = self._anew(found, progress)
        return {view.name: logits[number] > 0 for number, view in enumerate(self.scene.views)}

    def proposals(self, progress: Progress) -> Iterator[Proposal]:
        """Objects of the scene, as ``Proposer.proposals`` describes."""
        return propose(self._carrying, self._search, progress)

    def _anew(self, found: PixelPrompts, progress: Progress) -> dict[int, Floats]:
        """Logits in every view from prompts alone."""
        pointed_at = [click.view for click in found.clicks if click.positive]
        pointed_at += [box.view for box in found.boxes]
        logits: dict[int, Floats] = {}
        for view in dict.fromkeys(pointed_at):
            progress("segment", 0.1, "Finding the object")
            logits[view] = self._obeying(self._prompted(found, view), found, view)
        order = carrying_order(self._shares, list(logits))
        for number, view in enumerate(order):
            progress("segment", 0.2 + 0.7 * number / len(order), f"Finding it in {self._name(view)}")
            carried = self._carrying.carry(view, logits, clicks_on(found, view))
            logits[view] = self._obeying(carried, found, view)
        progress("segment", 0.95, "Comparing views")
        clicked = {view: self._clicked(found, view) for view in logits}
        return self._carrying.agreed(logits, clicked)

    def _prompted(self, found: PixelPrompts, view: int) -> Floats:
        """The answer to a view's own prompts: with boxes, what is in any of them."""
        clicks, boxes = clicks_on(found, view), boxes_on(found, view)
        if not boxes:
            if len(clicks.labels) == 1:
                return first_answer(self._carrying, view, clicks)
            return self._answering.answer(view, clicks)
        answers = []
        for box in boxes:
            inside = np.array(
                [
                    (box.points[0] <= point).all() and (point <= box.points[1]).all()
                    for point in clicks.points
                ],
                bool,
            )
            answers.append(
                self._answering.answer(view, box.with_clicks(clicks.points[inside], clicks.labels[inside]))
            )
        return np.maximum.reduce(answers)

    def _corrected(
        self, found: PixelPrompts, previous: dict[int, Bools], progress: Progress
    ) -> dict[int, Floats]:
        """Logits in every view: ``previous`` but for what the clicks that contradict it say."""
        logits = {view: as_logits(mask) for view, mask in previous.items()}
        wrong = {
            click.view
            for click in found.clicks
            if previous[click.view][click.row, click.column] != click.positive
        }
        progress("segment", 0.1, "Correcting the object")
        for view in wrong:
            shown = clicks_on(found, view)
            shown = Shown(shown.points, shown.labels, logits[view])
            logits[view] = self._obeying(self._answering.answer(view, shown), found, view)
        corrected = {view: logits[view] > 0 for view in wrong}
        others = carrying_order(self._shares, list(wrong)) if wrong else []
        for number, view in enumerate(others):
            progress("segment", 0.3 + 0.7 * number / len(others), f"Correcting it in {self._name(view)}")
            logits[view] = self._obeying(
                self._followed(view, logits[view], corrected, clicks_on(found, view)), found, view
            )
        return logits

    def _followed(self, view: int, before: Floats, corrected: Mapping[int, Bools], shown: Shown) -> Floats:
        """A view's logits after other views were corrected; ``before`` where that changes nothing here."""
        mask = before > 0
        lean = votes_on(self._surfaces, corrected, view, mask.shape).lean()
        points, labels = contradictions(mask, lean, int(mask.sum()))
        wanted = guess(lean, before)
        changed = int(((wanted > 0) != mask).sum())
        if len(points) == 0 or changed <= max(MISTAKE * int(mask.sum()), FEWEST):
            return before
        answer = self._answering.answer(view, shown.with_clicks(points, labels, wanted))
        return self._carrying.better(answer, wanted, lean)

    def _checked(self, previous: Mapping[str, NDArray[np.bool_]]) -> dict[int, Bools]:
        masks = {}
        for number, view in enumerate(self.scene.views):
            mask = previous.get(view.name)
            if mask is None or mask.shape != view.size[::-1]:
                raise PromptError(
                    f"The previous masks do not fit {view.name}: remove the object and click anew."
                )
            masks[number] = np.asarray(mask, dtype=bool)
        return masks

    def _obeying(self, logits: Floats, found: PixelPrompts, view: int) -> Floats:
        return obeying(logits, [click for click in found.clicks if click.view == view])

    def _clicked(self, found: PixelPrompts, view: int) -> Bools:
        """The pixels (H, W) of a view's positive clicks and boxes."""
        clicked = np.zeros(self.scene.views[view].size[::-1], bool)
        for click in found.clicks:
            if click.view == view and click.positive:
                clicked[click.row, click.column] = True
        for box in found.boxes:
            if box.view == view:
                clicked[box.row0 : box.row1, box.column0 : box.column1] = True
        return clicked

    def _name(self, view: int) -> str:
        return self.scene.views[view].name


def installed_network() -> Sam2Network:
    """The best of the networks that are there and the device is made for, on the device of this process.

    Raises:
        NeuralError: torch, the network's code or its weights are not there.
    """
    from ....neural.models import path_of, statuses

    try:
        from ...networks import torch_runtime
        from .network import load_network
    except ImportError as error:
        raise NeuralError(
            f"SAM 2 needs the neural environment ({error}): install it in the add-on's preferences."
        ) from error
    device = torch_runtime.pick_device()
    wanted = BEST_FIRST if device.type != "cpu" else BEST_FIRST[::-1]
    there = {status.model.name for status in statuses() if status.path is not None}
    name = next((name for name in wanted if name in there), wanted[0])
    return load_network(name, path_of(name), device)
