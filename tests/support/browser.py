"""A real browser for tests: the system's chromium, driven by Playwright."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from project import REPOSITORY

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required", "--mute-audio", "--disable-dev-shm-usage"]
PICTURES = Path(os.environ.get("EARMARK_SCREENSHOTS", REPOSITORY / ".pytest_cache/screenshots"))


def program() -> str:
    """The browser; skips the test where there is none."""
    found = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if found is None:
        pytest.skip(f"there is no browser here: install one of {', '.join(PROGRAMS)}")
    return found


def picture(page: Page, name: str) -> None:
    """Keep a screenshot, for people to look at."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"{name}.png")


def serious(page: Page) -> list[str]:
    """What axe finds on a page that is serious or critical."""
    found = Axe().run(page).response["violations"]
    return [f"{v['id']}: {v['nodes'][0]['html']}" for v in found if v["impact"] in ("serious", "critical")]


def until(page: Page, expression: str, seconds: float = 20.0) -> None:
    """Wait for an expression to be true (Playwright's own wait needs `eval`, which our pages forbid)."""
    end = time.monotonic() + seconds
    while not page.evaluate(expression):
        assert time.monotonic() < end, f"{expression} has not come true in {seconds:g} s"
        time.sleep(0.03)


def decoded(page: Page) -> None:
    """Wait until the first player has decoded its sound."""
    until(page, "document.querySelector('audio')?.readyState >= 2")


def plays(page: Page) -> None:
    """Wait until the first player has decoded its sound, and the time goes on as it plays."""
    decoded(page)
    before = page.evaluate("document.querySelector('audio').currentTime")
    page.evaluate("document.querySelector('audio').play()")
    until(page, f"document.querySelector('audio').currentTime > {before} + 0.05")


def cursor(page: Page) -> float:
    """Where the cursor stands, in percent of the spectrogram's width."""
    return page.evaluate("parseFloat(document.querySelector('.cursor').style.left)")


@contextmanager
def serving(folder: Path, *command: str, until: str) -> Iterator[list[str]]:
    """A command of earmark that serves pages; the lines that it prints, up to the one that holds `until`."""
    own = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW_", "DVC_", "PYTEST_"))}
    own |= {"PATH": f"{Path(sys.executable).parent}:{own['PATH']}", "PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": "1"}
    arguments = {"cwd": folder, "env": own, "stdout": subprocess.PIPE, "text": True, "start_new_session": True}
    process = subprocess.Popen([sys.executable, "-m", "earmark", *command], **arguments)
    try:
        lines = []
        for line in process.stdout:
            lines.append(line.rstrip())
            if until in line:
                break
        assert lines, f"earmark {' '.join(command)} said nothing and ended with {process.wait()}"
        yield lines
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()
