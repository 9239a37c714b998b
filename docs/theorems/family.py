"""What the pages on theorems share: a table of one room of the catalogue, made from it, and figures as SVG."""

from html import escape
from io import StringIO

from IPython.display import HTML, SVG
from matplotlib import rc_context

from ncsolve.report.plot import STYLE
from ncsolve.theorems import catalogue


def family(room):
    """`family("gradient")`"""
    rows = [theorem for theorem in catalogue() if type(theorem).__module__.split(".")[1] == room]
    lines = [[each.id, f"<code>{each.name}</code>", escape(each.summary()), escape(each.demand)] for each in rows]
    head = "".join(f"<th>{word}</th>" for word in ("", "theorem", "statement", "demands"))
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in line)}</tr>" for line in lines)
    return HTML(f'<table class="docutils"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>')


def show(figure):
    text = StringIO()
    with rc_context(STYLE):
        figure.savefig(text, format="svg", metadata={"Date": None})
    return SVG(text.getvalue())
