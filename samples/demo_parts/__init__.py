# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``make demo`` is made of.

``clicks`` says where to click, ``artist`` does it in Blender, ``measure`` compares with the truth, ``stage``
renders the objects pulled out of the scene, ``page`` lays the picture out.
"""
