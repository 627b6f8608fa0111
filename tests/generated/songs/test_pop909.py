"""POP909's labels, on a small tree and on the data set where it is at hand."""

from collections import Counter
from pathlib import Path

import pytest

from earmark.errors import EarmarkError
from earmark.generated.songs import pop909
from earmark.tasks.chord.notation.lab import LabSegment
from project import REPOSITORY

POP909 = REPOSITORY.parent / "shared/data/chd_pop909"


def tree(root: Path, chords: str, keys: str = "2.67 191.98 Gb:maj\n") -> Path:
    folder = root / "POP909/001"
    folder.mkdir(parents=True)
    for name, text in (("001.mid", "MThd"), ("chord_midi.txt", chords), ("key_audio.txt", keys)):
        (folder / name).write_text(text)
    return root


def test_overlaps_are_cut_and_empty_rows_go(tmp_path):
    rows = "1.0\t2.0\tA:min\n0.5\t1.2\tC:maj\n2.0\t2.0\tN\n3.0\t4.0\tG:sus4(b7)\n"
    song = pop909.song(tree(tmp_path, rows), "001")
    assert [(s.start_s, s.end_s, s.label) for s in song.chords] == [
        (0.5, 1.0, "C:maj"),
        (1.0, 2.0, "A:min"),
        (2.0, 3.0, "X"),
        (3.0, 4.0, "G:sus4(b7)"),
    ]
    assert song.midi == tmp_path / "POP909/001/001.mid"
    assert song.keys == [LabSegment(2.67, 191.98, "F#:maj")]
    assert song.key == "F#:maj"


def test_a_row_within_another(tmp_path):
    rows = [LabSegment(0.0, 9.0, "C"), LabSegment(2.0, 3.0, "G")]
    assert pop909.tidy(rows) == [LabSegment(0.0, 2.0, "C"), LabSegment(2.0, 3.0, "G")]
    assert pop909.tidy([]) == []


def test_mistakes(tmp_path):
    with pytest.raises(EarmarkError, match=r"holds no songs such as POP909/001/chord_midi\.txt"):
        pop909.names(tmp_path)
    tree(tmp_path, "0 1 C:maj\n1 2 C:mjr\n")
    assert pop909.names(tmp_path) == ["001"]
    with pytest.raises(EarmarkError, match=r"001/chord_midi\.txt, row 2: 'C:mjr' is not a chord"):
        pop909.song(tmp_path, "001")
    (tmp_path / "POP909/001/001.mid").unlink()
    with pytest.raises(EarmarkError, match=r"There is no .*001\.mid"):
        pop909.song(tmp_path, "001")


@pytest.mark.skipif(not POP909.is_dir(), reason="POP909 is not in ../shared/data/chd_pop909")
def test_the_data_set():
    """Counts by hand: `cat */chord_midi.txt | awk '{print $3}'`, and the files' own columns."""
    songs = [pop909.song(POP909, name) for name in pop909.names(POP909)]
    assert len(songs) == 849
    qualities = Counter(s.label.partition(":")[2] or s.label for song in songs for s in song.chords)
    assert qualities["maj"] == 52145
    assert qualities["sus2"] == 5365
    assert qualities["N"] == 4435
    assert sum(qualities.values()) == 116_602
    assert len(qualities) == 28
    assert "X" not in qualities  # no gap in any song
    assert all(song.key for song in songs)
