"""Tables of handwritten digits: the one that is shipped, and folders in the format of MNIST."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

SHIPPED = Path(__file__).parent / "data" / "digits.npz"
TEST_ROWS = 360


@dataclass(frozen=True)
class Digits:
    """Images as rows of pixels in [0, 1], shape (N, pixels^2), and their digits, for training and for testing."""

    features: np.ndarray
    labels: np.ndarray
    test_features: np.ndarray
    test_labels: np.ndarray


def digits(data: str = "", pixels: int = 8, rows: int = 0) -> Digits:
    """The shipped table, of which 360 seeded random rows are kept for testing; or that of a folder.

    `pixels` (a divisor of the width) averages neighbours, `rows` keeps only the first rows for training.
    """
    table = read_mnist(Path(data)) if data else read_shipped()
    first = rows or len(table.labels)
    return Digits(
        coarse(table.features[:first], pixels),
        table.labels[:first],
        coarse(table.test_features, pixels),
        table.test_labels,
    )


def read_shipped() -> Digits:
    with np.load(SHIPPED, allow_pickle=False) as file:
        features, labels = file["features"] / 16, file["labels"].astype(np.int64)
    order = np.random.default_rng(0).permutation(len(labels))
    test, train = order[:TEST_ROWS], order[TEST_ROWS:]
    return Digits(features[train], labels[train], features[test], labels[test])


def read_mnist(folder: Path) -> Digits:
    """A folder with the four files of MNIST [LeCun, Cortes & Burges 1998], plain or with .gz."""
    parts = []
    for name in ("train", "t10k"):
        images = read_idx(folder, f"{name}-images-idx3-ubyte")
        labels = read_idx(folder, f"{name}-labels-idx1-ubyte")
        if images.ndim != 3 or len(images) != len(labels):
            raise ValueError(f"{folder}: {name} has images of shape {images.shape} and labels of shape {labels.shape}")
        parts += [images.reshape(len(images), -1) / 255, labels.astype(np.int64)]
    return Digits(*parts)


def read_idx(folder: Path, name: str) -> np.ndarray:
    """An array of unsigned bytes: two zeros, type 8, the number of axes, each size in 4 bytes (highest first), data."""
    plain, packed = folder / name, folder / f"{name}.gz"
    if plain.is_file():
        content = plain.read_bytes()
    elif packed.is_file():
        content = gzip.decompress(packed.read_bytes())
    else:
        raise ValueError(f"there is neither {plain} nor {packed.name} beside it")
    axes = content[3] if len(content) > 3 else 0
    header = 4 + 4 * axes
    if content[:3] != b"\x00\x00\x08" or len(content) < header:
        raise ValueError(f"{plain} is not an IDX file of unsigned bytes")
    shape = np.frombuffer(content, ">u4", axes, 4).astype(int)
    if len(content) != header + shape.prod():
        raise ValueError(f"{plain} says that it holds {shape.prod()} bytes, but it holds {len(content) - header}")
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)


def coarse(features: np.ndarray, pixels: int) -> np.ndarray:
    """Square images averaged to pixels x pixels; images that are no wider, or no squares, as they are."""
    width = round(features.shape[1] ** 0.5)
    if width**2 != features.shape[1] or pixels >= width:
        return features
    if pixels < 1 or width % pixels:
        raise ValueError(f"pixels must divide the width {width} of the images, not {pixels}")
    block = width // pixels
    return features.reshape(-1, pixels, block, pixels, block).mean(axis=(2, 4)).reshape(len(features), -1)


def accuracy(values: Mapping[str, Any], features: np.ndarray, labels: np.ndarray) -> float:
    """The part of the rows that a perceptron with these weights, as in `result.values`, classifies rightly."""
    hidden = np.tanh(features @ values["W1"] + values["b1"])
    return float(np.mean(np.argmax(hidden @ values["W2"] + values["b2"], axis=1) == labels))
