"""Tables: ruled and coloured on a terminal, aligned plain text everywhere else."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from ncsolve.texts import escaped


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows under their column names; numbers stand right, text left."""
    texts = [[cell(value) for value in row] for row in rows]
    right = [bool(rows) and all(isinstance(row[k], int | float) for row in rows) for k in range(len(columns))]
    if sys.stdout.isatty():
        ruled(columns, texts, right)
    else:
        click.echo("\n".join(aligned(columns, texts, right)))


def aligned(columns: Sequence[str], texts: Sequence[Sequence[str]], right: Sequence[bool]) -> list[str]:
    """The lines of the plain form: two blanks between columns, nothing cut."""
    widths = [max(map(len, column)) for column in zip(columns, *texts, strict=True)]
    return [
        "  ".join(
            text.rjust(width) if flush else text.ljust(width)
            for text, width, flush in zip(line, widths, right, strict=True)
        ).rstrip()
        for line in [columns, *texts]
    ]


def ruled(columns: Sequence[str], texts: Sequence[Sequence[str]], right: Sequence[bool]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name, flush in zip(columns, right, strict=True):
        table.add_column(name, justify="right" if flush else "left")
    for row in texts:
        table.add_row(*map(Text, row))
    Console().print(table)


def cell(value: object) -> str:
    """A value in one line: line breaks and what else cannot be printed stand there as escapes."""
    if isinstance(value, float):
        return f"{value:.6g}"
    return "" if value is None else escaped(str(value))
