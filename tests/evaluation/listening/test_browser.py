"""The listening report in a real browser: as a file, in a frame that may run scripts alone, and with its server."""

import html
from dataclasses import asdict

import numpy as np
import pytest

import browser
from earmark.data import marks
from earmark.evaluation.listening import marking, page
from earmark.evaluation.listening.clips import Clips
from reports import PICTURE, SCRIPT, TOKEN, Served, chords, report, sounds
from speaker_answers import crowd

WIDE, PHONE = {"width": 1400, "height": 1000}, {"width": 390, "height": 800}


def heard(folder, of: page.ListeningReport) -> page.ListeningReport:
    """A report whose recordings can be played."""
    sounds(folder, ("a.wav", "b.wav"))
    clips = Clips(of.spectrogram)
    for one in of.recordings:
        one.clip = clips.place(one.name, [folder / name for name in one.files], 0.0, 60.0)
    of.clips = clips.made
    return of


@pytest.fixture
def opened(chromium, tmp_path):
    """Opens reports, and fails where a page raised an error or asked anything of anybody."""
    contexts = []

    def opens(of: page.ListeningReport, name: str = "page.html", **how):
        context = chromium.new_context(viewport=WIDE, **how)
        contexts.append((context, asked := [], errors := []))
        tab = context.new_page()
        tab.on("request", lambda request: asked.append(request.url))
        tab.on("pageerror", lambda error: errors.append(str(error)))
        tab.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.write(tmp_path / name, of)
        tab.goto((tmp_path / name).as_uri())
        return tab

    yield opens
    for context, asked, errors in contexts:
        assert not errors
        assert not [url for url in asked if not url.startswith(("file:", "data:"))]
        context.close()


def test_a_cell_opens_its_recordings_which_play_under_a_moving_cursor(opened, tmp_path):
    votes = {"starts": [0.0, 1.0], "window_s": 1.0, "labels": ["low", "high"], "p": [[0.9, 0.2], [0.1, 0.8]]}
    of = heard(tmp_path, report())
    of.recordings[1].votes = votes
    tab = opened(of)
    assert tab.locator("#rows tbody tr").count() == 2
    tab.click("button[data-cell='1,0']")
    assert tab.locator("#rows tbody tr").all_inner_texts() == ["✗ wrong\tb.wav\tlow\thigh\t0.800"]
    assert tab.inner_text("#cell").startswith("true low, heard high")
    assert browser.cursor(tab) == 0
    browser.plays(tab)
    browser.until(tab, "parseFloat(document.querySelector('.cursor').style.left) > 2")
    tab.locator(".picture").click(
        position={"x": tab.evaluate("document.querySelector('.picture').clientWidth") * 0.75, "y": 9}
    )
    tab.evaluate("document.querySelector('audio').pause()")
    assert browser.cursor(tab) == pytest.approx(75, abs=15)
    assert "low 0.20   high 0.80" in tab.inner_text(".readout")
    assert not browser.serious(tab)
    browser.picture(tab, "report_genre")
    tab.click("text=Show all")
    assert tab.locator("#rows tbody tr").count() == 2


def test_a_cell_without_sampled_rows_says_so(opened):
    tab = opened(report(rows=[]))
    tab.click("button[data-cell='1,0']")
    assert "among the rows that this page holds, a sample" in tab.inner_text("#heard")


def test_search_sort_and_keys(opened, tmp_path):
    tab = opened(heard(tmp_path, report()))
    names = lambda: tab.locator("#rows tbody tr button").all_inner_texts()  # noqa: E731
    assert names() == ["a.wav", "b.wav"]
    tab.select_option("#order", "doubt")
    assert names() == ["b.wav", "a.wav"]
    tab.select_option("#order", "unsure")
    assert names() == ["b.wav", "a.wav"]
    tab.select_option("#which", "right")
    assert names() == ["a.wav"]
    tab.keyboard.press("Escape")
    tab.keyboard.press("/")
    tab.keyboard.type("B.W")
    assert names() == ["b.wav"]
    tab.keyboard.press("Home")
    tab.keyboard.type("A")
    assert (tab.input_value("#search"), names()) == ("AB.W", [])  # as it was typed, where the caret stood
    tab.keyboard.press("Escape")
    tab.evaluate("document.activeElement.blur()")
    for key, name in (("j", "b.wav"), ("j", "a.wav"), ("k", "b.wav")):
        tab.keyboard.press(key)
        assert tab.inner_text("#heard h3") == name
    for key, name in (("1", "a.wav"), ("-1", "b.wav")):
        tab.focus(f"button[data-step='{key}']")
        tab.keyboard.press("Enter")
        assert (tab.inner_text("#heard h3"), tab.evaluate("document.activeElement.dataset.step")) == (name, key)
        assert tab.text_content("#announced").startswith(name)
    tab.evaluate("document.activeElement.blur()")
    browser.decoded(tab)
    tab.keyboard.press(" ")
    browser.until(tab, "!document.querySelector('audio').paused")
    tab.keyboard.press(" ")
    browser.until(tab, "document.querySelector('audio').paused")
    tab.focus(".picture")
    place = browser.cursor(tab)
    tab.keyboard.press("ArrowRight")
    assert browser.cursor(tab) == pytest.approx(place + 50, abs=3)  # a second of two


