# SPDX-License-Identifier: GPL-3.0-or-later
"""The sentence for those who asked for something from the internet while it is switched off."""

from __future__ import annotations

from ..errors import NeuralError


def require_online(online: bool, what: str) -> None:
    """See to it that the internet may be used to ``what`` ("install ...").

    Raises:
        NeuralError: it may not; the sentence says where that is switched on and what goes without.
    """
    if not online:
        raise NeuralError(
            f"To {what}, files from the internet are needed, and online access is switched off: allow it in "
            "Edit > Preferences > System > Network (on the command line leave out --offline), or use files "
            "from a folder, see vendor/README.md.",
        )
