"""Texts of others, so that every terminal, page and file takes them."""

from __future__ import annotations

from unicodedata import category

__all__ = ["escaped", "in_words"]

BREAKS = "\n\t\u2028\u2029"
DIRECTIONS = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""With these a text can show its letters in another order than they have."""


def escaped(text: str, but: str = "") -> str:
    """The text with control characters, line breaks, lone surrogates and changes of direction as Python writes them.

    Those in `but` stay.

    >>> print(escaped("a\\nb\\x1b[31m"))
    a\\nb\\x1b[31m
    """
    if text.isprintable():
        return text
    special = {c for c in text if (category(c) in ("Cc", "Cs", "Zl", "Zp") or c in DIRECTIONS) and c not in but}
    return "".join(c.encode("unicode_escape").decode() if c in special else c for c in text) if special else text


def in_words(error: BaseException) -> str:
    """The kind of an error and what it says, if it can say it.

    >>> in_words(ValueError("too long"))
    'ValueError: too long'
    """
    try:
        text = str(error)
    except Exception:
        text = ""
    return f"{type(error).__name__}: {escaped(text, but=BREAKS)}"
