"""A page in headless Chromium: no error, and what a reader moves changes what it should."""

import base64
import zlib

import numpy as np
import pytest

SECTION = "const s = ncsolve[0], c = s.contour, f = c?.frame, curve = s.curves[0];"

MARKS = """
const copy = new OffscreenCanvas(c.canvas.width, c.canvas.height).getContext("2d", {willReadFrequently: true});
copy.drawImage(c.canvas, 0, 0);
return [...document.querySelectorAll(".contour path.mark")].map((mark) => {
  const [b, o] = [mark, c.svg].map((each) => each.getBoundingClientRect());
  const [x, y] = [b.x + b.width / 2 - o.x, b.y + b.height / 2 - o.y];
  const [s, t] = [(x - f.left) / (f.right - f.left), (y - f.top) / (f.bottom - f.top)];
  const pixel = copy.getImageData(Math.round(s * (c.canvas.width - 1)), Math.round(t * (c.canvas.height - 1)), 1, 1);
  const color = [...pixel.data].slice(0, 3);
  return {at: c.toData(x, y), u: +mark.dataset.u, v: +mark.dataset.v, label: mark.getAttribute("aria-label"), color};
})"""


@pytest.fixture(scope="module")
def file(kept_page, tmp_path_factory):
    file = tmp_path_factory.mktemp("page") / "report.html"
    file.write_text(kept_page.html, encoding="utf-8")
    return file


@pytest.fixture
def page(browser, file):
    """The page as it is opened; a test fails where the console told of an error."""
    if not browser.is_new:
        browser.open(file)
    yield browser
    assert browser.errors() == []


@pytest.fixture
def spoiled(page):
    """The next test opens the page anew."""
    yield
    page.is_new = False


@pytest.fixture
def trace(kept_runs):
    with np.load(kept_runs / "<b>'gd'" / "trace.npz") as trace:
        return dict(trace)


def corner(page, selector):
    script = "const box = document.querySelector(arguments[0]).getBoundingClientRect(); return [box.x, box.y]"
    return page.run(script, selector)


def number(text):
    return float(text.replace("−", "-"))


def test_names_are_shown_and_nothing_is_fetched(page):
    assert page.run("return document.querySelector('h1').textContent").startswith("</script><img src=x onerror=")
    assert page.run("return document.images.length") == 0
    assert page.run("return performance.getEntriesByType('resource').length") == 0


def test_critical_points_sit_where_they_are(page):
    """The centre of each mark, read from the screen, is the point; there the picture has the colour of its height."""
    page.scroll_to(".contour svg")
    marks = page.run(SECTION + MARKS)
    assert sorted(mark["label"].split()[0] for mark in marks) == ["minimum", "minimum", "saddle"]
    pixel = 4 / 400  # of a plane 4 wide, drawn on 400 pixels or more
    for mark in marks:
        np.testing.assert_allclose(mark["at"], [mark["u"], mark["v"]], atol=pixel)
    lowest = min(marks, key=lambda mark: mark["u"])  # x/10 makes the minimum at x = -1 the lower one
    np.testing.assert_allclose([lowest["u"], lowest["v"]], [-1.02203, 0.57323], atol=1e-4)
    assert lowest["color"] == page.run("return ramp()[0]")


def test_axes_carry_the_numbers_of_the_plane(page):
    """A tick's label is the coordinate at its place, found without the page's own transform."""
    ticks = page.run("""return [...document.querySelectorAll('.contour svg text.tick')].map((tick) =>
        [tick.textContent, ...['x', 'y', 'text-anchor'].map((name) => tick.getAttribute(name))])""")
    frame = page.run("""const frame = document.querySelector('.contour rect.frame');
        return ['x', 'y', 'width', 'height'].map((name) => +frame.getAttribute(name))""")
    across = [(number(label), float(x)) for label, x, _, anchor in ticks if anchor == "middle"]
    down = [(number(label), float(y) - 4) for label, _, y, anchor in ticks if anchor == "end"]
    assert len(across) >= 3
    assert len(down) >= 3
    for value, x in across:
        assert x == pytest.approx(frame[0] + (value + 2) / 4 * frame[2], abs=0.2)
    for value, y in down:
        assert y == pytest.approx(frame[1] + (2 - value) / 4 * frame[3], abs=0.2)


def test_the_last_number_below_an_axis_is_not_cut_off(page):
    """10 000 where there is room for 1 000."""
    right, wide = page.run("""const parent = document.querySelector('.chart svg');
        tickBelow(390, 20, '10000', 401, parent);
        const label = parent.lastElementChild.getBBox();
        parent.lastElementChild.remove();
        return [label.x + label.width, label.width]""")
    assert wide > 22
    assert right == pytest.approx(401, abs=1)


