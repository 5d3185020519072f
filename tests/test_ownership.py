# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects never share a point: who takes it, who gets it back, and what is left on disk."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.scenes.ball_and_box import BALL, BOX
from tests.scenes.listed import Made, middle_click, same, shown
from wildseg3d_blender.errors import SceneError
from wildseg3d_blender.pipeline.object_writing import SegmentResult
from wildseg3d_blender.pipeline.segment import SceneSession
from wildseg3d_blender.prompts import Box, Click, PromptGroup, one_group, prompt_to_json
from wildseg3d_blender.scene.objects import (
    SceneObject,
    Shared,
    object_folder,
    read_object,
    read_objects,
    remove_object,
    rename_object,
    write_object,
)
from wildseg3d_blender.scene.ownership import (
    Owned,
    changed,
    lost_unasked,
    order_for,
    owned_by,
    owned_points,
)


class Artist:
    """Segments the ball, and the ball with the box, in one scene."""

    def __init__(self, made: Made) -> None:
        self.scene, self.truths = made
        self.session = SceneSession(self.scene.folder)
        self.ball, self.box = middle_click(self.truths, BALL), middle_click(self.truths, BOX)

    def cut_ball(self, *more: Click, shared: Shared = "take", name: str = "Ball") -> SegmentResult:
        return self.session.segment(name, one_group([self.ball, *more]), shared=shared)

    def cut_both(self, *more: Click, shared: Shared = "take") -> SegmentResult:
        return self.session.segment("Both", [PromptGroup((self.ball, *more), size=1)], shared=shared)

    def owned(self, name: str) -> int:
        return size(owned_points(self.scene), name)

    def check(self) -> None:
        """No point is owned twice, and each that is claimed is owned by one that claims it."""
        objects = {item.name: item for item in read_objects(self.scene)}
        owned = owned_points(self.scene)
        assert owned.keys() == objects.keys()
        for view in self.scene.views:
            times = np.sum([points[view.name] for points in owned.values()], axis=0)
            claimed = np.any([item.points[view.name] for item in objects.values()], axis=0)
            np.testing.assert_array_equal(times, claimed.astype(int))
            for name, points in owned.items():
                assert (points[view.name] <= objects[name].points[view.name]).all()


def size(owned: Owned, name: str) -> int:
    return sum(int(mask.sum()) for mask in owned[name].values())


def test_a_later_object_takes_what_it_shares_and_gives_it_back_when_removed(listed_copy: Made) -> None:
    artist = Artist(listed_copy)
    both = artist.cut_both()
    whole = artist.owned("Both")
    assert both.changed == () and whole > 2000
    ball = artist.cut_ball()
    assert ball.changed == ("Both",)
    assert same(dict(ball.owned), dict(ball.object.points))
    assert artist.owned("Both") == whole - size({"Ball": dict(ball.owned)}, "Ball")
    artist.check()
    before = owned_points(artist.scene)
    remove_object(artist.scene, "Ball")
    after = owned_points(artist.scene)
    assert changed(before, after) == ("Both",) and size(after, "Both") == whole
    assert [folder.name for folder in (artist.scene.folder / "objects").iterdir()] == ["Both"]


def test_an_object_may_leave_what_it_shares(listed_copy: Made) -> None:
    artist = Artist(listed_copy)
    artist.cut_ball()
    alone = artist.owned("Ball")
    both = artist.cut_both(shared="leave")
    assert both.changed == () and artist.owned("Ball") == alone
    assert [item.name for item in read_objects(artist.scene)] == ["Both", "Ball"]
    artist.check()
    # The artist chooses otherwise, and back.
    assert artist.cut_both(shared="take").changed == ("Ball",)
    assert artist.owned("Ball") == 0
    assert artist.cut_both(shared="leave").changed == ("Ball",)
    assert artist.owned("Ball") == alone
    artist.check()


def test_correcting_an_object_takes_nothing_elsewhere_but_where_it_is_clicked(listed_copy: Made) -> None:
    artist = Artist(listed_copy)
    artist.cut_both()
    artist.cut_ball()
    alone = artist.owned("Ball")
    elsewhere = middle_click(artist.truths, BOX, "v1")
    assert artist.cut_both(elsewhere).changed == ()
    assert artist.owned("Ball") == alone
    on_the_ball = middle_click(artist.truths, BALL, "v1")
    without = PromptGroup((on_the_ball,), size=-1, subtract=True)
    assert artist.session.segment("Both", [PromptGroup((artist.ball,), size=1), without]).changed == ()
    assert artist.cut_both(elsewhere, on_the_ball).changed == ("Ball",)
    assert artist.owned("Ball") == 0
    artist.check()


