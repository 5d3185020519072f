# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmark's figures as text: a block per case, the growth series, and each claim held against them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product

from benchmarks.alignment_parts.rows import (
    COSTS,
    ERRORS,
    FIGURES,
    OFFICIAL,
    Ratio,
    Row,
    iterations_of,
    median_figure,
    others_in,
    ratio,
    variants_in,
)

NAME = 28
WIDTH = 10
SPEED = {300: 100.0, 100: 30.0}
"""How many times faster than so many iterations of the other program ours has to be."""
MOST = 1.05
"""An error of ours may be this many times the other program's."""
GROWTH = (10, 100, 12.0)
"""From so many views to so many, time may grow so many times."""

NOTE = (
    "Lengths in % of the median depth. Memory is resident, the mapped graph included: the peak, and the\n"
    "peak above what the imports left.\n"
    "loss: mean weighted residual of all edges, with weights log C (the official objective) and C.\n"
    "inside, bound.: points of objects, away from and within 3 pixels of the object's outline.\n"
    "Ratios are ours / official, seed by seed: their median, and the worst seed.\n"
    "ours: with DGA's weights, as shipped. W = C: without DGA. W = log C: with the official weights."
)


def report(rows: Sequence[Row]) -> str:
    """The whole report."""
    cases = [row for row in rows if row.series == "cases"]
    growth = [row for row in rows if row.series == "growth"]
    names = dict.fromkeys(row.case for row in cases)
    parts = [NOTE, *(case_block(name, [row for row in cases if row.case == name]) for name in names)]
    if growth:
        parts.append(growth_block(growth))
    return "\n\n".join([*parts, "\n".join(claims(rows))]) + "\n"


def case_block(case: str, rows: Sequence[Row]) -> str:
    """Medians over seeds of each program, then ratios."""
    seeds = sorted({row.seed for row in rows})
    lines = [f"{case}: {rows[0].views} views, {rows[0].edges} edges, {_seeds(seeds)}", _head("")]
    lines += [_program_line(program, rows) for program in (*variants_in(rows), *others_in(rows))]
    for variant, other in product(variants_in(rows), others_in(rows)):
        found = {figure: ratio(rows, other, figure, variant) for figure in FIGURES}
        lines.append(_line(f"{variant} / {other}", {k: _median(r) for k, r in found.items()}, "x"))
        if len(seeds) > 1:
            lines.append(_line("    worst seed", {k: _worst(r) for k, r in found.items()}, "x"))
    return "\n".join([*lines, *_failures(rows)])


def growth_block(rows: Sequence[Row]) -> str:
    """One line per number of views and program."""
    lines = ["growth, noise, pairs selected", _head("views, edges")]
    for row in sorted(rows, key=lambda row: (row.views, row.program.startswith(OFFICIAL), row.program)):
        name = f"{row.views}, {row.edges} {row.program}{' (kept)' if row.kept else ''}"
        lines.append(_line(name, dict(row.figures)))
    return "\n".join([*lines, *_failures(rows)])


def claims(rows: Sequence[Row]) -> list[str]:
    """Each claim, and whether these rows bear it out."""
    cases = [row for row in rows if row.series == "cases"]
    growth = [row for row in rows if row.series == "growth"]
    lines = []
    for variant in variants_in(rows):
        for other in others_in(cases):
            lines += _speed_claim(cases, variant, other)
            lines += _error_claim(cases, variant, other)
        lines += _growth_claim(variant, [row for row in growth if row.program == variant])
    return lines