def test_hover_shows_the_values_of_an_iteration(page, trace):
    page.scroll_to(".chart svg")
    x, _ = page.run(SECTION + "return curve.toPixel(2, 1)")
    left, top = corner(page, ".chart svg")
    page.move((left + x, top + 120))
    assert "iteration 2" in page.run("return document.querySelector('.chart .tooltip').innerText")
    rows = page.run("return [...document.querySelectorAll('.chart .tooltip .row')].map((row) => row.innerText)")
    (value,) = (number(row.split("\n")[1]) for row in rows if row.startswith("gd"))
    assert value == pytest.approx(trace["objective"][2], rel=1e-5)
    page.move((5, 5))
    assert page.run("return document.querySelector('.chart .tooltip').hidden")


def test_hover_over_the_plane_shows_the_objective(page):
    page.scroll_to(".contour svg")
    x, y = page.run(SECTION + "return c.toPixel(0.5, -1)")
    left, top = corner(page, ".contour svg")
    page.move((left + x, top + y))
    head = page.run("return document.querySelector('.contour .tooltip .head').textContent")
    assert number(head.split("≈")[1]) == pytest.approx(0.5625 + 4.5 + 0.125 + 0.05, rel=0.05)


@pytest.mark.usefixtures("spoiled")
def test_dragging_zooms_and_escape_shows_everything(page):
    page.scroll_to(".chart svg")
    left, top = corner(page, ".chart svg")
    one, two = (page.run(SECTION + "return curve.toPixel(arguments[0], 1)[0]", k) for k in (1, 3))
    before = page.run("return document.querySelector('.chart .curve').getAttribute('d')")
    page.move((left + one, top + 90), (left + two, top + 100), press=True)
    assert page.run(SECTION + "return s.curves.map((each) => [each.x.low, each.x.high])") == [[1, 3], [1, 3]]
    assert page.run("return document.querySelector('.chart .curve').getAttribute('d')") != before
    page.keys(".chart svg", "\ue00c")
    assert page.run("return document.querySelector('.chart .curve').getAttribute('d')") == before


@pytest.mark.usefixtures("spoiled")
def test_curves_by_keyboard(page):
    page.scroll_to(".chart svg")
    page.keys(".chart svg", "\ue014\ue014\ue014")
    assert "iteration 2" in page.run("return document.querySelector('.chart .tooltip').innerText")
    page.keys(".chart svg", "+")
    low, high = page.run(SECTION + "return curve.view.zoom")
    assert high - low == pytest.approx(page.run(SECTION + "return curve.view.range()[1]") / 2, abs=1)
    page.keys(".chart svg", "-")
    assert page.run(SECTION + "return curve.view.zoom") is None


@pytest.mark.usefixtures("spoiled")
def test_the_slider_moves_every_path_and_the_curves(page, trace):
    def path():
        points = page.run("return document.querySelector('.contour polyline.path').getAttribute('points')")
        return np.array([pair.split(" ") for pair in points.split(",")], dtype=float)

    assert len(path()) == len(trace["x"])
    page.keys(".time", "\ue011")  # Home
    assert len(path()) == 1
    assert page.run("return document.querySelector('.time').getAttribute('aria-valuetext')") == "iteration 0"
    page.run("const t = document.querySelector('.time'); t.value = 500; t.dispatchEvent(new Event('input'))")
    page.settle()
    time = page.run(SECTION + "return s.view.time")
    assert 0 < time < trace["iteration"][-1] or len(trace["x"]) < 4
    rows = int((trace["iteration"] <= time).sum())
    assert len(path()) == rows
    there = page.run(SECTION + "return c.toPixel(...arguments[0])", trace["x"][rows - 1].tolist())
    np.testing.assert_allclose(path()[-1], there, atol=0.1)
    line = page.run(SECTION + "return [+curve.now.getAttribute('x1'), curve.toPixel(s.view.time, 1)[0]]")
    assert line[0] == pytest.approx(line[1])
    page.keys(".time", "\ue010")  # End
    assert len(path()) == len(trace["x"])


@pytest.mark.usefixtures("spoiled")
def test_playing_runs_to_the_end(page):
    page.click(".play")
    page.run("const t = document.querySelector('.time'); t.value = 996")
    page.settle()
    page.settle()
    assert page.run("return document.querySelector('.time').value") == "1000"
    assert page.run("return document.querySelector('.play').textContent") == "▶"


@pytest.mark.usefixtures("spoiled")
def test_the_measure_of_time_can_be_chosen(page, trace):
    page.click("input[value=evaluations]")
    assert page.run(SECTION + "return curve.view.range()[1]") >= trace["evaluations"][-1]
    assert page.run(SECTION + "return curve.x.high") == page.run(SECTION + "return curve.view.range()[1]")
    assert "evaluations" in page.run("return document.querySelector('.now').textContent")
    page.click(".log-x")
    assert page.run(SECTION + "return curve.x.offset") is not None