def test_an_object_made_smaller_gives_back_what_it_had_taken(listed_copy: Made) -> None:
    artist = Artist(listed_copy)
    artist.cut_both()
    whole = artist.owned("Both")
    artist.cut_ball()
    groups = [PromptGroup((artist.ball,)), PromptGroup((artist.ball,), size=-1, subtract=True)]
    result = artist.session.segment("Ball", groups)
    assert result.changed == ("Both",)
    assert artist.owned("Both") == whole - artist.owned("Ball")
    artist.check()


def test_an_object_whose_points_all_belong_to_others_says_so(listed_copy: Made) -> None:
    artist = Artist(listed_copy)
    artist.cut_both()
    result = artist.cut_ball(shared="leave")
    assert not any(mask.any() for mask in result.owned.values())
    assert any("other objects own all of them" in warning for warning in result.warnings)
    artist.check()


def test_what_another_object_lost_is_told_unless_it_was_clicked_for(listed_copy: Made) -> None:
    artist = Artist(listed_copy)
    artist.cut_ball()

    def told(prompts: tuple[Click, ...], shared: Shared = "take") -> bool:
        result = artist.session.segment("Both", [PromptGroup(prompts, size=1)], shared=shared)
        return any("took 100% of Ball" in warning for warning in result.warnings)

    assert not told((artist.box,), "leave")
    assert told((artist.box,))
    assert not told((artist.box,)), "Ball has nothing more to lose"
    assert not told((artist.box,), "leave")
    assert not told((artist.box, artist.ball)), "the click on the ball says that it is wanted"
    assert artist.owned("Ball") == 0


def _rectangle(rows: slice, columns: slice) -> dict[str, NDArray[np.bool_]]:
    mask = np.zeros((60, 80), dtype=bool)
    mask[rows, columns] = True
    return {"v": mask}


@pytest.mark.parametrize(
    ("box", "meant"),
    [
        (Box("v", 18, 8, 52, 42), True),
        (Box("v", 21, 11, 49, 39), True),  # drawn a little too tightly
        (Box("v", 0, 0, 80, 60), False),  # around something that the mug stands on
        (Box("v", 36, 8, 52, 42), False),  # around a part of it
        (Box("w", 18, 8, 52, 42), False),  # in a photo in which it has no points
    ],
)
def test_a_box_around_another_object_asks_for_it(box: Box, meant: bool) -> None:
    mug = _rectangle(slice(10, 40), slice(20, 50))
    mug["v"][50, 70] = True  # one of its points is astray
    nothing = {"v": np.zeros_like(mug["v"])}
    before: Owned = {"Mug": mug}
    after: Owned = {"Mug": nothing, "Table": mug}
    lost = lost_unasked(before, after, one_group([box]), "Table")
    assert lost == ({} if meant else {"Mug": 1.0})

    old = SceneObject("Table", one_group([Click("v", 5.0, 55.0)]), nothing, nothing, order=3)
    other = SceneObject("Mug", one_group([Click("v", 30.0, 20.0)]), mug, mug, order=5)
    groups = one_group([*old.groups[0].prompts, box])
    assert order_for(groups, "take", old, [other], before) == (6 if meant else 3)


def test_the_same_name_replaces_and_another_does_not(listed_copy: Made) -> None:
    artist = Artist(listed_copy)
    artist.cut_ball(name="Ball/1")
    artist.cut_ball(name="Ball:1")
    artist.session.segment("Ball/1", one_group([artist.box]))
    objects = {item.name: item for item in read_objects(artist.scene)}
    assert set(objects) == {"Ball/1", "Ball:1"}
    assert same(dict(objects["Ball/1"].masks), shown(artist.truths, BOX))
    assert same(dict(objects["Ball:1"].masks), shown(artist.truths, BALL))
    artist.check()


