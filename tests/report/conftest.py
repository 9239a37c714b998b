"""What tests of pages share: kept runs, and a headless Chromium driven over WebDriver. [W3C WebDriver]"""

from __future__ import annotations

import base64
import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import ncsolve as nc
from ncsolve.report.page import Asked, make_page

NAME = '</script><img src=x onerror="alert(1)">\'&\n../a\u2028b'
DESCRIPTION = '<b>bold</b>\n"quoted" </style> & more'
PROBLEM = f"""\
import sympy as sp
import ncsolve as nc

x, y = sp.symbols("x y")
f = (x**2 - 1)**2 + 2*(y - 0.5)**2 + x*y**2/4 + x/10
problem = nc.Problem(f, name={NAME!r}, description={DESCRIPTION!r}, start={{x: 0.1, y: 1.5}},
                     bounds={{x: (-2, 2), y: (-2, 2)}})
"""

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")
MISSING = None if CHROMIUM and DRIVER else "needs Chromium and chromedriver (Debian: chromium, chromium-driver)"
FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1200,900"]
LOCAL = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # whatever proxy the environment names
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


class Browser:
    """One window."""

    is_new = False
    """Whether its page is as it was opened."""

    def __init__(self, url: str) -> None:
        options = {"binary": CHROMIUM, "args": FLAGS}
        wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        self.url = url
        self.url = f"{url}/session/{self.call('/session', capabilities={'alwaysMatch': wanted})['sessionId']}"

    def call(self, path: str, method: str = "POST", **body: Any) -> Any:
        data = json.dumps(body).encode() if method == "POST" else None
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            with LOCAL.open(request, timeout=60) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(json.load(error)["value"]["message"]) from None

    def open(self, page: Path) -> None:
        self.call("/url", url=page.as_uri())
        self.settle()
        self.is_new = True

    def run(self, script: str, *arguments: Any) -> Any:
        return self.call("/execute/sync", script=script, args=list(arguments))

    def settle(self) -> None:
        """Wait until what was asked to be drawn is drawn."""
        frames = "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => done(null)))"
        self.call("/execute/async", script=frames, args=[])

    def find(self, selector: str) -> dict[str, str]:
        return self.call("/element", using="css selector", value=selector)

    def scroll_to(self, selector: str) -> None:
        self.run("document.querySelector(arguments[0]).scrollIntoView({block: 'center'})", selector)
        self.settle()

    def move(self, *places: tuple[float, float], press: bool = False) -> None:
        """The mouse over places of the window, in CSS pixels; with the button held from the first to the last."""
        moved = {"type": "pointerMove", "duration": 0, "origin": "viewport"}
        moves: list[dict[str, Any]] = [{**moved, "x": round(x), "y": round(y)} for x, y in places]
        if press:
            moves = [moves[0], {"type": "pointerDown", "button": 0}, *moves[1:], {"type": "pointerUp", "button": 0}]
        mouse = {"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": moves}
        self.call("/actions", actions=[mouse])
        self.settle()

    def keys(self, selector: str, text: str) -> None:
        self.call(f"/element/{self.find(selector)[ELEMENT]}/value", text=text)
        self.settle()

    def click(self, selector: str) -> None:
        self.scroll_to(selector)
        self.call(f"/element/{self.find(selector)[ELEMENT]}/click")
        self.settle()

    def errors(self) -> list[str]:
        """What the console has told since the last call."""
        return [entry["message"] for entry in self.call("/se/log", type="browser") if entry["level"] != "INFO"]

    def emulate(self, command: str, **parameters: Any) -> Any:
        """A command of Chromium's own protocol, such as Emulation.setEmulatedMedia."""
        return self.call("/goog/cdp/execute", cmd=command, params=parameters)

    def screenshot(self, file: Path) -> None:
        file.write_bytes(base64.b64decode(self.call("/screenshot", method="GET")))


@contextmanager
def chromium() -> Iterator[Browser]:
    """A window for as long as the context lasts."""
    assert DRIVER is not None
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    driver = subprocess.Popen([DRIVER, f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_for(url)
        window = Browser(url)
        try:
            yield window
        finally:
            window.call("", method="DELETE")
    finally:
        driver.terminate()
        driver.wait()


def _wait_for(url: str) -> None:
    for _ in range(200):
        try:
            with LOCAL.open(f"{url}/status", timeout=5):
                return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("chromedriver does not answer")


def keep_runs(folder: Path) -> Path:
    """Two runs of a problem of two minima and a saddle whose name and folder are text that looks like code."""
    (folder / "mine.py").write_text(PROBLEM, encoding="utf-8")
    problem = nc.load(str(folder / "mine.py"))
    nc.solve(problem, "gd", checkpoint=folder / "runs" / "<b>'gd'")
    nc.solve(problem, "newton", x0=[-0.2, -1.5], seed=3, checkpoint=folder / "runs" / "newton")
    return folder / "runs"


@pytest.fixture(scope="session")
def kept_runs(tmp_path_factory):
    """Runs of which nothing is changed."""
    return keep_runs(tmp_path_factory.mktemp("kept"))


@pytest.fixture(scope="session")
def kept_page(kept_runs):
    return make_page([kept_runs], Asked())


@pytest.fixture(name="keep_runs")
def _keep_runs():
    return keep_runs


@pytest.fixture(scope="session")
def browser():
    """One window for all tests."""
    if MISSING:
        pytest.skip(MISSING)
    with chromium() as window:
        yield window