def test_a_chord_is_clicked_and_plays_to_its_end(opened, tmp_path):
    tab = opened(heard(tmp_path, chords()))
    tab.click("#rows tbody tr")
    assert tab.locator(".lane-name").all_inner_texts() == ["true", "heard", "differs"]
    browser.decoded(tab)
    tab.click(".segments button[aria-label^='true C:maj']")
    browser.until(tab, "!document.querySelector('audio').paused")
    browser.until(tab, "document.querySelector('audio').paused")
    assert tab.evaluate("document.querySelector('audio').currentTime") == pytest.approx(1.0, abs=0.25)
    tab.select_option("#kind", "chord")
    tab.click("#rows tbody tr")
    browser.until(tab, "document.querySelector('audio').currentTime === 1")  # where the stretch begins
    assert "true A:min   heard C:maj" in tab.inner_text(".readout")
    tab.focus(".segments button")
    tab.keyboard.press("ArrowRight")
    assert tab.evaluate("document.activeElement.textContent") == "A:min"
    assert not browser.serious(tab)
    browser.picture(tab, "report_chord")


def test_pairs_have_a_threshold_a_score_and_two_players(opened, tmp_path):
    from earmark.tasks.speaker import listening
    from earmark.tasks.speaker import report as drawn
    from earmark.tasks.speaker.trials import enrolment

    test = crowd(3, 3)
    sounds(tmp_path, tuple(f"{i}{part}.wav" for i in range(9) for part in ("", "b")))
    rest = 0.95, tmp_path, {"eer": 0.1, "eer_ci95": [0.0, 0.3]}, enrolment.identify(test), drawn.map_utterances(test)
    listening.listening(tmp_path / "voices.html", test, *rest)
    found = page.read(tmp_path / "voices.html")
    tab = opened(report())
    tab.goto((tmp_path / "voices.html").as_uri())
    tab.click("#rows tbody tr")
    assert tab.locator("audio").count() == 2
    row = found["rows"][0]
    assert f"threshold {0.95:.3f}" in tab.text_content(".scale")
    assert f"{row['score']:.3f}" in tab.text_content(".scale")
    browser.plays(tab)
    tab.locator("#map circle").nth(0).click()
    i, (j, score) = 0, found["map"]["neighbours"][0][0]
    names = [found["recordings"][k]["name"] for k in (i, j)]
    assert tab.locator("#heard h3").all_inner_texts() == names
    assert f"{score:.3f}" in tab.text_content(".scale")
    tab.locator("summary", has_text="Nearest utterances").first.click()
    assert tab.locator("#heard li").count() >= 5
    tab.click(".matrix button")
    assert "Show all" in tab.inner_text("#cell")
    assert not browser.serious(tab)
    browser.picture(tab, "report_speaker")


def test_on_a_phone_and_in_the_dark(opened, tmp_path):
    many = {f"label {i}": i for i in range(30)}
    matrix = {"title": "Confusion", "rows": list(many), "columns": list(many), "values": np.eye(30, dtype=int).tolist()}
    tab = opened(heard(tmp_path, report(matrix=matrix | {"unit": "recordings"})), color_scheme="dark")
    tab.set_viewport_size(PHONE)
    tab.click("#rows tbody tr")
    assert tab.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 22, 26)"
    box = tab.locator("#player").bounding_box()
    assert -1 < box["y"] < PHONE["height"] / 2  # the player came into sight
    assert not browser.serious(tab)
    browser.picture(tab, "report_phone_dark")


