# SPDX-License-Identifier: GPL-3.0-or-later
"""What a reconstruction is said to take, before it runs."""

from __future__ import annotations

import numpy as np
import pytest

from wildseg3d_blender.neural.estimate import (
    ALIGNING,
    ANSWERS,
    ENCODERS,
    GB,
    LOADING,
    POINTS,
    SAM2_WEIGHTS,
    WINDOWS,
    Asked,
    amount,
    duration,
    dust3r_estimate,
    installed_memory,
    sam2_estimate,
    smaller_preset,
    stereo_estimate,
)
from wildseg3d_blender.neural.presets import PRESETS, expected_further_pairs, expected_pairs
from wildseg3d_blender.neural.registry import find_model
from wildseg3d_blender.pipeline.engines.dust3r.pairs import chosen_pairs, further_pairs
from wildseg3d_blender.pipeline.segmentation.sam2.automatic import Search
from wildseg3d_blender.pipeline.segmentation.sam2.segmenter import BEST_FIRST, ON_CPU
from wildseg3d_blender.progress import silent

SPEED = {"encode": 0.05, "pair": 0.1}


def _alike(count: int, kind: str) -> np.ndarray:
    """Similarities of photos taken on a line, around an object, or from anywhere."""
    rng = np.random.default_rng(count)
    if kind == "line":
        distance = np.abs(np.subtract.outer(np.arange(count), np.arange(count))) / 3.0
    elif kind == "circle":
        angle = rng.uniform(0, 2 * np.pi, count)
        distance = np.abs(np.angle(np.exp(1j * np.subtract.outer(angle, angle)))) * count / 6
    else:
        place = rng.normal(size=(count, 2))
        distance = np.linalg.norm(place[:, None] - place, axis=-1)
    return np.exp(-distance)


@pytest.mark.parametrize("quality", PRESETS)
@pytest.mark.parametrize("kind", ["line", "circle", "anywhere"])
def test_expected_pairs_are_about_those_chosen(quality: str, kind: str) -> None:
    for count in (2, 3, 5, 6, 10, 12, 13, 20, 40):
        chosen = len(chosen_pairs(_alike(count, kind), PRESETS[quality]))
        said = expected_pairs(count, PRESETS[quality])
        if count <= PRESETS[quality].complete_up_to:
            assert said == chosen
        else:
            assert said == pytest.approx(chosen, rel=0.25)


@pytest.mark.parametrize("quality", PRESETS)
def test_pairs_that_add_photos_are_about_those_chosen(quality: str) -> None:
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (48, 64, 3), dtype=np.uint8) for _ in range(16)]
    for placed, new in ((2, 1), (4, 1), (9, 2), (14, 2)):
        chosen = len(further_pairs(images[: placed + new], placed, PRESETS[quality], silent))
        said = expected_further_pairs(placed, new, PRESETS[quality])
        if placed + new <= PRESETS[quality].complete_up_to:
            assert said == chosen
        else:
            # Which photos look alike decides: with noise for photos that is chance.
            assert 0.4 * said <= chosen <= 2.0 * said


def test_adding_photos_takes_less_than_all_of_them() -> None:
    whole = dust3r_estimate(Asked(11, "balanced"), "cpu", SPEED)
    added = dust3r_estimate(Asked(11, "balanced", placed=9), "cpu", SPEED)
    assert Asked(11, "balanced", placed=9).pairs == 2 * 9 + 2
    assert added.seconds < 0.7 * whole.seconds and added.memory < whole.memory


def test_stereo_takes_what_was_measured() -> None:
    nine, twenty = (stereo_estimate(count, cores=2) for count in (9, 20))
    assert nine.seconds == pytest.approx(20, rel=0.1) and twenty.seconds == pytest.approx(55, rel=0.1)
    assert nine.memory == pytest.approx(0.6 * GB, rel=0.05)
    assert twenty.memory == pytest.approx(0.8 * GB, rel=0.05)
    assert stereo_estimate(9, cores=8).seconds < nine.seconds / 3
    small, large = (stereo_estimate(11, 2, size) for size in (256, 1024))
    assert large.seconds == pytest.approx(2 * small.seconds, rel=0.1)
    assert large.memory == pytest.approx(1.35 * GB, rel=0.05)
    assert small.memory == stereo_estimate(11, 2).memory
    assert stereo_estimate(9, cores=0).seconds == stereo_estimate(9, cores=1).seconds