@pytest.mark.usefixtures("spoiled")
def test_a_solver_can_be_hidden(page):
    assert page.run("return document.querySelectorAll('.contour polyline.path').length") == 2
    page.click(".legend button")
    assert page.run("return document.querySelectorAll('.contour polyline.path').length") == 1
    assert page.run("return document.querySelectorAll('.chart .curve').length") == 2
    assert page.run("return document.querySelector('.legend button').getAttribute('aria-pressed')") == "false"


def picture(page):
    return page.run("return document.querySelector('.surface canvas').toDataURL()")


@pytest.mark.usefixtures("spoiled")
def test_the_surface_turns_by_keys_and_by_dragging(page):
    page.scroll_to(".surface canvas")
    seen = [picture(page)]
    yaw = [float(page.run("return document.querySelector('.surface canvas').dataset.yaw"))]
    page.keys(".surface canvas", "\ue014")
    seen.append(picture(page))
    yaw.append(float(page.run("return document.querySelector('.surface canvas').dataset.yaw")))
    left, top = corner(page, ".surface canvas")
    page.move((left + 200, top + 200), (left + 260, top + 210), press=True)
    seen.append(picture(page))
    yaw.append(float(page.run("return document.querySelector('.surface canvas').dataset.yaw")))
    assert len(set(seen)) == len(set(yaw)) == 3
    assert yaw[1] == pytest.approx(yaw[0] - 0.1)


def test_the_surface_is_as_high_as_the_objective(page):
    """Corners of the plane stand above the minimum: y of the picture grows downwards."""
    heights = page.run("""const grid = ncsolve[0].surface.grid;
        return [[-1.022, 0.573], [2, -2], [0, 0.5]].map((point) => grid.height(grid.value(...grid.place(...point))))""")
    assert heights[0] < heights[2] < heights[1] <= 1
    straight = page.run("const u = ncsolve[0].surface; return [0, 1].map((h) => u.project(0.5, 0.5, h)[1])")
    assert straight[1] < straight[0]


@pytest.mark.usefixtures("spoiled")
def test_tables_sort_and_point_at_the_figures(page):
    column = "return [...document.querySelectorAll('.points tbody tr')].map((row) => +row.cells[2].dataset.sort)"
    for order in (sorted, lambda values: sorted(values, reverse=True)):
        page.click(".points th:nth-child(3) button")
        values = page.run(column)
        assert values == order(values)
    page.run("document.querySelector('.points tbody tr').focus()")
    assert page.run("return document.querySelectorAll('.contour .mark.picked').length") == 1


@pytest.mark.usefixtures("spoiled")
def test_dark_and_light(page):
    def colors():
        return page.run("""return [getComputedStyle(document.body).backgroundColor,
            document.querySelector('.contour canvas').toDataURL()]""")

    page.click("[data-theme-choice=light]")
    light = colors()
    page.click("[data-theme-choice=dark]")
    dark = colors()
    assert light[0] != dark[0]
    assert light[1] != dark[1]
    page.click("[data-theme-choice=auto]")
    for scheme, seen in (("dark", dark), ("light", light)):
        page.emulate("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        page.settle()
        assert colors() == seen
    page.emulate("Emulation.setEmulatedMedia", features=[])


def test_a_phone_scrolls_in_one_direction(page):
    page.emulate("Emulation.setDeviceMetricsOverride", width=360, height=740, deviceScaleFactor=2, mobile=True)
    try:
        page.settle()
        assert page.run("return document.documentElement.scrollWidth") <= 360
        assert page.run("return document.querySelector('.contour').clientWidth") > 300
    finally:
        page.emulate("Emulation.clearDeviceMetricsOverride")


def test_picture_and_marks_are_scaled_together(page):
    """Paper is narrower than the window for which both were drawn."""
    frame, picture = page.run("""const plane = document.querySelector('.contour');
        plane.style.width = '200px';
        const boxes = ['rect.frame', 'canvas'].map((name) => plane.querySelector(name).getBoundingClientRect());
        plane.style.width = '';
        return boxes.map((box) => [box.left, box.top, box.right, box.bottom]);""")
    np.testing.assert_allclose(frame, picture, atol=1)
    assert frame[2] - frame[0] < 200


@pytest.mark.usefixtures("spoiled")
def test_paper_is_light_and_holds_everything(page):
    page.click("[data-theme-choice=dark]")
    pdf = base64.b64decode(page.emulate("Page.printToPDF", printBackground=True)["data"])
    assert pdf.startswith(b"%PDF")
    streams = [part.split(b"endstream")[0].strip(b"\r\n") for part in pdf.split(b"stream\n")[1::2]]
    assert len(streams) > 5
    assert len(zlib.decompress(streams[0])) > 0
    assert page.run("return document.documentElement.dataset.theme") == "dark"
    assert page.run("return document.querySelector('details').open")
