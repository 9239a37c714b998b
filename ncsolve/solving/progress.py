"""One line, on a terminal or in a notebook, that tells how a long run is doing."""

from __future__ import annotations

import math
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from ncsolve.solving.stopping import Look

__all__ = ["Progress"]

FIRST, EVERY = 0.5, 0.1  # seconds


class Progress:
    """Shows itself where somebody may look and the run lasts: `due` is the time (s) of the next `show`."""

    def __init__(self, label: str) -> None:
        self.label = label
        self._place = Notebook if _in_notebook() else Terminal if sys.stderr.isatty() else None
        self.due = FIRST if self._place else math.inf
        self._line: Line | None = None

    def show(self, look: Look) -> None:
        if self._line is None:
            self._line = (self._place or Terminal)()
        self._line.write(
            f"{self.label}  iteration {look.iteration}  f = {look.objective:.8g}  |g| = {look.gradient_norm:.2e}  "
            f"{look.evaluations} evaluations  {look.seconds:.1f} s"
        )
        self.due = look.seconds + EVERY

    def close(self) -> None:
        if self._line is not None:
            self._line.erase()
            self._line = None


class Line(Protocol):
    """Text in one place that is written over, and erased at the end."""

    def write(self, text: str) -> None: ...

    def erase(self) -> None: ...


class Terminal:
    """A line of stderr."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.live import Live

        self._live = Live(console=Console(stderr=True), auto_refresh=False, transient=True)
        self._live.start()

    def write(self, text: str) -> None:
        from rich.text import Text

        self._live.update(Text(text, no_wrap=True, overflow="ellipsis"), refresh=True)

    def erase(self) -> None:
        self._live.stop()


class Notebook:
    """An output of the cell that runs, updated in place."""

    def __init__(self) -> None:
        self._shown: Any = None

    def write(self, text: str) -> None:
        from html import escape

        self._display({"text/plain": text, "text/html": f"<code>{escape(text)}</code>"})

    def erase(self) -> None:
        self._display({"text/plain": "", "text/html": ""})

    def _display(self, data: dict[str, str]) -> None:
        if self._shown is None:
            self._shown = import_module("IPython.display").display(data, raw=True, display_id=True)
        else:
            self._shown.update(data, raw=True)


def _in_notebook() -> bool:
    """Whether this process is the kernel of a notebook; IPython is not imported to find out."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return getattr(shell, "kernel", None) is not None
