"""A long run tells how it is doing, on a terminal or in a notebook; elsewhere nothing is shown."""

from __future__ import annotations

import io
import sys
from types import SimpleNamespace

import pytest
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


class Shown:
    """What a notebook would show in one place."""

    def __init__(self):
        self.data = []

    def display(self, data, raw, display_id):
        assert raw
        assert display_id
        self.data.append(data)
        return self

    def update(self, data, raw):
        assert raw
        self.data.append(data)


@pytest.fixture
def notebook(monkeypatch):
    """A process that looks like the kernel of a notebook."""
    shown = Shown()
    shell = SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setitem(sys.modules, "IPython.display", SimpleNamespace(display=shown.display))
    monkeypatch.setattr(progress, "FIRST", 0.0)
    monkeypatch.setattr(progress, "EVERY", 0.0)
    return shown


def test_a_notebook_shows_each_look_in_one_place_and_nothing_at_the_end(notebook):
    result = nc.solve(SLOW, "gd", max_iterations=5)
    assert len(notebook.data) >= result.iterations
    first, *_, erased = notebook.data
    assert first["text/plain"].startswith("gd  iteration ")
    assert first["text/html"] == f"<code>{first['text/plain']}</code>"
    assert erased == {"text/plain": "", "text/html": ""}


def test_a_short_run_shows_nothing_in_a_notebook(notebook, monkeypatch):
    monkeypatch.setattr(progress, "FIRST", 60.0)
    nc.solve(SLOW, "gd", max_iterations=5)
    assert notebook.data == []


def test_what_is_shown_is_text(notebook):
    line = progress.Notebook()
    line.write("<b>&")
    assert notebook.data == [{"text/plain": "<b>&", "text/html": "<code>&lt;b&gt;&amp;</code>"}]


def test_ipython_in_a_terminal_is_no_notebook(monkeypatch):
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: SimpleNamespace()))
    assert progress.Progress("gd").due == float("inf")
