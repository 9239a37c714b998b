"""Results as strict JSON."""

from __future__ import annotations

import json
from typing import Any

from ncsolve.solving.result import plain


def to_json(data: Any) -> str:
    """One line: arrays become lists, NaN and infinities null."""
    return json.dumps(plain(data), allow_nan=False)
