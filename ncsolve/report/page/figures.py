"""The places at which the scripts of a page draw: a frame, a caption and controls that work by keyboard."""

from __future__ import annotations

from ncsolve.report.page.html import Html, tag
from ncsolve.report.page.section import Section
from ncsolve.report.page.words import badge

__all__ = ["convergence", "landscape_figure"]


def landscape_figure(k: int, section: Section) -> Html | None:
    """Contour and surface side by side above the slider of time."""
    plane = section.plane
    if plane is None:
        return None
    one, two = plane.names
    hint = "Drag, or use the arrow keys, to turn."
    contour = tag("div", class_="contour card", aria_label=f"Contour of f over {one} and {two}", role="group")
    canvas = tag("canvas", tabindex=0, role="img", aria_label=f"Surface of f over {one} and {two}. {hint}")
    surface = tag("div", canvas, class_="surface card")
    said = "How far the paths are drawn"
    slider = tag("input", type="range", min=0, max=1000, value=1000, class_="time", id=f"time-{k}", aria_label=said)
    play = tag("button", "▶", type="button", class_="play", aria_label="Play the paths")
    time = tag("div", play, slider, tag("output", class_="now", for_=f"time-{k}"), class_="slider screen-only")
    caption = [f"The objective over {one} and {two}. "]
    if len(plane.base) > 2:
        caption.append("The other variables are as at the answer; paths are projected; hollow points lie off it. ")
    if plane.outside is not None:
        caption.append("Striped: outside of the constraints. ")
    if plane.on:
        caption.append("Dark lines: where equalities hold. ")
    caption.append(tag("span", class_="heights"))
    drawn = tag("div", contour, surface, class_="pair")
    below = tag("figcaption", *caption, " ", tag("span", hint, class_="screen-only"))
    legend = _legend(section, points=True)
    return tag("figure", tag("h3", "Landscape"), legend, drawn, time, below, class_="landscape")


def convergence(k: int, section: Section) -> Html | None:
    """Objective and gradient norm against iterations, evaluations or seconds."""
    if not any(run.trace for run in section.runs):
        return None
    choices = [
        tag("label", tag("input", type="radio", name=f"x-{k}", value=name, checked=name == "iteration"), f" {label}")
        for name, label in (("iteration", "iterations"), ("evaluations", "evaluations"), ("seconds", "seconds"))
    ]
    log = tag("label", tag("input", type="checkbox", class_="log-x"), " logarithmic")
    actions = (("−", "out", "Zoom out"), ("+", "in", "Zoom in"), ("reset", "reset", "Show everything"))
    zoom = [tag("button", sign, type="button", data_zoom=name, aria_label=said) for sign, name, said in actions]
    against = tag("fieldset", tag("legend", "against"), *choices, log)
    controls = tag("div", against, tag("div", *zoom, class_="buttons"), class_="controls screen-only")
    charts = [tag("div", class_="chart card", data_curve=name) for name in ("objective", "gradient_norm")]
    keys = "Drag to zoom; arrow keys move the values, + and − zoom, Escape shows everything."
    caption = tag("figcaption", tag("span", class_="lowest"), tag("span", keys, class_="screen-only"))
    legend = None if section.plane is not None else _legend(section, points=False)
    drawn = tag("div", *charts, class_="pair")
    return tag("figure", tag("h3", "Convergence"), legend, controls, drawn, caption, class_="convergence")


def _legend(section: Section, points: bool) -> Html:
    """A button for each solver, which hides and shows its runs; the kinds of points."""
    solvers = [
        tag("button", tag("span", class_="swatch"), name, type="button", aria_pressed="true", data_solver=j)
        for j, name in enumerate(dict.fromkeys(section.labels))
    ]
    kinds = dict.fromkeys(p.kind for p in section.points) if points else ()
    marks = [tag("span", badge(kind), class_="kind") for kind in kinds]
    return tag("div", *solvers, *marks, class_="legend", role="group", aria_label="Solvers shown")
