# SPDX-License-Identifier: GPL-3.0-or-later
"""Making the neural environment, step by step, with uv.

uv knows which build of torch fits which driver and card, so we keep no table of that. It comes as a wheel
that our lock pins, fetched by the pip that every Python carries inside (``ensurepip``), which heeds the
user's own proxy, certificate and mirror settings; neither git nor a compiler nor admin rights are needed.
Three packages come as sources (sam2, iopath, antlr4): pure Python, built by setuptools from the lock, with
``SAM2_BUILD_CUDA=0`` and without build environments of their own, which would fetch torch once more.

Every step looks first at what is there. Killed in any of them and started again, the next run keeps what was
fetched (uv's cache, file by file) and lays the packages out anew, since the one being copied may be half.
"""

from __future__ import annotations

import os
import re
import sys
import sysconfig
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from importlib import util
from pathlib import Path

from ..errors import NeuralError
from ..progress import Progress, silent, span
from .environment import CHOSEN, INSTALLED, Environment, interpreter_in, prove, write_json
from .failures import explain
from .folder_lock import exclusive
from .offline import require_online
from .places import default_folder, short_enough
from .processes import Finished, run
from .recipe import PYTHONS, Recipe, Source, kind_of_build
from .space import bytes_of, check_space

UNFINISHED = "unfinished"
"""A file in the folder while packages are being laid out; still there, it says that some may be half."""

STEPS: tuple[tuple[str, str, float], ...] = (
    ("check", "Checking disk space", 0.0),
    ("installer", "Fetching the installer", 0.02),
    ("python", "Making the environment", 0.04),
    ("choose", "Choosing the torch build", 0.05),
    ("torch", "Installing torch", 0.08),
    ("packages", "Installing the networks", 0.75),
    ("verify", "Trying the networks out", 0.95),
)
"""Name, text for people, and the share of the whole at which each begins."""


@dataclass(frozen=True)
class _Making:
    """What the steps share."""

    folder: Path
    recipe: Recipe
    source: Source
    base_python: Path
    dust3r: bool

    @property
    def uv(self) -> Path:
        return self.folder / "tools" / "bin" / ("uv.exe" if sys.platform == "win32" else "uv")

    @property
    def python(self) -> Path:
        return interpreter_in(self.folder / "env")

    @property
    def torch_lock(self) -> Path:
        return self.folder / "torch.lock"


def install(
    folder: Path | None = None,
    *,
    recipe: Recipe | None = None,
    source: Source | None = None,
    base_python: Path | None = None,
    dust3r: bool = False,
    progress: Progress = silent,
) -> Environment:
    """Make the environment, or finish or renew the one that is there; from then on it is the one used.

    Args:
        base_python: the Python to make it from, read only; by default the one that runs this.
        dust3r: whether DUSt3R's code, which is for non-commercial use, belongs into it.
        progress: its stages are the names in ``STEPS``.

    Raises:
        NeuralError: it could not be made; what was fetched is kept for the next try.
        Cancelled: as asked; likewise.
    """
    base = base_python or Path(sys.executable)
    work = _Making(folder or default_folder(), recipe or Recipe(), source or Source(), base, dust3r)
    steps = {name: _stage(progress, index) for index, (name, _, _) in enumerate(STEPS)}
    _check(work, steps["check"])
    with exclusive(work.folder):
        _remember_unfinished(work)
        _fetch_installer(work, steps["installer"])
        _make_environment(work, steps["python"])
        _choose_torch(work, steps["choose"])
        _install_packages(work, steps)
        proven = prove(work.python, work.recipe, steps["verify"])
        made = replace(proven, digest=work.recipe.digest(), bytes=bytes_of(work.folder))
        write_json(work.folder / INSTALLED, asdict(made))
        (work.folder / UNFINISHED).unlink(missing_ok=True)
        (work.folder / CHOSEN).unlink(missing_ok=True)
    progress("verify", 1.0, "Installed")
    return made


