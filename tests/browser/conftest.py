"""A real JupyterLab on a copy of the built notebooks, and the system's Chromium to look at it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from k8snet_course.launcher import server
from k8snet_course.launcher.options import Options
from tests.browser.lab import TOKEN, Lab
from tests.browser.pages import MODEL, SHOW, Open

ROOT = Path(__file__).parents[2]
SCREENSHOTS = ROOT / "screenshots"
"""Where the tests leave their photographs; git ignores the folder."""

QUIET = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
         "--disable-sync", "--disable-quic"]
"""No sandbox, because a container's only user is often root; and no requests of the browser's own."""


expect.set_options(timeout=20_000)  # a kernel on a busy machine may think for a while; no test measures it


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=chromium, args=QUIET)
        yield made
        made.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Open]:
    """Opens a page with one of the scripts in it; fails when the script asks for anything or complains."""
    pages: list[Page] = []
    troubles: list[str] = []

    def start(script: str, css: str, values: dict[str, Any], **settings: Any) -> Page:
        page = browser.new_page(viewport={"width": 1000, "height": 900}, **settings)
        pages.append(page)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
        page.on("request", lambda request: troubles.append(request.url) if not request.url.startswith("blob:") else None)
        page.set_content(f"<!doctype html><title>test</title><style>{css}</style><div id=root></div>")
        page.evaluate(f"() => {{ {MODEL} }}")
        page.evaluate("([source, values]) => load(source, values)", [(SHOW / script).read_text(encoding="utf-8"), values])
        return page

    yield start
    for page in pages:
        page.close()
    assert troubles == []


@pytest.fixture(scope="session")
def lab_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a JupyterLab that the course's own launcher describes, on a copy that a test may change."""
    root = tmp_path_factory.mktemp("course")
    for folder in ("notebooks", "exercises", "solutions"):
        shutil.copytree(ROOT / folder, root / folder)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    variables = {**os.environ, "PYTHONPATH": str(ROOT), "JUPYTER_TOKEN": TOKEN, "HOME": str(root / "home"),
                 "JUPYTER_PREFER_ENV_PATH": "1", "K8SNET_HOME": str(root / "progress"), "JUPYTER_PLATFORM_DIRS": "0"}
    (root / "home").mkdir()
    command = server.command(sys.executable, root, Options("lab", browser=False, port=port, ip="127.0.0.1"), as_root=True)
    command.append("--LabApp.expose_app_in_browser=True")
    with (root / "server.log").open("w") as log:
        process = subprocess.Popen(command, env=variables, stdout=log, stderr=subprocess.STDOUT, cwd=root)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_for(f"{url}/api/status", process, root / "server.log")
        yield url
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()  # it waits for its kernels longer than a test run wants to


@pytest.fixture
def lab(browser: Browser, lab_url: str) -> Iterator[Lab]:
    """A fresh browser window on that JupyterLab."""
    SCREENSHOTS.mkdir(exist_ok=True)
    context = browser.new_context(viewport={"width": 1366, "height": 1000})
    page = context.new_page()
    page.set_default_timeout(60_000)
    outside: list[str] = []
    page.on("request", lambda request: outside.append(request.url)
            if not request.url.startswith((lab_url, lab_url.replace("http", "ws", 1), "data:", "blob:")) else None)
    yield Lab(page, lab_url, SCREENSHOTS)
    context.close()
    assert outside == [], "the course makes no request to the outside"


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 90
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}?token={TOKEN}", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise AssertionError(f"JupyterLab did not start:\n{log.read_text()[-2000:]}")
