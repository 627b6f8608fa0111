"""The listening report as a file: its data come back, nothing in them is markup, nothing is loaded from elsewhere."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import pytest

from earmark.errors import EarmarkError
from earmark.evaluation.listening import page
from reports import PICTURE, SCRIPT, report


class Read(HTMLParser):
    """What a browser makes of a page: tags, attributes with their values, the text of scripts and styles."""

    def __init__(self, text: str):
        super().__init__()
        self.tags = []
        self.attributes = []
        self.held = []
        self.inside = False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        self.inside = tag in ("script", "style")
        if self.inside:
            self.held.append([tag, dict(attrs), ""])

    def handle_endtag(self, tag):
        self.inside = False

    def handle_data(self, data):
        if self.inside:
            self.held[-1][2] += data


def hostile() -> page.ListeningReport:
    names = [SCRIPT, PICTURE]
    recordings = [page.ReportRecording(name, [name], SCRIPT, 1.0, facts=[SCRIPT]) for name in names]
    rows = [page.ReportRow([i], "recording", SCRIPT, "{{SCRIPT}}", False, 0.5, 0.5) for i in range(2)]
    return report(title=SCRIPT, intro=[SCRIPT], recordings=recordings, rows=rows, labels=[SCRIPT], matrix=None)


def test_data_come_back(tmp_path):
    page.write(tmp_path / "page.html", hostile())
    found = page.read(tmp_path / "page.html")
    assert found["recordings"][0] | {"name": SCRIPT, "label": SCRIPT, "facts": [SCRIPT]} == found["recordings"][0]
    assert found["rows"][1]["answer"] == "{{SCRIPT}}"
    assert (found["title"], found["intro"], found["format"]) == (SCRIPT, [SCRIPT], 1)


def test_nothing_in_the_data_is_markup(tmp_path):
    page.write(tmp_path / "plain.html", report())
    page.write(tmp_path / "hostile.html", hostile())
    plain, odd = (Read((tmp_path / f"{name}.html").read_text()) for name in ("plain", "hostile"))
    assert odd.tags == plain.tags
    assert odd.attributes == plain.attributes
    scripts = [held for held in odd.held if held[0] == "script"]
    assert [attributes.get("id") for _, attributes, _ in scripts] == ["report", "marking", None]
    assert json.loads(scripts[0][2])["title"] == SCRIPT


def test_the_policy_names_its_own_script_and_style_and_nothing_else():
    found = Read(page.page({"title": "x"}))
    policy = next(value for _, value in found.attributes if "default-src" in (value or ""))
    script, style = (
        next(text for tag, attributes, text in found.held if tag == name and "type" not in attributes)
        for name in ("script", "style")
    )
    for kind, text in (("script-src", script), ("style-src", style)):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind} 'sha256-{digest}';" in policy
    assert policy.startswith("default-src 'none';")
    assert "connect-src 'none'" in policy
    assert "unsafe" not in policy


def test_nothing_is_loaded_from_elsewhere():
    text = page.page({"title": "x"})
    addresses = set(re.findall(r"https?://[^\s\"'`]+", text))
    assert addresses == {"http://www.w3.org/2000/svg"}  # a name, which nobody asks for
    assert not re.findall(r"@import|url\(|\bsrc=\"|\bhref=", text)


def test_a_page_of_something_else_is_refused(tmp_path):
    with pytest.raises(EarmarkError, match=r"There is no listening report .*none.html; run `dvc repro` first"):
        page.read(tmp_path / "none.html")
    held = '<script type="application/json" id="report">%s</script>'
    for text in (b"<p>", b"\xff", *((held % data).encode() for data in ('{"format":0}', "[1]", "{"))):
        (tmp_path / "page.html").write_bytes(text)
        with pytest.raises(EarmarkError, match=r"page\.html is not a listening report of this version of earmark"):
            page.read(tmp_path / "page.html")


def test_figures_are_those_with_an_interval():
    found = {"accuracy": 0.5, "accuracy_ci95": [0.25, 0.75], "n_recordings": 4}
    assert page.figures(found, ("accuracy", "n_recordings", "eer")) == [("accuracy", 0.5, 0.25, 0.75)]
