"""What a run is called among others: its solver, and the options that tell it from them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["labels"]


def labels(runs: Sequence[Mapping[str, Any]]) -> list[str]:
    """The solver of each run, given as in run.json, with the options in which the runs of one solver differ."""
    options = [run.get("options") or {} for run in runs]
    varied: dict[str, list[str]] = {}
    for solver in dict.fromkeys(str(run["solver"]) for run in runs):
        own = [o for o, run in zip(options, runs, strict=True) if run["solver"] == solver]
        names = dict.fromkeys(name for each in own for name in each)
        varied[solver] = [name for name in names if len({json.dumps(each.get(name)) for each in own}) > 1]
    return [
        " ".join(
            [str(run["solver"]), *(f"{key}={own[key]}" for key in varied[run["solver"]] if own.get(key) is not None)]
        )
        for run, own in zip(runs, options, strict=True)
    ]
