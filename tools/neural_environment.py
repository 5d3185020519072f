# SPDX-License-Identifier: GPL-3.0-or-later
"""The environment of the networks' tests and benchmarks, made by the code that users run.

    python tools/neural_environment.py FOLDER [--torch-backend auto]

torch's CPU build unless another one is asked for: it is a tenth of the others' download. Where PyTorch's own
index is out of reach, torch comes from where pip gets its packages. DUSt3R's code is part of it (CC BY-NC-SA
4.0, for non-commercial use), without weights; the tests' own packages are (``vendor/neural-tests.lock``).
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).absolute().parents[1]
TESTS_LOCK = ROOT / "vendor" / "neural-tests.lock"
sys.path.insert(0, str(ROOT))

from wildseg3d_blender.cli.terminal import terminal_progress  # noqa: E402
from wildseg3d_blender.errors import DiskSpaceError, NeuralError  # noqa: E402
from wildseg3d_blender.neural.environment import Environment  # noqa: E402
from wildseg3d_blender.neural.install import install  # noqa: E402
from wildseg3d_blender.neural.recipe import Recipe, Source  # noqa: E402
from wildseg3d_blender.neural.space import readable  # noqa: E402


def main(arguments: Sequence[str] | None = None) -> int:
    """Make it, or finish or renew the one that is there."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--torch-backend", default="cpu", help="as uv names it: cpu, auto, cu130 ...")
    options = parser.parse_args(arguments)
    try:
        made = make(options.folder.absolute(), options.torch_backend)
    except NeuralError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"torch {made.versions['torch']} on {made.device}, {readable(made.bytes)} in {options.folder}")
    return 0


def make(folder: Path, torch_backend: str) -> Environment:
    """The environment with what its tests need.

    Raises:
        NeuralError: it could not be made.
    """
    watch = terminal_progress(sys.stderr)
    # An index that cannot be reached is not waited for long: there is another way.
    os.environ.setdefault("UV_HTTP_TIMEOUT", "30")
    try:
        made = install(folder, source=Source(torch_backend), dust3r=True, progress=watch)
    except DiskSpaceError:
        raise
    except NeuralError as error:
        print(f"{error}\nTrying again with the torch that pip finds.", file=sys.stderr)
        with tempfile.TemporaryDirectory() as wheels:
            _pip("download", "--no-deps", "--dest", wheels, "--requirement", Recipe().torch)
            source = Source("none", find_links=(wheels,))
            made = install(folder, source=source, dust3r=True, progress=watch)
    # By the development environment's pip: the new one has none. torchvision would bring another torch.
    _pip("--python", made.python, "install", "--no-deps", "--require-hashes", "--requirement", TESTS_LOCK)
    return made


def _pip(*words: str | Path) -> None:
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *map(str, words)]
    if subprocess.run(command, check=False).returncode:
        raise NeuralError(
            f"pip could not {words[0] if words[0] == 'download' else 'install'} what is needed."
        )


if __name__ == "__main__":
    raise SystemExit(main())
