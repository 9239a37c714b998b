"""One page that shows runs: self-contained HTML, for a reader who has neither the runs nor this package."""

from ncsolve.report.page.write import Asked, Page, make_page

__all__ = ["Asked", "Page", "make_page"]
