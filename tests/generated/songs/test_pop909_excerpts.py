"""POP909 in its authors' layout, on a song made by hand; and on the corpus where it is at hand."""

from itertools import pairwise

import pretty_midi
import pytest

from earmark.errors import EarmarkError
from earmark.generated.songs import pop909_excerpts
from earmark.tasks.chord.notation import harte
from earmark.tasks.chord.notation.lab import LabSegment
from project import REPOSITORY

CORPUS = REPOSITORY.parent / "shared/data/chd_pop909"


@pytest.fixture
def corpus(tmp_path):
    """One song, 007: beats of half a second from .25 s, C and A minor by turns, a bar each, for 40 bars."""
    folder = tmp_path / "POP909/007"
    folder.mkdir(parents=True)
    midi = pretty_midi.PrettyMIDI()
    for name in ("MELODY", "BRIDGE", "PIANO"):
        midi.instruments.append(pretty_midi.Instrument(0, name=name))
    for bar in range(40):
        pitches = (48, 52, 55) if bar % 2 == 0 else (45, 48, 52)
        start = 0.25 + 2 * bar
        midi.instruments[2].notes += [pretty_midi.Note(80, p, start, start + 1.9) for p in pitches]
        midi.instruments[0].notes.append(pretty_midi.Note(80, 76, start, start + 1))
    midi.write(str(folder / "007.mid"))
    rows = (f"{0.25 + 2 * b}\t{2.25 + 2 * b}\t{('C:maj', 'A:min')[b % 2]}\n" for b in range(40))
    (folder / "chord_midi.txt").write_text("".join(rows))
    beats = (f"{0.25 + 0.5 * n} {float(n % 2 == 0)} {float(n % 4 == 0)}\n" for n in range(160))
    (folder / "beat_midi.txt").write_text("".join(beats))
    (folder / "key_audio.txt").write_text("0.4\t60.0\tC:maj\n60.0\t82.0\tA:min\n")
    return tmp_path


def test_key_at_a_time():
    keys = [LabSegment(0.4, 60.0, "C:maj"), LabSegment(60.0, 82.0, "A:min")]
    assert [pop909_excerpts.key_at(keys, t) for t in (0.0, 30.0, 70.0, 99.0)] == ["C:maj", "C:maj", "A:min", "A:min"]
    assert pop909_excerpts.key_at([], 1.0) == "N"


def test_beats_begin_with_a_bar(corpus):
    path = corpus / "POP909/007/beat_midi.txt"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[3:]))
    beats, bar = pop909_excerpts.read_beats(path)
    assert bar == 4
    assert beats[:2].tolist() == [2.25, 2.75]


@pytest.mark.parametrize("index", range(8))
def test_excerpt_keeps_chords_and_notes_together(corpus, index):
    song = pop909_excerpts.excerpt(corpus, "007", index, seed=1, seconds=20.0)
    assert (song.style, song.group) == ("pop", "pop909_007")
    assert song.tempo_bpm == pytest.approx(120)
    assert song.chords[0].start_s == 0
    assert song.duration_s == 20.0
    played = {p.name: p.notes for p in song.midi.instruments}
    assert "melody" in played or song.sung or index
    for note in played["piano"] + played.get("bass", [])[:1]:
        chord = next(c for c in song.chords if c.start_s <= min(note.start + 0.03, 19.99) < c.end_s)
        assert note.pitch % 12 in harte.parse(chord.label).tones, (chord, note)
    firsts = [min(played["piano"], key=lambda n: abs(n.start - c.start_s)).start for c in song.chords[1:]]
    assert firsts == pytest.approx([c.start_s for c in song.chords[1:]], abs=0.031)


def test_settings_vary_with_the_index(corpus):
    songs = [pop909_excerpts.excerpt(corpus, "007", i, seed=1, seconds=20.0) for i in range(24)]
    has = [{p.name for p in s.midi.instruments} for s in songs]
    assert all(0 < sum(name in h for h in has) < 24 for name in ("melody", "bass", "drums"))
    assert 0 < sum(bool(s.sung) for s in songs) < 24
    assert not any(s.sung and "melody" in h for s, h in zip(songs, has, strict=True))
    assert len({s.chords for s in songs}) > 10
    assert {s.key for s in songs} == {"C:maj", "A:min"}


def test_songs_are_chosen_by_number(corpus):
    (corpus / "index.xlsx").touch()
    assert pop909_excerpts.songs(corpus, 1, 9) == ["007"]
    with pytest.raises(EarmarkError, match="no POP909 song from 8 to 9"):
        pop909_excerpts.songs(corpus, 8, 9)


@pytest.mark.skipif(not CORPUS.is_dir(), reason="POP909 is not in ../shared/data/chd_pop909")
def test_the_corpus_plays():
    names = pop909_excerpts.songs(CORPUS)
    assert len(names) > 800
    for name in names[::120]:
        song = pop909_excerpts.excerpt(CORPUS, name, 0, seed=1)
        assert all(a.end_s == b.start_s for a, b in pairwise(song.chords))
        assert (song.chords[0].start_s, song.chords[-1].end_s) == (0, 40)