def _check(work: _Making, progress: Progress) -> None:
    """Everything that can be known before a byte is written."""
    progress("check", 0.0)
    if not work.source.online and not work.source.is_local:
        require_online(False, "install the neural environment")
    if not short_enough(work.folder):
        raise NeuralError(
            f"{work.folder} is too long a path for Windows: torch's files would not fit inside. Choose a "
            r"shorter folder, such as C:\WildSeg3D."
        )
    _check_base(work)
    missing = next((path for path in _locks(work) if not path.is_file()), None)
    if missing:
        raise NeuralError(f"{missing} is missing: install the extension again.")
    if not (work.folder / INSTALLED).exists():
        there = bytes_of(work.folder / "env", work.folder / "cache")
        check_space(work.folder, max(0, work.recipe.needed_bytes["cpu"] - there), "The neural environment")


def _check_base(work: _Making) -> None:
    asked: list[str | Path] = [work.base_python, "-I", "-c", "import sys; print(*sys.version_info[:2])"]
    said = run(asked, folder=Path(sys.prefix), variables={}, watch=lambda line: None)
    version = tuple(int(word) for word in said.text.split()) if not said.code else ()
    if not PYTHONS[0] <= version <= PYTHONS[1]:
        raise NeuralError(
            f"{work.base_python} is not a Python that torch is there for (3.{PYTHONS[0][1]} to "
            f"3.{PYTHONS[1][1]}): name another one with --python."
        )


def _locks(work: _Making) -> list[Path]:
    return [*work.recipe.requirements(work.dust3r), work.recipe.torch, work.recipe.installer]


def _remember_unfinished(work: _Making) -> None:
    # While packages change there is no environment that anything could be started in.
    (work.folder / INSTALLED).unlink(missing_ok=True)
    mark = work.folder / UNFINISHED
    mark.write_text(f"{mark.read_text() if mark.exists() else ''}{time.strftime('%F %T')}\n")


def _fetch_installer(work: _Making, progress: Progress) -> None:
    """uv, as the lock pins it, into ``tools``."""
    wanted = work.recipe.installer.read_text(encoding="utf-8").split()[0].partition("==")[2]
    if work.uv.exists() and wanted in _run(work, [work.uv, "--version"], progress, "installer").text:
        return
    command: list[str | Path] = [
        work.base_python,
        "-I",
        *_pip(),
        "install",
        "--disable-pip-version-check",
        "--no-input",
    ]
    command += ["--require-hashes", "--no-deps", "--only-binary", ":all:", "--upgrade"]
    command += ["--target", work.folder / "tools", "--requirement", work.recipe.installer]
    finished = _run(work, [*command, *work.source.pip_options()], progress, "installer")
    explain(finished, "The installer (uv)")


def _pip() -> list[str | Path]:
    """The arguments that make a Python run pip, without installing it anywhere."""
    bundled = util.find_spec("ensurepip")
    places = [str(sysconfig.get_config_var("WHEEL_PKG_DIR") or ""), "/usr/share/python-wheels"]
    if bundled is not None and bundled.origin is not None:
        places.insert(0, str(Path(bundled.origin).parent / "_bundled"))
    for place in filter(None, places):  # distributions keep the wheel in a place of their own
        if wheels := sorted(Path(place).glob("pip-*.whl")):
            return [wheels[-1] / "pip"]
    if util.find_spec("pip") is not None:
        return ["-m", "pip"]
    raise NeuralError(
        "This Python has no pip inside, which fetches the installer: on Debian and Ubuntu install "
        "python3-venv; or make an environment by hand (see vendor/README.md) and choose it instead."
    )


def _make_environment(work: _Making, progress: Progress) -> None:
    if work.python.exists():
        alive = _run(work, [work.python, "-c", "pass"], progress, "python")
        if not alive.code:
            return
    command: list[str | Path] = [work.uv, "venv", "--clear", "--no-project", "--python", work.base_python]
    finished = _run(work, [*command, work.folder / "env"], progress, "python")
    explain(finished, f"The environment from {work.base_python}")


