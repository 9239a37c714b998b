"""A landscape in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ncsolve.landscapes.flow import Connection
    from ncsolve.landscapes.result import Landscape, Region

__all__ = ["plural", "summary"]

SHOWN = 40  # points, barriers and regions before the rest is left out
ENTRIES = 6  # of a point


def summary(found: Landscape) -> str:
    counts = ", ".join(plural(number, kind) for kind, number in found.counts.items())
    total = plural(len(found.points), "critical point")
    lines = [f"{total} of '{found.problem.name}'" + (f": {counts}" if counts else "")]
    lines += _limited([_row(k, found) for k in range(len(found.points))])
    if found.orbits and len(found.orbits) < len(found.points):
        firsts = [found.points[orbit[0]].kind for orbit in found.orbits]
        kinds = ", ".join(plural(firsts.count(kind), kind) for kind in dict.fromkeys(firsts))
        lines += ["", f"up to signs and permutations of the variables: {kinds}"]
    if found.connections:
        lines += ["", "barriers: from a minimum over a saddle to the next minimum"]
        lines += _limited([_barrier(c, found) for c in found.connections])
    if found.undecided:
        share = f"{100 * found.undecided_fraction:.2g} % of the box"
        lines += ["", f"undecided: {plural(len(found.undecided), 'region')}, {share}"]
        lines += _limited([_region(region, found) for region in found.undecided])
    expected = found.expected_morse_sum
    outward = "" if expected is None else f" (must be {expected}: grad f points outward all over the surface)"
    lines += [""] if found.explored else ["", f"  Morse sum     {found.morse_sum}{outward}"]
    boxes = "" if found.explored else f", {plural(found.boxes, 'box')}"
    return "\n".join([*lines, f"  complete      {found.message}", f"  time          {found.seconds:.2f} s{boxes}"])


def _limited(rows: list[str]) -> list[str]:
    return rows if len(rows) <= SHOWN else [*rows[:SHOWN], f"  ... {len(rows) - SHOWN} more (--json lists them all)"]


def _row(k: int, found: Landscape) -> str:
    p = found.points[k]
    proof = "proven" if p.certified else "not proven"
    null = f", nullity {p.nullity}" if p.nullity else ""
    return f"  {k:>3}  {p.kind:<10} index {p.index}{null}  f = {p.objective:<16.10g} x = {_entries(p.x)}  {proof}"


def _entries(x: np.ndarray) -> str:
    shown = ", ".join(f"{v:.8g}" for v in x[:ENTRIES] + 0.0)
    return f"({shown}{', ...' if len(x) > ENTRIES else ''})"


def _barrier(c: Connection, found: Landscape) -> str:
    top = found.points[c.saddle].objective
    ends = ["elsewhere" if k is None else f"{k} (up {top - found.points[k].objective:.6g})" for k in (c.left, c.right)]
    return f"  {c.saddle:>3}  {ends[0]} - {ends[1]}"


def _region(region: Region, found: Landscape) -> str:
    low, high = region.lower, region.upper
    sides = ", ".join(
        f"{found.problem.variables.entry(k)} = {low[k]:.6g}:{high[k]:.6g}" for k in range(min(len(low), ENTRIES))
    )
    rough = f"; undefined or not smooth there: {', '.join(region.rough)}" if region.rough else ""
    nearby = "" if region.nearby is None else f"; there: {region.nearby.explanation}"
    return f"  {sides} ({plural(region.boxes, 'box')}){rough}{nearby}"


def plural(count: int, noun: str) -> str:
    if count == 1:
        return f"{count} {noun}"
    many = {"minimum": "minima", "maximum": "maxima", "box": "boxes", "degenerate": "degenerate"}
    return f"{count} {many.get(noun, noun + 's')}"
