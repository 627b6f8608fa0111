"""Marks of a report's labels: which label each is of, kept as they are made, and what is most in doubt."""

from dataclasses import asdict

import pytest

from earmark.data import marks
from earmark.data.marks import Mark
from earmark.errors import EarmarkError
from earmark.evaluation.listening import marking, page
from reports import chords, report

SHA, AT = "f" * 64, "2026-11-29T10:00:00+00:00"


def said(status: str, corrected: str = "", note: str = "") -> dict[str, str]:
    return {"status": status, "corrected": corrected, "note": note}


def kept(path, of=None, by="Ada") -> marking.MarkFile:
    return marking.MarkFile(path, asdict(of or report()), SHA, by)


def test_a_mark_of_a_recording_is_kept_with_who_and_when(tmp_path):
    file = tmp_path / "review" / "genre.csv"
    kept(file).say(1, None, said("corrected", "high", "a whistle"), AT)
    assert marks.read(file) == [
        Mark(
            "b.wav", "low", status="corrected", corrected="high", note="a whistle", by="Ada", at=AT, manifest_sha256=SHA
        )
    ]
    assert kept(file).shown() == [
        {"recording": 1, "start_s": None, "status": "corrected", "corrected": "high", "note": "a whistle"}
    ]
    kept(file, by="Bo").say(1, None, said("doubtful"), AT)
    kept(file).say(0, None, said("wrong"), AT)
    assert [(m.path, m.status, m.corrected, m.by) for m in marks.read(file)] == [
        ("b.wav", "doubtful", "", "Bo"),
        ("a.wav", "wrong", "", "Ada"),
    ]


def test_a_mark_of_a_segment(tmp_path):
    file = tmp_path / "chord.csv"
    kept(file, chords()).say(0, 1.0, said("corrected", "A:min7"), AT)
    (mark,) = marks.read(file)
    assert (mark.path, mark.start_s, mark.end_s, mark.label, mark.corrected) == ("a.wav", 1.0, 2.0, "A:min", "A:min7")
    for start, lacking in ((0.5, "segment that begins at 0.5 s"), (None, "label of its own")):
        with pytest.raises(EarmarkError, match=f"^The recording has no {lacking}; reload the page\\.$"):
            kept(file, chords()).say(0, start, said("wrong"), AT)


def test_an_utterance_of_several_files_is_marked_whole(tmp_path):
    one = report(recordings=[page.ReportRecording("u", ["a.wav", "b.wav"], "ann", 4.0)], rows=[])
    kept(tmp_path / "s.csv", one).say(0, None, said("corrected", "bea"), AT)
    assert [(m.path, m.corrected) for m in marks.read(tmp_path / "s.csv")] == [("a.wav", "bea"), ("b.wav", "bea")]


def test_what_somebody_wrote_into_the_file_meanwhile_stays(tmp_path):
    file = tmp_path / "m.csv"
    one, other = kept(file), kept(file, by="Bo")
    one.say(0, None, said("doubtful"), AT)
    other.say(1, None, said("wrong"), AT)
    assert [(m.path, m.status, m.by) for m in marks.read(file)] == [
        ("a.wav", "doubtful", "Ada"),
        ("b.wav", "wrong", "Bo"),
    ]


@pytest.mark.parametrize(
    ("place", "mark", "sentence"),
    [
        (7, said("wrong"), "no recording 7"),
        (-1, said("wrong"), "no recording -1"),
        (0, said("bad"), "'bad' is not a status"),
        (0, said("corrected"), "fill in the column 'corrected' if, and only if"),
        (0, said("wrong", "high"), "fill in the column 'corrected' if, and only if"),
    ],
)
def test_what_is_no_mark_changes_nothing(tmp_path, place, mark, sentence):
    with pytest.raises(EarmarkError, match=sentence):
        kept(tmp_path / "m.csv").say(place, None, mark, AT)
    assert not (tmp_path / "m.csv").exists()


def test_a_review_of_another_manifest_is_refused(tmp_path):
    marks.write(tmp_path / "m.csv", [Mark("a.wav", "low", manifest_sha256="0" * 64)])
    with pytest.raises(EarmarkError, match=r"m.csv is a review of another manifest; name another file with --out"):
        kept(tmp_path / "m.csv")


def test_the_most_doubtful_label_comes_first():
    assert [m.path for m in marking.doubtful(asdict(report()), SHA)] == ["b.wav", "a.wav"]
    found = marking.doubtful(asdict(chords()), SHA)
    assert [(m.start_s, m.end_s, m.label, m.status, m.manifest_sha256) for m in found] == [
        (1.0, 2.0, "A:min", "", SHA),
        (0.0, 1.0, "C:maj", "", SHA),
    ]
