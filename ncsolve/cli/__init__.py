"""The command line: parse, call, print. One file a command, imported when the command is used."""

from ncsolve.cli.group import cli, main

__all__ = ["cli", "main"]
