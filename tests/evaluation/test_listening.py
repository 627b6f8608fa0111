"""Listening reports and pictures of recordings whose names and labels would be markup or formulas: they are text."""

from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
import torch

from earmark.audio import AudioError
from earmark.evaluation import listening as page
from earmark.tasks.chord import listening as chords
from earmark.tasks.chord.notation.lab import Segment
from earmark.tasks.chord.scores import Song
from earmark.tasks.genre import report as genre
from earmark.tasks.speaker import listening as voices
from earmark.tasks.speaker import report as speaker
from earmark.tasks.speaker.trials.trial_set import Answers, Thresholds, TrialSet
from earmark.training import batch_picture

SCRIPT, PICTURE = "</script><script>alert(1)</script>", "<img src=x onerror=alert(1)>.wav"
BRACES, FORMULA = "{0} {intro} {", r"$\foo$"
OWN = {"html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "table", "tr", "th", "td", "br", "section"}


class Read(HTMLParser):
    """What a browser makes of a page: tags with their attributes, and the text."""

    def __init__(self, path):
        super().__init__()
        self.tags, self.attributes, self.text = set(), set(), ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data):
        self.text += data


def read(path, *shown: str) -> Read:
    found = Read(path)
    assert found.tags <= OWN | {"img", "audio"}
    assert not [name for name in found.attributes if name.startswith("on")]
    for text in shown:
        assert text in found.text
    return found


def test_title_heads_and_reasons_are_text(tmp_path):
    def broken():
        raise AudioError(f"{PICTURE} is no audio")

    body = page.table([SCRIPT], [[page.player(broken)]]) + page.picture(b"png", '"><script>')
    page.write(tmp_path / "page.html", SCRIPT + BRACES, "intro", body)
    found = read(tmp_path / "page.html", SCRIPT + BRACES, f"(not playable: {PICTURE} is no audio)")
    assert found.text.count(SCRIPT) == 3  # title, heading, head of the table


def test_labels_and_names_of_classes(tmp_path):
    rows = [(name, 0, 0.0, SCRIPT, BRACES, 0.9, 0.9, 0.1) for name in (PICTURE, f"{BRACES}.wav")]
    columns = ["recording", "window", "start_s", "label", "recording_predicted", "recording_probability"]
    table = pd.DataFrame(rows, columns=[*columns, f"p_{BRACES}", f"p_{SCRIPT}"])
    genre.listening(tmp_path / "page.html", table, tmp_path, 0.5)
    read(tmp_path / "page.html", PICTURE, SCRIPT, f"{BRACES} (0.90)")


def test_names_of_songs(tmp_path):
    truth = [Segment(0, 2, "C:maj")]
    songs = [Song(name, truth, [Segment(0, 2, "A:min")], name, 0, 0) for name in (SCRIPT, PICTURE)]
    chords.listening(tmp_path / "page.html", songs, [np.zeros((10, 12))] * 2, 0.2, tmp_path)
    read(tmp_path / "page.html", SCRIPT, PICTURE)


@pytest.fixture
def answers() -> Answers:
    """Two speakers, of whom one trial of each kind is wrong."""
    labels, n = [SCRIPT, FORMULA, FORMULA, SCRIPT], 4
    facts = {"id": [f"{i}{PICTURE}" for i in range(n)], "label": labels, "group": list("abcd"), "duration_s": 1.0}
    utterances = pd.DataFrame(facts | {"paths": [(f"{i}{PICTURE}",) for i in range(n)]})
    pairs = pd.DataFrame([(f"{i}{PICTURE}", f"{i + 1}{PICTURE}", i == 1) for i in range(3)], columns=["a", "b", "same"])
    angle = np.radians([0, 5, 90, 95])
    return Answers(TrialSet(utterances, pairs), np.stack([np.cos(angle), np.sin(angle)], 1).astype(np.float32))


def test_names_of_speakers(tmp_path, answers):
    voices.listening(tmp_path / "page.html", answers, 0.9, tmp_path)
    read(tmp_path / "page.html", f"{SCRIPT}: 0{PICTURE}", f"{FORMULA}: 1{PICTURE}")


def test_a_dollar_in_a_name_begins_no_formula_in_a_picture(tmp_path, answers):
    """Drawing it raised an error, and the evaluation with it."""
    said = pd.DataFrame({"label": [FORMULA, "b"], "recording_predicted": FORMULA, "window": 0})
    genre.confusion(tmp_path / "a.png", said, [FORMULA, "b"])
    speaker.pictures(tmp_path, answers, Thresholds(0.7, 0.4), {})
    speaker.confusion(tmp_path, pd.DataFrame({"label": [FORMULA, "b"], "taken_for": FORMULA}))
    batch_picture.draw(tmp_path / "batch.png", torch.rand(2, 1, 4, 4), [FORMULA, "b"])
    assert {path.name for path in tmp_path.glob("*.png")} >= {"a.png", "map.png", "dendrogram.png", "batch.png"}