def test_dust3r_takes_encodings_and_pairs() -> None:
    balanced, fine = (dust3r_estimate(Asked(10, quality), "cuda", SPEED) for quality in ("balanced", "fine"))
    assert fine.seconds - balanced.seconds == pytest.approx(45 * (SPEED["pair"] + ALIGNING))
    assert balanced.card == fine.card == pytest.approx(3.6 * GB)
    on_cpu = dust3r_estimate(Asked(10, "balanced"), "cpu", SPEED)
    small, large = (dust3r_estimate(Asked(10, "fine", size), "cuda", SPEED) for size in (256, 1024))
    assert small.seconds < fine.seconds / 2 and small.card < fine.card and large == fine
    assert on_cpu.card == 0.0 and on_cpu.memory > balanced.memory + 3 * GB


def test_a_smaller_preset_is_named_where_one_fits() -> None:
    needs = {q: dust3r_estimate(Asked(60, q), "cuda", SPEED).memory for q in PRESETS}
    assert needs["fast"] < needs["balanced"] < needs["fine"]
    assert smaller_preset(Asked(60, "fine"), "cuda", SPEED, needs["balanced"]) == "balanced"
    assert smaller_preset(Asked(60, "fine"), "cuda", SPEED, needs["fast"]) == "fast"
    assert smaller_preset(Asked(60, "fine"), "cuda", SPEED, needs["fast"] - 1) == ""
    assert smaller_preset(Asked(60, "fast"), "cuda", SPEED, 1e15) == ""


def test_figures_are_as_round_as_they_are_sure() -> None:
    assert [duration(seconds) for seconds in (1, 22, 90, 600, 5400)] == [
        "5 s",
        "20 s",
        "2 min",
        "10 min",
        "1.5 h",
    ]
    assert [amount(count) for count in (0.61e9, 3.6e9, 24.2e9)] == ["0.6 GB", "4 GB", "24 GB"]


def test_this_computer_has_memory() -> None:
    memory = installed_memory()
    assert memory is None or memory > 0.5 * GB


def test_finding_objects_grows_with_photos_and_with_the_network() -> None:
    on_cpu, on_card = {"photo": 5.0, "point": 0.15}, {"photo": 0.05, "point": 0.001, "follow": 0.01}
    ten, twenty = (sam2_estimate(views, "cpu", on_cpu, "sam2.1-tiny") for views in (10, 20))
    # Ten photos, three of them searched, twenty objects carried into nine others.
    carried = 20 * 9 * (ANSWERS * 0.15 + WINDOWS * 5.0)
    assert ten.seconds == pytest.approx(LOADING + 50.0 + 3 * 144 * 0.15 + carried)
    assert 1.8 * ten.seconds < twenty.seconds < 2.3 * ten.seconds
    assert ten.card == 0 and ten.memory < twenty.memory < 2.5 * GB
    small, large = (sam2_estimate(10, "cuda", on_card, name) for name in ("sam2.1-tiny", "sam2.1-large"))
    assert small.seconds < large.seconds < ten.seconds / 10
    assert 0.5 * GB < small.card < large.card < 3 * GB


def test_finding_objects_is_estimated_for_what_is_searched() -> None:
    assert POINTS["cpu"] == ON_CPU.points**2 and not ON_CPU.tracked
    assert POINTS["cuda"] == POINTS["mps"] == Search().points ** 2 and Search().tracked
    assert set(ENCODERS) == set(SAM2_WEIGHTS) == set(BEST_FIRST)
    for name, weights in SAM2_WEIGHTS.items():
        assert weights == pytest.approx(find_model(name).bytes, rel=0.03)