def _choose_torch(work: _Making, progress: Progress) -> None:
    """Write ``torch.lock``: the build for this machine, with hashes; then see whether it fits on the disk."""
    made_from = f"# {work.recipe.digest()} {work.source.torch_backend} {_graphics_driver()} {work.python}\n"
    lock = work.torch_lock
    known = lock.read_text(encoding="utf-8") if lock.exists() else ""
    if not known.startswith(made_from):
        constraints = [word for path in work.recipe.requirements(True) for word in ("--constraints", path)]
        fresh = lock.with_name("torch.lock.partial")
        command: list[str | Path] = [
            work.uv,
            "pip",
            "compile",
            "--python",
            work.python,
            "--generate-hashes",
            "--no-header",
        ]
        command += ["--no-annotate", "--output-file", fresh, *constraints, *work.source.uv_options()]
        command += [*_backend(work.source), work.recipe.torch]
        fresh.unlink(missing_ok=True)
        explain(_run(work, command, progress, "choose"), "torch")
        known = made_from + fresh.read_text(encoding="utf-8")
        fresh.write_text(known, encoding="utf-8")
        fresh.replace(lock)
    there = bytes_of(work.folder / "env", work.folder / "cache")
    kind = kind_of_build(known)
    check_space(
        work.folder, max(0, work.recipe.needed_bytes[kind] - there), f"torch for this machine ({kind})"
    )


def _backend(source: Source) -> list[str]:
    return [] if source.torch_backend == "none" else ["--torch-backend", source.torch_backend]


def _graphics_driver() -> str:
    """What makes uv choose again when it changes."""
    version = Path("/proc/driver/nvidia/version")
    return re.sub(r"\W+", "-", version.read_text().splitlines()[0]) if version.exists() else "-"


def _install_packages(work: _Making, steps: dict[str, Progress]) -> None:
    """torch first: it brings setuptools, which the sources among the rest are built with."""
    locks: dict[str, list[Path]] = {
        "torch": [work.torch_lock],
        "packages": [work.torch_lock, *work.recipe.requirements(work.dust3r)],
    }
    again = (work.folder / UNFINISHED).read_text().count("\n") > 1
    for step, files in locks.items():
        command: list[str | Path] = [work.uv, "pip", "install", "--python", work.python, "--require-hashes"]
        command += ["--no-deps", "--no-build-isolation", *work.source.uv_options(), *_backend(work.source)]
        command += [word for path in files for word in ("--requirement", path)]
        command += ["--reinstall"] if again and step == "torch" else []
        watch = _growing(work, steps[step], kind_of_build(work.torch_lock.read_text(encoding="utf-8")))
        explain(_run(work, command, watch, step), "The neural environment")


def _growing(work: _Making, progress: Progress, kind: str) -> Progress:
    """Progress by what has arrived on the disk; uv draws its own bars for people at terminals only."""
    expected, looked = work.recipe.needed_bytes[kind], [0.0, 0.0]

    def watched(stage: str, fraction: float, text: str = "") -> None:
        if time.monotonic() - looked[0] > 2.0:
            here = bytes_of(work.folder / "env", work.folder / "cache")
            looked[:] = [time.monotonic(), min(here / expected, 1.0)]
        progress(stage, looked[1], text)

    return watched


def _run(work: _Making, command: Sequence[str | Path], progress: Progress, step: str) -> Finished:
    """Run a step's program, passing on what it says as the progress's text."""
    text = [next(text for name, text, _ in STEPS if name == step)]

    def watch(line: str) -> None:
        if line.strip().startswith(("Downloading", "Building", "Prepared", "Installed", "Collecting")):
            text[0] = line.strip()
        progress(step, 0.0, text[0])

    return run(command, folder=work.folder, variables=_variables(work), watch=watch)


def _variables(work: _Making) -> dict[str, str]:
    variables = {
        "UV_CACHE_DIR": str(work.folder / "cache"),
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_NO_PROGRESS": "1",
        # A project around the folder, or the user's settings for other work, may override versions.
        "UV_NO_CONFIG": "1",
        "UV_HTTP_TIMEOUT": os.environ.get("UV_HTTP_TIMEOUT", "120"),
        "SAM2_BUILD_CUDA": "0",
    }
    return variables if work.source.online else {**variables, "UV_OFFLINE": "1"}


def _stage(progress: Progress, index: int) -> Progress:
    """The whole job's progress for one step, with the step's text where the step says none."""
    name, title, start = STEPS[index]
    end = STEPS[index + 1][2] if index + 1 < len(STEPS) else 1.0
    inner = span(progress, start, end)

    def stage(stage: str, fraction: float, text: str = "") -> None:
        inner(name, fraction, text or title)

    return stage
