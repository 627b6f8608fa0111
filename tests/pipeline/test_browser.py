"""What `dvc repro` leaves, as a person meets it in a browser: MLflow's pages by `earmark ui`'s link; corrections."""

import json
import re
import shutil

import pandas as pd
import pytest

import browser
from earmark.data import marks
from project import Project, commit
from served import free_port

pytestmark = [pytest.mark.pipeline, pytest.mark.parametrize("small", ["genre"], indirect=True)]
WIDE = {"width": 1500, "height": 950}


class Person:
    """Somebody at a browser, whose clicks count."""

    def __init__(self, tab):
        self.tab, self.clicks = tab, 0

    def click(self, what: str) -> None:
        """Click a link, and look at where it leads, which may be a new tab."""
        self.clicks += 1
        opens = self.tab.locator(what).first
        opens.wait_for()
        if opens.get_attribute("target") == "_blank":
            with self.tab.expect_popup() as opened:
                opens.click()
            self.tab = opened.value
            self.tab.set_viewport_size(WIDE)
        else:
            opens.click()


@pytest.fixture(scope="module")
def mlflow_ui(small, chromium):
    """The address that `earmark ui` prints for the task, and a browser that has never been here."""
    with browser.serving(small.path, "ui", "--port", free_port(), until="genre  ") as lines:
        context = chromium.new_context(viewport=WIDE)
        yield lines[-1].split()[-1], context
        context.close()


def test_two_clicks_lead_to_confusion_report_and_card(small, mlflow_ui):
    accuracy = json.loads((small.path / "reports/genre/metrics.json").read_text())["accuracy"]
    link, context = mlflow_ui
    board = context.new_page()
    board.goto(link)
    cell = board.get_by_role("gridcell").filter(has_text=re.compile(rf"^{round(accuracy, 3):g}"))
    cell.first.wait_for()
    box = cell.first.bounding_box()
    assert box["x"] + box["width"] <= WIDE["width"]  # the figure is in sight, without scrolling
    assert box["y"] + box["height"] <= WIDE["height"]
    assert board.get_by_role("button", name="Leaderboard").is_visible()  # the saved view
    browser.picture(board, "mlflow_leaderboard")

    shown = {
        "a:text-is('Listen to what it got wrong')": lambda tab: tab.frame_locator("iframe").locator("#rows tbody tr"),
        "a:text-is('confusion')": lambda tab: tab.locator("img[src*='confusion'], img[src^='blob:']"),
        "a:text-is('card')": lambda tab: tab.get_by_role("heading", name="Lineage"),
    }
    for what, sign in shown.items():
        tab = context.new_page()
        tab.goto(link)
        person = Person(tab)
        person.click("[role=gridcell] a[href*='/runs/']")
        person.click(what)
        sign(person.tab).first.wait_for()
        assert person.clicks == 2
        if "Listen" in what:
            report_plays(person.tab)
        else:
            browser.picture(person.tab, f"mlflow_{what[11:15]}")


def report_plays(tab) -> None:
    """In MLflow's frame: a cell opens its list, the sound decodes and plays."""
    frame = tab.frame_locator("iframe")
    assert tab.locator("iframe").get_attribute("sandbox") == "allow-scripts"
    frame.locator(".matrix button").first.click()
    assert frame.locator("#cell").inner_text().startswith("true ")
    heard_on = "audio.ontimeupdate = () => audio.currentTime > 0.05 && done(true)"
    assert frame.locator("audio").first.evaluate(f"audio => new Promise(done => {{ {heard_on}; audio.play(); }})")
    browser.picture(tab, "mlflow_report")


def test_a_version_says_what_it_is(small, mlflow_ui):
    link, context = mlflow_ui
    tab = context.new_page()
    tab.goto(f"{link.partition('#')[0]}#/models/earmark-genre/versions/1?workflowType=machine_learning")
    tab.get_by_text(re.compile(r"^@\s*(challenger|champion)$")).first.wait_for()
    assert tab.get_by_text("It tells 3 classes apart").is_visible()
    assert tab.get_by_text("The whole card").is_visible()
    browser.picture(tab, "mlflow_version")


def test_a_correction_made_in_the_browser_shows_in_the_figures(small, chromium, tmp_path):
    """One label is corrected by hand; the new manifest differs in it alone, and `dvc metrics diff` says what it did."""
    project = Project(tmp_path / "project")
    shutil.copytree(small.path, project.path, symlinks=True)
    shutil.copytree(small.audio, tmp_path / "audio")
    project.set(**{"data.root": str(tmp_path / "audio")})
    project.repro("publish@genre")
    commit(project, "before")
    before = json.loads((project.path / "reports/genre/metrics.json").read_text())
    said = pd.read_parquet(project.path / "reports/genre/predictions.parquet").query("window == 0")
    one = said[said.recording_predicted == said.label].iloc[0]
    other = sorted(set(said.label) - {one.label})[0]

    with browser.serving(project.path, "listen", "genre", "--by", "Ada", "--port", free_port(), until="Open ") as lines:
        tab = chromium.new_page(viewport=WIDE)
        tab.goto(lines[-1].split()[1])
        tab.fill("#search", one.recording)
        tab.click("#rows tbody tr")
        browser.plays(tab)
        tab.fill(".mark input >> nth=0", other)
        tab.click(".mark button")
        tab.wait_for_selector("text=Saved.")
        browser.picture(tab, "listen_genre")
        assert not browser.serious(tab)
        tab.close()
    (mark,) = marks.read(project.path / "review/genre.csv")
    assert (mark.path, mark.label, mark.corrected, mark.by) == (one.recording, one.label, other, "Ada")

    done = project.run("earmark", "review", "genre", "--apply", "review/genre.csv")
    assert "1 label corrected" in done.stdout
    project.repro("publish@genre")
    now = pd.read_csv(project.path / "data/genre/manifest.csv", dtype=str, keep_default_na=False).set_index("path")
    old = pd.read_csv(small.path / "data/genre/manifest.csv", dtype=str, keep_default_na=False).set_index("path")
    assert list(now.index) == list(old.index)
    changed = now.index[now.label != old.label]
    assert list(changed) == [one.recording]
    assert now.loc[one.recording, ["label", "reviewed_by", "reviewed_from"]].tolist() == [other, "Ada", one.label]
    assert (now["split"] == old["split"]).all()

    after = json.loads((project.path / "reports/genre/metrics.json").read_text())
    # The same recordings trained the same weights: one answer more is wrong.
    assert after["accuracy"] == pytest.approx(before["accuracy"] - 1 / before["n_recordings"])
    diff = json.loads(project.run("dvc", "metrics", "diff", "--json").stdout)
    row = diff["reports/genre/metrics.json"]["accuracy"]
    assert (row["old"], row["new"]) == (before["accuracy"], after["accuracy"])