def test_a_renamed_object_keeps_all_else(listed_copy: Made) -> None:
    artist = Artist(listed_copy)
    artist.cut_both()
    artist.cut_ball()
    before = owned_points(artist.scene)
    rename_object(artist.scene, "Ball", "Kugel ü/1")
    after = owned_points(artist.scene)
    assert set(after) == {"Both", "Kugel ü/1"}
    assert same(after["Kugel ü/1"], before["Ball"]) and same(after["Both"], before["Both"])
    # Another may be called as it was, without touching it.
    artist.session.segment("Ball", one_group([artist.box]))
    assert {item.name for item in read_objects(artist.scene)} == {"Ball", "Both", "Kugel ü/1"}
    for old, new, words in (
        ("Ball", "Both", "already"),
        ("Mug", "Cup", "no object named 'Mug'"),
        ("Cup", "Cup", "no object named 'Cup'"),
    ):
        with pytest.raises(SceneError, match=words):
            rename_object(artist.scene, old, new)
    with pytest.raises(SceneError, match="no object named 'Mug'"):
        remove_object(artist.scene, "Mug")


def test_a_damaged_object_is_named_and_can_be_replaced_or_removed(listed_copy: Made) -> None:
    artist = Artist(listed_copy)
    folder = artist.cut_ball().folder
    (folder / "points.npy").write_bytes(b"half")
    with pytest.raises(SceneError, match=r"Ball is damaged .* segment it again, or remove it"):
        artist.cut_both()
    assert SceneSession(artist.scene.folder).cache is not None
    artist.cut_ball()
    artist.cut_both()
    artist.check()
    (folder / "points.npy").unlink()
    remove_object(artist.scene, "Ball")
    artist.check()


def test_objects_of_an_earlier_format_are_claims_in_the_order_of_their_folders(listed_copy: Made) -> None:
    artist = Artist(listed_copy)
    for name in ("Both", "Ball"):
        (artist.cut_both if name == "Both" else artist.cut_ball)()
        folder = object_folder(artist.scene, name)
        assert folder is not None
        item = read_object(artist.scene, folder)
        old = {"name": item.name, "prompts": [prompt_to_json(prompt) for prompt in item.prompts]}
        (folder / "object.json").write_text(json.dumps(old))
        for kind, masks in (("masks", item.masks), ("points", item.points)):
            (folder / f"{kind}.npy").unlink()
            (folder / kind).mkdir()
            for view, mask in masks.items():
                np.save(folder / kind / f"{view}.npy", mask)
    items = read_objects(artist.scene)
    assert [item.name for item in items] == ["Ball", "Both"]
    assert items[0].groups == one_group([artist.ball])
    assert artist.owned("Ball") == 0  # "Both" comes later in the alphabet
    artist.check()
    # Everything of this version comes after them.
    result = artist.session.segment("A box", one_group([artist.box]))
    assert result.changed == ("Both",)
    artist.check()


def test_an_object_that_cannot_be_understood_is_refused_in_one_sentence(listed_copy: Made) -> None:
    artist = Artist(listed_copy)
    file = artist.cut_ball().folder / "object.json"
    good = json.loads(file.read_text())
    for bad in (
        {"name": "Ball"},
        {**good, "groups": [{"prompts": [{"type": "lasso"}]}]},
        {**good, "groups": 3},
        {**good, "order": "first"},
    ):
        file.write_text(json.dumps(bad))
        with pytest.raises(SceneError, match="is damaged"):
            read_objects(artist.scene)


def test_interrupted_in_the_middle_an_object_is_as_it_was(listed_copy: Made) -> None:
    artist = Artist(listed_copy)
    item = artist.cut_ball().object
    before = sorted(path.name for path in artist.scene.folder.rglob("*"))

    class Torn(dict[str, np.ndarray]):
        """Masks that a crash interrupts half way through."""

        def __getitem__(self, name: str) -> np.ndarray:
            if name == "v3":
                raise KeyboardInterrupt
            return super().__getitem__(name)

    with pytest.raises(KeyboardInterrupt):
        write_object(artist.scene, replace(item, points=Torn(item.points)))
    assert sorted(path.name for path in artist.scene.folder.rglob("*")) == before
    artist.check()


def test_order_alone_decides(listed_copy: Made) -> None:
    artist = Artist(listed_copy)
    ball, both = artist.cut_ball().object, artist.cut_both().object
    for first, second in ((1, 2), (2, 1), (-3, 0)):
        owned = owned_by([replace(both, order=first), replace(ball, order=second)])
        assert (size(owned, "Ball") > 0) == (second > first)
