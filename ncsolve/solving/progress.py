"""One line on a terminal that tells how a long run is doing."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ncsolve.solving.stopping import Look

__all__ = ["Progress"]

FIRST, EVERY = 0.5, 0.1  # seconds


class Progress:
    """Shows itself on stderr when that is a terminal and the run lasts: `due` is the time (s) of the next `show`."""

    def __init__(self, label: str) -> None:
        self.label = label
        self.due = FIRST if sys.stderr.isatty() else math.inf
        self._live: Any = None

    def show(self, look: Look) -> None:
        from rich.console import Console
        from rich.live import Live
        from rich.text import Text

        if self._live is None:
            self._live = Live(console=Console(stderr=True), auto_refresh=False, transient=True)
            self._live.start()
        text = (
            f"{self.label}  iteration {look.iteration}  f = {look.objective:.8g}  |g| = {look.gradient_norm:.2e}  "
            f"{look.evaluations} evaluations  {look.seconds:.1f} s"
        )
        self._live.update(Text(text, no_wrap=True, overflow="ellipsis"), refresh=True)
        self.due = look.seconds + EVERY

    def close(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None
