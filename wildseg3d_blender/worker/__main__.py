# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m wildseg3d_blender.worker``: the worker process; see ``protocol`` for what it understands."""

from __future__ import annotations

import faulthandler
import io
import logging
import os
import sys

from ..files.scratch import scratch_folder
from .server import Server


def main() -> None:
    """Serve on stdin and stdout until stdin ends."""
    reader, writer = _take_protocol_streams()
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    faulthandler.enable()  # a crash in a native library shows where it was
    with scratch_folder() as scratch:
        Server(reader, writer, scratch).serve()
    sys.stderr.flush()
    # The reading thread may still wait inside stdin; an ordinary exit would wait for its lock.
    os._exit(0)


def _take_protocol_streams() -> tuple[io.BufferedReader, io.BufferedWriter]:
    """Keep the protocol's two pipes for ourselves.

    Native libraries print to file descriptor 1 without asking, and a child process would share both. So
    the pipes move to descriptors that nobody else knows, 1 becomes stderr, and 0 becomes empty.
    """
    reader = os.fdopen(os.dup(0), "rb")
    writer = os.fdopen(os.dup(1), "wb")
    sys.stdout.flush()
    os.dup2(2, 1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return reader, writer


if __name__ == "__main__":
    main()
