"""HTML in which every text that is not marked as HTML is escaped: what a user wrote is shown as text."""

from __future__ import annotations

import json
import math
from html import escape
from typing import Any

from ncsolve.solving.result import plain

__all__ = ["Html", "embedded", "join", "number", "numbers", "tag"]

VOID = frozenset({"br", "input", "meta"})
SHOWN = 8  # numbers before the middle is left out


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def tag(name: str, /, *children: object, **attributes: object) -> Html:
    """An element. Attributes that are None or False are left out; `class_` is class, `data_x` is data-x.

    >>> tag("p", "1 < 2", class_="note")
    '<p class="note">1 &lt; 2</p>'
    """
    written = "".join(_attribute(key, value) for key, value in attributes.items() if value is not None)
    end = "" if name in VOID else f"{join(*children)}</{name}>"
    return Html(f"<{name}{written}>{end}")


def _attribute(name: str, value: object) -> str:
    name = name.rstrip("_").replace("_", "-")
    if isinstance(value, bool):
        return f" {name}" if value else ""
    return f' {name}="{escape(str(value))}"'


def join(*parts: object) -> Html:
    """Pieces one after the other; None is nothing."""
    return Html("".join(p if isinstance(p, Html) else escape(str(p)) for p in parts if p is not None))


def number(value: Any, digits: int = 6) -> Html:
    """A number as it is printed in a book.

    >>> number(-1.375e-14)
    '−1.375 × 10<sup>−14</sup>'
    >>> number(None)
    'not finite'
    """
    if value is None or not math.isfinite(value):
        return Html("not finite")
    mantissa, _, exponent = f"{value + 0.0:.{digits}g}".replace("-", "−").partition("e")
    if not exponent:
        return Html(mantissa)
    power = exponent.lstrip("+").replace("−0", "−").lstrip("0")
    return Html(f"{mantissa} × 10<sup>{power}</sup>")


def numbers(values: Any, shown: int = SHOWN) -> Html:
    """Numbers with commas between them, of more than `shown` the first and the last ones."""
    texts = [number(value) for value in values]
    if len(texts) > shown:
        half = shown // 2
        texts = [*texts[:half], Html("…"), *texts[-half:]]
    return Html(", ".join(texts))


def embedded(data: Any) -> Html:
    """Strict JSON that may stand inside <script>: it holds no <, >, & and nothing but ASCII."""
    text = json.dumps(plain(data), allow_nan=False, separators=(",", ":"))
    return Html(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))
