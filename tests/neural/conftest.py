# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests that need torch and the networks' own classes; ``tests/test_neural.py`` runs them where those are."""

from __future__ import annotations

import importlib.util

collect_ignore_glob = [] if importlib.util.find_spec("torch") else ["test_*.py"]
