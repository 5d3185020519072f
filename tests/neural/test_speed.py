# SPDX-License-Identifier: GPL-3.0-or-later
"""Measuring how fast a device runs the networks, with the official classes at tiny size."""

from __future__ import annotations

import torch

from tests.neural.tiny_dust3r import CONFIG
from wildseg3d_blender.pipeline.engines.dust3r.speed import _shared_net, measured_speed
from wildseg3d_blender.pipeline.segmentation.sam2 import speed as sam2_speed


def test_a_device_says_what_it_needs() -> None:
    speed = measured_speed(torch.device("cpu"), CONFIG)
    assert set(speed) == {"encode", "pair"}
    assert all(0.0 < seconds < 60.0 for seconds in speed.values())


def test_blocks_share_one_blocks_weights_and_the_work_stays_whole() -> None:
    net = _shared_net(torch.device("cpu"), CONFIG)
    assert len(net.enc_blocks) == CONFIG["enc_depth"] and net.enc_blocks[1] is net.enc_blocks[0]
    assert net.dec_blocks[1] is net.dec_blocks[0] is not net.dec_blocks2[0]
    assert all(bool(values.isfinite().all()) for values in net.parameters())


def test_a_cpu_says_what_finding_objects_needs() -> None:
    speed = sam2_speed.measured_speed(torch.device("cpu"), side=128)
    assert set(speed) == {"photo", "point"}
    assert all(0.0 < seconds < 60.0 for seconds in speed.values())
