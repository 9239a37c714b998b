"""Tables: aligned text where nobody watches, ruled ones on a terminal."""

import sys

import pytest

from ncsolve.report.data import to_json
from ncsolve.report.table import print_table

ROWS = [["gd", 12, 0.123456789], ["a [red]long[/red] name", 3, float("nan")]]


def test_plain(capsys):
    print_table(["solver", "steps", "objective"], [*ROWS, ["none", 1, None]])
    assert capsys.readouterr().out.splitlines() == [
        "solver                  steps  objective",
        "gd                         12  0.123457",
        "a [red]long[/red] name      3  nan",
        "none                        1",
    ]


def test_a_row_stays_a_line(capsys):
    """And nothing in it reaches the terminal but as text, nor makes it fail."""
    print_table(["path", "f"], [["a\nb\u2028\r", 1], ["\x1b[31mred\ud800é", 2]])
    assert capsys.readouterr().out.splitlines() == [
        "path                f",
        "a\\nb\\u2028\\r        1",
        "\\x1b[31mred\\ud800é  2",
    ]


def test_numbers_stand_right(capsys):
    print_table(["f"], [[1.0], [22.5]])
    assert capsys.readouterr().out.splitlines() == ["   f", "   1", "22.5"]


def test_no_rows(capsys):
    print_table(["solver", "steps"], [])
    assert capsys.readouterr().out == "solver  steps\n"


def test_on_a_terminal_nothing_is_taken_for_markup(capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    print_table(["solver", "steps", "objective"], ROWS)
    shown = capsys.readouterr().out
    assert "a [red]long[/red] name" in shown
    assert "─" in shown


def test_json_is_strict():
    import numpy as np

    data = {"x": np.array([1.5, np.inf]), "n": np.int64(3), "ok": np.True_, "none": None, "nested": ({"f": -np.inf},)}
    assert to_json(data) == '{"x": [1.5, null], "n": 3, "ok": true, "none": null, "nested": [{"f": null}]}'


@pytest.mark.parametrize("value", ["text", 1, 2.5, True, None, [1, "a"]])
def test_json_of_plain_data(value):
    import json

    assert json.loads(to_json(value)) == value