def _speed_claim(rows: Sequence[Row], variant: str, other: str) -> list[str]:
    wanted = SPEED.get(iterations_of(other))
    found = ratio(rows, other, "seconds", variant)
    if wanted is None or found is None:
        return []
    kept = any(row.kept for row in rows if row.program == other)
    doubt = (
        "; seconds partly kept from an earlier run, so only a quiet run in one go settles this"
        if kept
        else ""
    )
    cpu = ratio(rows, other, "cpu", variant)
    assert cpu is not None
    return [
        f"{_verdict(1 / found.median >= wanted)} {variant}: {1 / found.median:.0f} times as fast as {other} "
        f"(worst {1 / found.worst:.0f}; by CPU seconds {1 / cpu.median:.0f}); wanted {wanted:.0f}{doubt}"
    ]


def _error_claim(rows: Sequence[Row], variant: str, other: str) -> list[str]:
    above, seeds_above = [], []
    for case in dict.fromkeys(row.case for row in rows):
        here = [row for row in rows if row.case == case]
        for figure, heading in ERRORS.items():
            found = ratio(here, other, figure, variant)
            if found is None:
                continue
            if found.median > MOST:
                above.append(f"{case}, {heading}: {found.median:.3f}")
            if found.worst > MOST:
                seeds_above.append(f"{case}, {heading}: {found.worst:.3f} (seed {found.worst_seed})")
    lines = [f"{_verdict(not above)} {variant}: every error at most {MOST} x {other}, median over seeds"]
    lines += [f"     above: {entry}" for entry in above]
    lines += [f"     one seed above: {entry}" for entry in seeds_above]
    return lines


def _growth_claim(variant: str, rows: Sequence[Row]) -> list[str]:
    few, many, most = GROWTH
    small, large = ([row for row in rows if row.views == count and not row.failed] for count in (few, many))
    if not small or not large:
        return []
    times = large[0].figures["seconds"] / small[0].figures["seconds"]
    edges = large[0].edges / small[0].edges
    memory = large[0].figures["increase"] / small[0].figures["increase"]
    steps = f"{variant}: {few} to {many} views, {edges:.1f} x the edges"
    return [
        f"{_verdict(times <= most)} {steps}: {times:.1f} x the time; wanted at most {most:.0f}",
        f"{_verdict(memory <= max(edges, many / few))} {steps}: {memory:.1f} x the memory; wanted linear",
    ]


def _program_line(program: str, rows: Sequence[Row]) -> str:
    own = [row for row in rows if row.program == program]
    kept = sum(row.kept for row in own)
    note = f" ({kept} of {len(own)} kept)" if kept else ""
    return _line(program + note, {figure: median_figure(own, program, figure) for figure in FIGURES})


def _head(first: str) -> str:
    return f"{first:{NAME}}" + "".join(
        f"{heading:>{max(WIDTH, len(heading) + 2)}}" for heading in FIGURES.values()
    )


def _line(name: str, values: dict[str, float | None], unit: str = "") -> str:
    cells = []
    for figure, heading in FIGURES.items():
        value = values.get(figure)
        cells.append(f"{_number(value, figure, unit):>{max(WIDTH, len(heading) + 2)}}")
    return f"{name:{NAME}}" + "".join(cells)


def _number(value: float | None, figure: str, unit: str) -> str:
    if value is None:
        return "-"
    if unit:
        return f"{value:.4f}x" if value < 0.1 else f"{value:.3f}x"
    if figure in COSTS:
        return f"{value:.2f}" if value < 100 and figure in ("seconds", "cpu") else f"{value:.0f}"
    return f"{value:.3f}"


def _failures(rows: Iterable[Row]) -> list[str]:
    return [f"    {row.program}, seed {row.seed} failed: {row.failed}" for row in rows if row.failed]


def _median(found: Ratio | None) -> float | None:
    return None if found is None else found.median


def _worst(found: Ratio | None) -> float | None:
    return None if found is None else found.worst


def _verdict(holds: bool) -> str:
    return "yes " if holds else "NO  "


def _seeds(seeds: Sequence[int]) -> str:
    return (
        f"seed {seeds[0]}" if len(seeds) == 1 else f"{len(seeds)} seeds ({seeds[0]} to {seeds[-1]}), medians"
    )
