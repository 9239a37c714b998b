"""One line of progress on stderr."""

from __future__ import annotations

import sys

import click

from ncsolve.cli.say import plain

__all__ = ["Line"]

WIDTH = 100


class Line:
    """How many of `total` are done, where stderr is a terminal; it is wiped out at the end."""

    def __init__(self, total: int) -> None:
        self.total, self.count = total, 0
        self.shown = sys.stderr.isatty() and total > 1

    def __enter__(self) -> Line:
        return self

    def done(self, what: object) -> None:
        """One more is done, and what can be said of it."""
        self.count += 1
        if self.shown:
            text = plain(f"{self.count} of {self.total}: {what}")
            click.echo(f"\r\x1b[K{text[:WIDTH]}", err=True, nl=False)

    def __exit__(self, *_: object) -> None:
        if self.shown:
            click.echo("\r\x1b[K", err=True, nl=False)
