"""Chords and keys of the formats that corpora have."""

import json

import pytest

from earmark.errors import EarmarkError
from earmark.tasks.chord import annotations
from earmark.tasks.chord.notation import pop
from project import REPOSITORY

FIXTURES = REPOSITORY.parent / "shared/fixtures"
needs_fixtures = pytest.mark.skipif(not FIXTURES.is_dir(), reason="mirdata's fixtures are not in ../shared/fixtures")


def plain(segments) -> list[tuple]:
    return [(s.start_s, s.end_s, s.label) for s in segments]


def write(tmp_path, text: str, name: str = "a.lab"):
    (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path / name


def error(function, *args) -> str:
    with pytest.raises(EarmarkError) as caught:
        function(*args)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@needs_fixtures
def test_keys_of_isophonics():
    path = FIXTURES / "queen/annotations/keylab/Queen/Greatest Hits I/01 Bohemian Rhapsody.lab"
    keys = annotations.keys(path)
    assert plain(keys) == [(0, 0.456, "N"), (0.456, 83.139, "Bb:maj"), (83.139, 108.519, "Eb:maj")]
    assert annotations.main_key(keys) == "Bb:maj"


@needs_fixtures
def test_chords_and_key_of_guitarset_are_the_performed_ones():
    path = FIXTURES / "guitarset/annotation/03_BN3-119-G_solo.jams"
    assert plain(annotations.chords(path)) == [(0, 2, "G:maj7/1")]  # the lead sheet says G:maj
    assert plain(annotations.keys(path)) == [(0, 2, "G:maj")]


@needs_fixtures
def test_a_jams_file_without_chords():
    path = FIXTURES / "guitarset/annotation/00_BN1-129-Eb_comp.jams"
    assert error(annotations.chords, path) == (
        f"{path} holds no chords (namespace chord or chord_harte); take an annotation that does."
    )
    assert annotations.keys(path) == []


@needs_fixtures
def test_billboard_fixtures_are_read_whole():
    """Both songs, to the last of their rows; what the rows leave open between them is at most 50 ms."""
    for name, n, first in (("0003", 95, "A:min"), ("0035", 179, "C:7(#9)")):
        chords = annotations.chords(FIXTURES / f"billboard/McGill-Billboard/{name}/full.lab")
        assert len(chords) == n
        assert next(s.label for s in chords if s.label not in ("N", "X")) == first


def test_a_take_with_the_lead_sheet_alone(tmp_path):
    chord = {"namespace": "chord", "data": [{"time": 0.5, "duration": 1.5, "value": "C"}]}
    path = write(tmp_path, json.dumps({"annotations": [chord, {"namespace": "chord", "data": []}]}), "a.jams")
    assert plain(annotations.chords(path)) == [(0.5, 2.0, "C")]


def jams(tmp_path, *annotations: tuple[str, str], name: str = "a.jams"):
    """A JAMS file of (namespace, chord of 2 s) annotations."""
    found = [{"namespace": n, "data": [{"time": 0, "duration": 2, "value": value}]} for n, value in annotations]
    return write(tmp_path, json.dumps({"annotations": found}), name)


@pytest.mark.parametrize(
    ("found", "label"),
    [
        ([("chord_harte", "A:min")], "A:min"),
        ([("chord", "A:min")], "A:min"),
        ([("chord_harte", "G"), ("chord", "A:min")], "A:min"),
        ([("chord_harte", "G"), ("chord_harte", "A:min")], "A:min"),
        ([("beat", "1"), ("chord_harte", "Am7/G")], "A:min7/b7"),
    ],
)
def test_chords_of_jams(tmp_path, found, label):
    assert plain(annotations.chords(jams(tmp_path, *found))) == [(0, 2, label)]
    assert plain(annotations.chords(jams(tmp_path, *found, name="A.JAMS"))) == [(0, 2, label)]


def test_a_jams_chord_that_nobody_named_is_no_silence(tmp_path):
    path = jams(tmp_path, ("chord", None))
    assert "'None' is not a chord in Harte's notation" in error(annotations.chords, path)


def test_truth_counts_what_it_converted(tmp_path):
    converted = pop.Converted()
    said = annotations.truth(write(tmp_path, "0 1 Am\n1 2 C\n"), None, "", 2.0, converted)
    assert said["chords"] == "0.000000\t1.000000\tA:min\n1.000000\t2.000000\tC\n"
    assert converted == {("Am", "A:min"): 1}


def test_modes_go_to_the_key_with_their_third(tmp_path):
    path = write(tmp_path, "3 4\tKey\tD:dorian\n0 1 Key C\n1 2 Key D:mixolydian\n2 3 Key E:modal\n4 5 Gb:min\n")
    assert [s.label for s in annotations.keys(path)] == ["C:maj", "D:maj", "N", "D:min", "F#:min"]


def test_the_main_key_lasts_longest_in_all(tmp_path):
    keys = annotations.keys(write(tmp_path, "0 9 Silence\n9 12 Key C\n12 16 Key G\n16 18 Key C\n"))
    assert annotations.main_key(keys) == "C:maj"
    assert annotations.main_key(keys[:1]) == annotations.main_key([]) == ""


def test_truth_of_a_song(tmp_path):
    lab = write(tmp_path, "0 1 C\n1 2.5 G:7/b7\n")
    said = annotations.truth(lab, None, "A:minor", 2.0)
    assert said["chords"] == "0.000000\t1.000000\tC\n1.000000\t2.000000\tG:7/b7\n"  # cut where the audio ends
    assert (said["keys"], said["key"]) == ("0.000000\t2.000000\tA:min\n", "A:min")
    assert annotations.truth(lab, None, "", 2.0)["keys"] == annotations.truth(lab, None, "N", 2.0)["keys"] == ""


def test_the_hash_follows_chords_and_keys(tmp_path):
    lab, key = write(tmp_path, "0 1 C\n"), write(tmp_path, "0 1 Key C\n", "key.lab")
    hashes = {annotations.truth(lab, key, "", 1.0)["truth_sha256"]}
    write(tmp_path, "0.0\t1.000 C")  # the same rows
    hashes.add(annotations.truth(lab, key, "", 1.0)["truth_sha256"])
    assert len(hashes) == 1
    write(tmp_path, "0 1 Key G\n", "key.lab")
    hashes.add(annotations.truth(lab, key, "", 1.0)["truth_sha256"])
    write(tmp_path, "0 1 G")
    hashes.add(annotations.truth(lab, key, "", 1.0)["truth_sha256"])
    assert len(hashes) == 3


def test_mistakes(tmp_path):
    assert "There is no annotation" in error(annotations.keys, tmp_path / "none.lab")
    (tmp_path / "b.lab").write_bytes(b"0 1 \xff")
    assert "is not text in UTF-8" in error(annotations.keys, tmp_path / "b.lab")
    path = write(tmp_path, "0 1 Key C\n\none 2 Key D\n")
    assert error(annotations.keys, path) == f"{path}, row 3: 'one 2 D' is not 'START END LABEL', times in seconds."
    assert "row 1 runs from 2 to 1 s" in error(annotations.keys, write(tmp_path, "2 1 Key C\n"))
    assert "row 1: '0 1' is not" in error(annotations.keys, write(tmp_path, "0 1\n"))
    assert "the key 'Am' is not known" in error(annotations.truth, write(tmp_path, "0 1 C\n"), None, "Am", 1.0)
    for text in (
        "[]",
        "{",
        '{"annotations": [{}]}',
        '{"annotations": [{"namespace": "chord", "data": [{"time": 0}]}]}',
    ):
        assert "is not a JAMS file" in error(annotations.chords, write(tmp_path, text, "a.jams"))