def test_names_and_labels_do_nothing(opened, tmp_path):
    recordings = [page.ReportRecording(name, [name], SCRIPT, 2.0, facts=[SCRIPT]) for name in (SCRIPT, PICTURE)]
    rows = [page.ReportRow([i], "recording", SCRIPT, PICTURE, False, 0.5, 0.5, cell=(0, 0)) for i in range(2)]
    matrix = {"title": SCRIPT, "rows": [SCRIPT], "columns": [PICTURE], "values": [[2]], "unit": "recordings"}
    tab = opened(
        report(title=SCRIPT, intro=[PICTURE], recordings=recordings, rows=rows, matrix=matrix, labels=[SCRIPT])
    )
    tab.click(".matrix button")
    assert tab.inner_text("h1") == SCRIPT
    assert PICTURE in tab.inner_text("#rows")
    assert tab.evaluate("window.broken") is None
    assert tab.locator("img[src='x']").count() == 0


def test_in_a_frame_that_may_run_scripts_and_nothing_else(chromium, tmp_path):
    """As MLflow shows an artifact."""
    page.write(tmp_path / "inner.html", heard(tmp_path, report()))
    inner = html.escape((tmp_path / "inner.html").read_text())
    tab = chromium.new_page(viewport=WIDE)
    tab.set_content(f'<iframe sandbox="allow-scripts" style="width: 100%; height: 900px" srcdoc="{inner}"></iframe>')
    frame = tab.frame_locator("iframe")
    frame.locator("button[data-cell='1,0']").click()
    assert frame.locator("#rows tbody tr").count() == 1
    heard_on = "audio.ontimeupdate = () => audio.currentTime > 0.1 && done(true)"
    playing = f"audio => new Promise(done => {{ {heard_on}; audio.play(); }})"
    assert frame.locator("audio").evaluate(playing)
    tab.close()


def test_a_correction_is_saved_and_shown_again(chromium, tmp_path):
    sounds(tmp_path)
    one = Served(tmp_path, report(labels=["high", SCRIPT]))
    tab = chromium.new_page(viewport=WIDE)
    errors = []
    tab.on("pageerror", lambda error: errors.append(str(error)))
    tab.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    try:
        tab.goto(f"http://127.0.0.1:{one.port}/?token={TOKEN}")
        tab.click("#rows tbody tr:nth-child(2)")
        browser.plays(tab)  # it is in no clip of the report: the server sends it
        tab.fill(".mark input >> nth=0", "high")
        assert tab.input_value(".mark select") == "corrected"
        tab.fill(".mark input >> nth=1", SCRIPT)
        tab.click(".mark button")
        tab.wait_for_selector("text=Saved.")
        (mark,) = marks.read(one.file)
        assert (mark.path, mark.status, mark.corrected, mark.note) == ("b.wav", "corrected", "high", SCRIPT)
        assert tab.locator("#rows tbody tr:nth-child(2) td").last.inner_text() == "corrected: high"
        assert not browser.serious(tab)
        browser.picture(tab, "report_marking")
        tab.reload()
        tab.click("#rows tbody tr:nth-child(2)")
        assert tab.input_value(".mark input >> nth=0") == "high"
        assert tab.evaluate("window.broken") is None
        assert not errors
        tab.select_option(".mark select", "corrected")
        tab.fill(".mark input >> nth=0", "")
        tab.click(".mark button")
        tab.wait_for_selector("text=Not saved: The mark: fill in the column 'corrected' if, and only if")
    finally:
        tab.close()
        one.end()


def test_a_segment_of_a_song_is_corrected(chromium, tmp_path):
    of = heard(tmp_path, chords())
    one = Served(tmp_path, of)
    tab = chromium.new_page(viewport=WIDE)
    try:
        tab.goto(f"http://127.0.0.1:{one.port}/?token={TOKEN}")
        tab.select_option("#kind", "chord")
        tab.click("#rows tbody tr")
        assert tab.inner_text(".mark legend") == "The label “A:min, 0:01.0 to 0:02.0”"
        tab.click(".segments button[aria-label^='true C:maj']")
        tab.fill(".mark input >> nth=0", "C:maj7")
        tab.click(".mark button")
        tab.wait_for_selector("text=Saved.")
        (mark,) = marks.read(one.file)
        assert (mark.path, mark.start_s, mark.end_s, mark.label, mark.corrected) == (
            "a.wav",
            0.0,
            1.0,
            "C:maj",
            "C:maj7",
        )
        assert marking.MarkFile(one.file, asdict(of), "f" * 64, "x").shown()[0]["start_s"] == 0.0
    finally:
        tab.close()
        one.end()
