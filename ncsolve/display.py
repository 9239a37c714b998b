"""How notebooks show objects: written in `ncsolve.report.notebook`, which is imported when one is shown."""

from __future__ import annotations

__all__ = ["Displayed"]


class Displayed:
    """Base of what a notebook shows as HTML, and as LaTeX where it takes no HTML."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        from ncsolve.report.notebook import as_html

        return as_html(self)

    def _repr_latex_(self) -> str:
        from ncsolve.report.notebook import as_latex

        return as_latex(self)
