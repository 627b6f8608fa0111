"""Chord files: read, refused with one sentence, mended, written; MIDI of them."""

import json
from pathlib import Path

import mir_eval
import pretty_midi
import pytest

from earmark.errors import EarmarkError
from earmark.tasks.chord.notation import lab, midi
from earmark.tasks.chord.notation.lab import LabSegment
from project import REPOSITORY

SHARED = REPOSITORY.parent / "shared"
QUEEN = SHARED / "fixtures/queen/annotations/chordlab/Queen/Greatest Hits I/01 Bohemian Rhapsody.lab"


@pytest.fixture
def song(tmp_path: Path):
    """Writes rows into a .lab file."""

    def write(text: str) -> Path:
        path = tmp_path / "song.lab"
        path.write_text(text)
        return path

    return write


def rows(segments: list[LabSegment]) -> list[tuple]:
    return [s[:3] for s in segments]


def test_rows_are_split_at_any_blanks(song):
    path = song("\ufeff0.000\t1.5 C\n\n1.5   2.25\tA:min7/b3\r\n2.25 3 N\n")
    assert rows(lab.read(path)) == [(0.0, 1.5, "C"), (1.5, 2.25, "A:min7/b3"), (2.25, 3.0, "N")]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "has no rows; write one row per chord"),
        ("\n \n", "has no rows"),
        ("0 1 C\n1 2 H:maj\n", r"row 2: 'H:maj' is not a chord .*; correct the label, or write X"),
        ("0 1 C\n\n0.9 2 G\n", r"row 3 starts at 0.9 s, but the row before ends at 1 s; rows must follow"),
        ("1 2 C\n0 1 G\n", r"row 2 starts at 0 s, but the row before ends at 2 s"),
        ("0 1 C\n1 1 G\n", r"row 2 runs from 1 to 1 s; the start must be at least 0, and the end after it"),
        ("2 1 C\n", r"row 1 runs from 2 to 1 s"),
        ("-1 1 C\n", r"row 1 runs from -1 to 1 s"),
        ("0 nan C\n", r"row 1 runs from 0 to nan s"),
        ("0 inf C\n", r"row 1 runs from 0 to inf s"),
        ("0 1\n", r"row 1: '0 1' is not 'START END LABEL'"),
        ("zero 1 C\n", r"row 1: 'zero 1 C' is not 'START END LABEL'"),
        ("0 1 C maj\n", r"row 1 has 4 fields; it takes three"),
    ],
)
def test_bad_rows_are_named(song, text, sentence):
    with pytest.raises(EarmarkError, match=rf"song\.lab.*{sentence}") as e:
        lab.read(song(text))
    assert "\n" not in str(e.value)


def test_files_that_are_none_are_named(tmp_path):
    with pytest.raises(EarmarkError, match=r"no chord file .*none\.lab"):
        lab.read(tmp_path / "none.lab")
    (tmp_path / "audio.lab").write_bytes(b"fLaC\x00\xff\xfe")
    with pytest.raises(EarmarkError, match=r"audio\.lab is not text"):
        lab.read(tmp_path / "audio.lab")


def test_rows_that_overlap_by_rounding_meet_at_the_later_start(song):
    assert rows(lab.read(song("0 1.0005 C\n1 2 G\n"))) == [(0.0, 1.0, "C"), (1.0, 2.0, "G")]


def test_short_gaps_close_and_long_ones_are_unknown(song):
    path = song("0 1 C\n1.05 2 G\n2.06 3 F\n")
    assert rows(lab.read(path)) == [(0, 1.05, "C"), (1.05, 2, "G"), (2, 2.06, "X"), (2.06, 3, "F")]
    assert rows(lab.read(path, fill="N"))[2] == (2, 2.06, "N")


