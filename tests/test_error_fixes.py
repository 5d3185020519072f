# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors name the operators that mend them: those have to exist."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path
from typing import Any

import wildseg3d_blender

PACKAGE = Path(wildseg3d_blender.__file__).parent


def _named() -> dict[str, set[str]]:
    """Operator -> the modules whose errors name it as ``fix``, as a string or as a constant of theirs."""
    found: dict[str, set[str]] = {}
    for file in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.keyword) or node.arg != "fix":
                continue
            module = ".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts)
            if isinstance(node.value, ast.Constant) and node.value.value is not None:
                found.setdefault(str(node.value.value), set()).add(module)
            elif isinstance(node.value, ast.Name) and node.value.id.isupper():
                value = getattr(importlib.import_module(module), node.value.id)
                found.setdefault(value, set()).add(module)
    return found


def test_every_fix_is_an_operator(blender: Any) -> None:
    named = _named()
    assert {"wildseg3d.reconstruct", "wildseg3d.neural_install"} <= set(named)
    missing = {}
    for operator, modules in named.items():
        prefix, _, name = operator.partition(".")
        try:
            assert prefix == "wildseg3d"
            getattr(blender.ops.wildseg3d, name).get_rna_type()
        except (KeyError, AssertionError):
            missing[operator] = modules
    assert not missing
