"""Reading a table of two classes, for the problems that learn to tell them apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np

BREAST_CANCER = Path(__file__).parent / "data" / "breast_cancer.csv"


def read_two_classes(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return the features (N, d), standardised, and the classes (N,) as -1 and +1, from a CSV file of numbers.

    The last column is the class; its larger value becomes +1. A first line that is not numeric is a heading.
    """
    if not path.is_file():
        raise ValueError(f"the data file {path} does not exist")
    with path.open(encoding="utf-8") as lines:
        heading = not _is_numeric(next(lines, ""))
    table = np.loadtxt(path, delimiter=",", skiprows=int(heading), ndmin=2)
    features, label = table[:, :-1], table[:, -1]
    classes = np.unique(label)
    if features.size == 0 or len(classes) != 2:
        raise ValueError(
            f"{path} needs features and, in its last column, two classes; it has {len(classes)} different values there"
        )
    spread = features.std(axis=0)
    standardised = (features - features.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    return standardised, np.where(label == classes[1], 1.0, -1.0)


def _is_numeric(line: str) -> bool:
    try:
        [float(field) for field in line.split(",")]
    except ValueError:
        return False
    return True
