"""A long run on a terminal tells how it is doing, on stderr; elsewhere nothing is shown."""

from __future__ import annotations

import io
import sys

import sympy as sp

import ncsolve as nc
from ncsolve.solving import progress

x = sp.Symbol("x")
SLOW = nc.Problem(x**4, start={x: 3.0}, name="slow")


class Terminal(io.StringIO):
    def isatty(self):
        return True


def use_terminal(monkeypatch) -> Terminal:
    """To be called in the test itself: pytest puts its own stderr in place after the fixtures."""
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(progress, "EVERY", 0.0)
    return stream


def test_a_long_run_shows_one_line_that_is_wiped_in_the_end(monkeypatch):
    terminal = use_terminal(monkeypatch)
    monkeypatch.setattr(progress, "FIRST", 0.0)
    nc.solve(SLOW, "gd", options={"step_size": 0.01}, max_iterations=5)
    shown = terminal.getvalue()
    assert "gd  iteration 3  f = " in shown
    assert "4 evaluations" in shown
    assert shown.rstrip().endswith("\x1b[2K"), "the line is erased"


def test_a_short_run_shows_nothing(monkeypatch):
    terminal = use_terminal(monkeypatch)
    nc.solve(SLOW, "gd", max_iterations=5)
    assert terminal.getvalue() == ""


def test_nothing_is_shown_without_a_terminal(monkeypatch, capsys):
    monkeypatch.setattr(progress, "FIRST", 0.0)
    nc.solve(SLOW, "gd", max_iterations=5)
    assert capsys.readouterr() == ("", "")
