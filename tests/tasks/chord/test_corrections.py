"""Chords corrected by a review: which bytes of which file change."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from builders import data_settings, tone
from earmark.data import reading, review
from earmark.data.marks import Mark
from earmark.errors import EarmarkError
from earmark.tasks.chord.corpora import CORPORA

LAB = "\ufeff0.0  1.500 C\r\n\r\n 1.500\t2.000123 Am7 \r\n3.0 4.0 no chord\r\n4.0 5.5 G:maj/3"
ORIGIN = Path("review.csv")


@pytest.fixture
def root(tmp_path):
    tone(tmp_path / "song.wav", 220.0, 6.0)
    (tmp_path / "song.lab").write_bytes(LAB.encode())
    return tmp_path


def mark(start_s, end_s, label, status, corrected="", **more) -> Mark:
    return Mark("song.wav", label, start_s, end_s, status, corrected, **more)


def apply(root, *said, **data):
    asked = data_settings(**data)
    sha256 = review.fingerprint(CORPORA, asked, root)
    return review.apply(CORPORA, asked, root, [replace(one, manifest_sha256=sha256) for one in said], ORIGIN)


def test_a_corrected_segment_changes_that_label_and_no_other_byte(root):
    done = apply(root, mark(1.5, 2.0, "A:min7", "corrected", "A:min7/b3", by="Ada", at="1"))
    assert (root / "song.lab").read_bytes() == LAB.encode()
    assert (root / "song.reviewed-1.lab").read_bytes() == LAB.replace("Am7", "A:min7/b3").encode()
    assert (root / done.manifest).read_text().splitlines() == [
        "path,lab,group,review,reviewed_by,reviewed_at,reviewed_from",
        "song.wav,song.reviewed-1.lab,song.wav,corrected,Ada,1,1.500 s Am7",
    ]


def test_marks_of_a_song_go_into_one_file(root):
    done = apply(
        root,
        mark(4.0004, 5.5, "G:maj/3", "corrected", "G7", by="Bo", at="2"),
        mark(0.0, 1.5, "C", "wrong", by="Ada", at="1"),
        mark(3.0, 4.0, "N", "doubtful", by="Ada", at="3"),
    )
    changed = LAB.replace("1.500 C", "1.500 X").replace("G:maj/3", "G:7")
    assert (root / "song.reviewed-1.lab").read_bytes() == changed.encode()
    assert (root / done.manifest).read_text().splitlines()[1:] == [
        "song.wav,song.reviewed-1.lab,song.wav,corrected,Bo; Ada,3,4.0 s G:maj/3; 0.0 s C"
    ]
    assert "1 label corrected; 1 segment set to X, which is not scored; 1 label doubtful" in done.said[0]
    assert sorted(p.name for p in root.iterdir()) == [
        *("manifest.reviewed-1.csv", "song.lab", "song.reviewed-1.lab", "song.wav")
    ]


def test_time_that_nobody_labelled_becomes_a_row_of_its_own(root):
    apply(root, mark(2.0, 3.0, "X", "corrected", "D:min"))
    gap = "2.000123\t3.0\tD:min\r\n"
    assert (root / "song.reviewed-1.lab").read_bytes() == LAB.replace("3.0 4.0", gap + "3.0 4.0").encode()


@pytest.mark.parametrize(("status", "at"), [("doubtful", (0.0, 1.5, "C")), ("wrong", (2.0, 3.0, "X"))])
def test_what_changes_no_label_makes_no_file(root, status, at):
    done = apply(root, mark(*at, status))
    assert (root / done.manifest).read_text().splitlines()[1] == f"song.wav,song.lab,song.wav,{status},,,"
    assert not (root / "song.reviewed-1.lab").exists()


def test_the_weightiest_mark_is_the_songs(root):
    done = apply(root, mark(3.0, 4.0, "N", "doubtful"), mark(0.0, 1.5, "C", "wrong"))
    assert (root / done.manifest).read_text().splitlines()[1] == (
        "song.wav,song.reviewed-1.lab,song.wav,wrong,,,0.0 s C"
    )


def test_another_segment_of_a_song_that_was_reviewed_adds_to_what_was_said(root):
    first = apply(root, mark(0.0, 1.5, "C", "corrected", "D", by="Ada", at="1"))
    second = apply(root, mark(3.0, 4.0, "N", "wrong", by="Bo", at="2"), manifest=first.manifest)
    changed = LAB.replace("1.500 C", "1.500 D").replace("no chord", "X")
    assert (root / "song.reviewed-2.lab").read_bytes() == changed.encode()
    assert (root / second.manifest).read_text().splitlines()[1] == (
        "song.wav,song.reviewed-2.lab,song.wav,corrected; wrong,Ada; Bo,1; 2,0.0 s C; 3.0 s no chord"
    )


def test_a_song_whose_annotation_is_wrong_is_left_out(root):
    tone(root / "other.wav", 220.0, 1.0)
    (root / "other.lab").write_text("0 1 C\n")
    done = apply(root, mark(None, None, "", "wrong"), mark(0.0, 1.5, "C", "corrected", "D"))
    assert (root / done.manifest).read_text().splitlines()[1:] == ["other.wav,other.lab,other.wav,,,,"]


@pytest.mark.parametrize(
    ("said", "says"),
    [
        (
            mark(0.0, 1.5, "C", "corrected", "H7"),
            r"^review.csv, row 2 \('song.wav' at 0 s\): 'H7' is not a chord in Harte's notation.*; "
            r"correct the column 'corrected'",
        ),
        (
            mark(0.0, 1.5, "D", "wrong"),
            r"^review.csv, row 2 \(.*\) was marked when the label was 'D', but it is 'C' now; review it again",
        ),
        (
            mark(0.5, 1.5, "C", "wrong"),
            r"^review.csv, row 2 \('song.wav' at 0.5 s\): no segment of the song begins at that",
        ),
        (mark(2.0, 3.0, "C", "corrected", "D"), "no segment of the song begins at that time; review the song again"),
        (mark(None, None, "", "corrected", "D"), "corrects a song without saying where; fill in start_s and end_s"),
    ],
)
def test_what_fits_no_segment_is_refused_and_nothing_written(root, said, says):
    with pytest.raises(EarmarkError, match=says):
        apply(root, mark(4.0, 5.5, "G:maj/3", "doubtful"), said)
    assert sorted(p.name for p in root.iterdir()) == ["song.lab", "song.wav"]


def jams(*rows) -> str:
    data = [{"time": a, "duration": b - a, "value": label} for a, b, label in rows]
    return json.dumps({"annotations": [{"namespace": "chord", "data": data}]})


def test_jams_become_a_lab_file_with_that_label_changed(root):
    (root / "song.lab").unlink()
    (root / "song.jams").write_text(jams((0, 1, "C:maj"), (2, 3, "A:min"), (3, 4, "A:min")))
    done = apply(root, mark(2.0, 3.0, "A:min", "corrected", "Am7"))
    assert (root / "song.reviewed-1.lab").read_text().splitlines() == [
        "0.000000\t1.000000\tC:maj",
        "1.000000\t2.000000\tX",
        "2.000000\t3.000000\tA:min7",
        "3.000000\t4.000000\tA:min",
    ]
    head, row = (line.split(",") for line in (root / done.manifest).read_text().splitlines())
    found = dict(zip(head, row, strict=True))
    assert (found["lab"], found["key_lab"]) == ("song.reviewed-1.lab", "song.jams")  # its keys are read as before


def test_labels_at_points_last_until_the_next_and_the_recordings_end(root):
    (root / "song.lab").unlink()
    (root / "song.txt").write_text("0.5\t0.5\tC\n2\t2\tG\n")
    apply(root, mark(2.0, 6.0, "G", "corrected", "G7"))
    assert (root / "song.reviewed-1.lab").read_text() == "0.500000\t2.000000\tC\n2.000000\t6.000000\tG:7\n"


def test_two_recordings_of_one_annotation_are_corrected_apart(root):
    tone(root / "live.wav", 220.0, 6.0)
    (root / "manifest.csv").write_text("path,lab,group\nsong.wav,song.lab,g\nlive.wav,song.lab,g\n")
    done = apply(root, mark(0.0, 1.5, "C", "corrected", "D"))
    assert (root / done.manifest).read_text().splitlines()[1:] == [
        "song.wav,song.reviewed-1.lab,g,corrected,,,0.0 s C",
        "live.wav,song.lab,g,,,,",
    ]
    again = apply(
        root,
        mark(0.0, 1.5, "D", "corrected", "E"),
        replace(mark(0.0, 1.5, "C", "corrected", "F"), path="live.wav"),
        manifest=done.manifest,
    )
    labs = [line.split(",")[1] for line in (root / again.manifest).read_text().splitlines()[1:]]
    assert labs == ["song.reviewed-2.lab", "song.reviewed-3.lab"]
    assert [(root / lab).read_text().split()[2] for lab in labs] == ["E", "F"]


def test_prepare_reads_the_new_chords_and_a_folder_without_the_manifest_the_old_ones(root):
    done = apply(root, mark(0.0, 1.5, "C", "corrected", "D"))
    quiet = (lambda sentence: None), (lambda items, n, text: items)
    for manifest, chord in ((done.manifest, "D"), ("manifest.csv", "C")):
        table, _ = reading.read(CORPORA, data_settings(manifest=manifest), root, *quiet)
        assert [chords.split()[2] for chords in table.chords] == [chord]


def test_readers_of_corpora_pass_over_what_a_review_made(tmp_path):
    folder = tmp_path / "AIST.RWC-MDB-P-2001.CHORD/RWC_Pop_Chords"
    folder.mkdir(parents=True)
    for name in ("N001-M01-T01.lab", "N001-M01-T01.reviewed-1.lab"):
        (folder / name).write_text("0 1 C\n")
    tone(tmp_path / "audio/RM-P001.wav", 220.0, 1.0)
    assert list(CORPORA.readers["rwc"](tmp_path, pytest.fail).lab) == [
        "AIST.RWC-MDB-P-2001.CHORD/RWC_Pop_Chords/N001-M01-T01.lab"
    ]
