# SPDX-License-Identifier: GPL-3.0-or-later
"""How the table is photographed: a 36 mm lens at f/8 on a full frame sensor, eleven photos."""

from __future__ import annotations

from samples.studio.camera import Lens, Walk

LENS = Lens((1080, 720), focal=36.0)

WALK = Walk(
    name="table",
    seed=77,
    count=11,
    arc=84.0,
    aim=(0.035, 0.045, 0.045),
    wander=0.014,
    elevation=27.0,
    climbs=(-3.0, 3.5),
    distance=0.87,
    steps=(-0.035, 0.045),
    nearer=0.03,
)
