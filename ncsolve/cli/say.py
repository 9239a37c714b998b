"""What commands print: names, descriptions and messages of others reach the terminal as text."""

from __future__ import annotations

import click

from ncsolve.texts import escaped

__all__ = ["plain", "say"]


def plain(text: str) -> str:
    """The text, with everything that a terminal would obey written as Python writes it, but for line breaks."""
    return escaped(text, but="\n\t")


def say(text: str = "", err: bool = False, nl: bool = True) -> None:
    """Print a text."""
    click.echo(plain(text), err=err, nl=nl)