def test_annotation_may_outlast_its_audio_by_a_second(song):
    path = song("0 1 C\n1 2.9 G\n2.9 3 F\n")
    assert rows(lab.read(path, 2.0)) == [(0, 1, "C"), (1, 2, "G")]
    assert rows(lab.read(path, 3.5))[-1] == (2.9, 3, "F")
    with pytest.raises(EarmarkError, match=r"song\.lab, last row ends at 3\.00 s, but the audio lasts 1\.99 s"):
        lab.read(path, 1.99)
    with pytest.raises(EarmarkError, match=r"ends at 1\.00 s, but the audio lasts 0\.10 s"):
        lab.read(song("0.5 1 C\n"), 0.1)


def test_span_cuts_and_fills():
    segments = [LabSegment(1, 2, "C"), LabSegment(2, 3, "G")]
    assert rows(lab.cut_to_span(segments, 0, 4, "N")) == [(0, 1, "N"), (1, 2, "C"), (2, 3, "G"), (3, 4, "N")]
    assert rows(lab.cut_to_span(segments, 1.5, 2, "N")) == [(1.5, 2, "C")]
    assert rows(lab.cut_to_span(segments, 5, 6, "N")) == [(5, 6, "N")]


def test_neighbours_of_the_same_chord_merge():
    segments = [
        LabSegment(0, 1, "C"),
        LabSegment(1, 2, "C:maj"),
        LabSegment(2, 3, "C/3"),
        LabSegment(3, 4, "X"),
        LabSegment(4, 5, "C/3"),
    ]
    assert rows(lab.merge_repeats(segments)) == [(0, 2, "C"), (2, 3, "C/3"), (3, 4, "X"), (4, 5, "C/3")]


def test_written_rows_read_back_and_mir_eval_reads_them(tmp_path):
    segments = [LabSegment(0.0, 1.2345678, "N"), LabSegment(1.2345678, 3.0, "F#:min7/b3")]
    lab.write(tmp_path / "a.lab", segments)
    assert (tmp_path / "a.lab").read_text() == "0.000000\t1.234568\tN\n1.234568\t3.000000\tF#:min7/b3\n"
    assert lab.read(tmp_path / "a.lab")[1].label == "F#:min7/b3"
    intervals, labels = mir_eval.io.load_labeled_intervals(tmp_path / "a.lab")
    assert (intervals.tolist(), labels) == ([[0.0, 1.234568], [1.234568, 3.0]], ["N", "F#:min7/b3"])


def test_json_holds_probabilities_and_the_song(tmp_path):
    lab.write_json(tmp_path / "a.json", [LabSegment(0.0, 0.12345678, "C:maj/3", 0.75)], key="C:maj")
    assert json.loads((tmp_path / "a.json").read_text()) == {
        "key": "C:maj",
        "segments": [{"start_s": 0.0, "end_s": 0.123457, "label": "C:maj/3", "probability": 0.75}],
    }


def test_midi_plays_bass_and_tones(tmp_path):
    midi.write(tmp_path / "a.mid", [LabSegment(0, 1, "C:maj/3"), LabSegment(1, 2, "N"), LabSegment(2, 4.5, "F:maj/2")])
    notes = pretty_midi.PrettyMIDI(str(tmp_path / "a.mid")).instruments[0].notes
    first, last = [n for n in notes if n.start < 1], [n for n in notes if n.start >= 1]
    assert sorted(n.pitch for n in first) == [40, 60, 64, 67]
    assert sorted(n.pitch for n in last) == [43, 60, 65, 69]  # F/G: G2 under F, A and C
    assert {round(n.start, 2) for n in last} == {2.0}
    assert {round(n.end, 2) for n in last} == {4.5}


@pytest.mark.skipif(not QUEEN.is_file(), reason="the Queen fixture is not in ../shared/fixtures")
def test_an_isophonics_file_reads():
    assert rows(lab.read(QUEEN)) == [(0, 0.459, "N"), (0.459, 4.122, "Bb:maj6"), (4.122, 4.911, "C:7")]


@pytest.mark.skipif(not (SHARED / "data/chd_mma_dev").is_dir(), reason="chd_mma_dev is not in ../shared/data")
def test_all_dev_files_read_without_gaps():
    for path in sorted((SHARED / "data/chd_mma_dev").glob("*.lab")):
        segments = lab.read(path)
        assert "X" not in [s.label for s in segments]
        assert segments[0].start_s == 0
