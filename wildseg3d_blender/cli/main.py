# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: ``scene_commands`` and ``neural_commands``, run with progress, cancelled with Ctrl-C.

Exit codes: 0 done, 1 it could not be done (one sentence on stderr says why), 2 not understood,
130 cancelled with Ctrl-C. With --json the last line of stdout is one JSON object: the result, or
{"error": {"code", "message", "fix"}}.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from typing import Any

from .. import __version__
from ..errors import Cancelled, WildSegError
from ..files.scratch import scratch_folder
from ..interrupt import CancelOnInterrupt
from ..neural import running
from ..progress import Progress
from . import neural_commands, scene_commands
from .terminal import terminal_progress

Run = Callable[[argparse.Namespace, Progress], tuple[dict[str, Any], str]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        code = running.elsewhere(options, sys.argv[1:] if arguments is None else arguments)
    except WildSegError as error:
        return _failed(options, error, 1)
    if code is not None:
        return code
    run: Run = options.run
    show = terminal_progress(sys.stderr)
    try:
        with CancelOnInterrupt() as interrupt, scratch_folder():

            def progress(stage: str, fraction: float, text: str = "") -> None:
                if interrupt.asked:
                    raise Cancelled
                show(stage, fraction, text)

            result, summary = run(options, progress)
    except WildSegError as error:
        return _failed(options, error, 130 if isinstance(error, Cancelled) else 1)
    except Exception as error:
        # A bug: its traceback goes to stderr, but whoever reads stdout gets an answer.
        if options.json:
            _print_error("internal", f"{type(error).__name__}: {error}", None)
        raise
    print(json.dumps(result, ensure_ascii=False) if options.json else summary)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="wildseg3d_blender", description="Photos to a 3D scene, any object out of it with a click."
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    scene_commands.add_commands(commands, _command)
    neural_commands.add_commands(commands, _command)
    return parser


def _command(commands: Any, name: str, run: Run, text: str, more: str = "") -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        name,
        help=text,
        description=text,
        epilog=more,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(run=run)
    command.add_argument("--json", action="store_true", help="one JSON object on the last line of stdout")
    return command


def _failed(options: argparse.Namespace, error: WildSegError, code: int) -> int:
    sys.stdout.flush()
    if sys.stderr.isatty():
        sys.stderr.write("\n")
    print(error.message, file=sys.stderr)
    if options.json:
        _print_error(error.code, error.message, error.fix)
    return code


def _print_error(code: str, message: str, fix: str | None) -> None:
    body = {"code": code, "message": message, "fix": fix}
    print(json.dumps({"error": body}, ensure_ascii=False), flush=True)
