"""Results as strict JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ncsolve.errors import OptionError
from ncsolve.solving.result import plain


def to_json(data: Any) -> str:
    """One line: arrays become lists, NaN and infinities null."""
    return json.dumps(plain(data), allow_nan=False)


def write_json(file: Path, data: Any) -> None:
    """The same in a file."""
    try:
        file.write_text(to_json(data) + "\n", encoding="utf-8")
    except OSError as error:
        raise OptionError(f"Cannot write {str(file)!r}: {error.strerror}.") from error
