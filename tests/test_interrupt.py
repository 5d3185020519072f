# SPDX-License-Identifier: GPL-3.0-or-later
"""Interrupts become Cancelled, also where native code makes something else of them."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pycolmap
import pytest

from wildseg3d_blender.errors import Cancelled, SceneError
from wildseg3d_blender.interrupt import CancelOnInterrupt


@pytest.fixture(autouse=True)
def handler_put_back() -> Iterator[None]:
    before = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, before)


class InterruptedPath:
    """A path during whose reading Ctrl-C is pressed."""

    def __fspath__(self) -> str:
        signal.raise_signal(signal.SIGINT)
        return os.devnull


def test_native_code_that_takes_it_for_a_wrong_argument_is_cancelled() -> None:
    with pytest.raises(Cancelled) as raised, CancelOnInterrupt():
        pycolmap.Database.open(InterruptedPath())
    assert isinstance(raised.value.__cause__, TypeError)


def test_it_is_raised_at_once() -> None:
    with pytest.raises(Cancelled) as raised, CancelOnInterrupt():
        signal.raise_signal(signal.SIGINT)
        raise AssertionError("not reached")
    assert raised.value.__cause__ is None


def test_errors_that_nobody_interrupted_are_what_they_are() -> None:
    with pytest.raises(SceneError), CancelOnInterrupt() as interrupt:
        raise SceneError("The scene is gone: choose another.")
    assert not interrupt.asked


def test_outside_the_block_nothing_is_raised() -> None:
    with CancelOnInterrupt() as interrupt:
        pass
    signal.raise_signal(signal.SIGINT)
    assert interrupt.asked
