"""What sounds beside the music: as loud as asked, where it was asked for, and N wherever nothing is played."""

import csv

import numpy as np
import pretty_midi
import pytest
import soundfile as sf

from earmark.errors import EarmarkError
from earmark.generated.songs import beside, voices
from earmark.generated.songs.beside import ManifestRecordings, OverlaySettings
from earmark.generated.songs.effects import RATE
from earmark.generated.songs.songs import GeneratedSong
from earmark.tasks.chord.notation.lab import LabSegment


def song(sung=(), style="pad"):
    rows = ((0.0, 1.0, "N"), (1.0, 4.0, "A:min"), (4.0, 9.0, "C:maj"), (9.0, 10.0, "N"))
    chords = tuple(LabSegment(*r) for r in rows) if style != "none" else (LabSegment(0.0, 10.0, "N"),)
    midi = pretty_midi.PrettyMIDI()
    midi.instruments.append(pretty_midi.Instrument(0))
    return GeneratedSong("x", "x", style, 120.0, "N", chords, midi, tuple(sung))


def melody():
    pitches = (69, 71, 72, 76, 74)
    return [pretty_midi.Note(90, pitch, i * 2.0, i * 2.0 + 1.6) for i, pitch in enumerate(pitches)]


@pytest.fixture
def talk(tmp_path):
    """Two speakers, a second of noise each, in two splits."""
    with (tmp_path / "manifest.csv").open("w", newline="") as f:
        rows = csv.writer(f)
        rows.writerow(["path", "label", "split"])
        for i, (name, split) in enumerate((("ann", "open"), ("bob", "kept"))):
            sound = np.random.default_rng(i).standard_normal(RATE).astype(np.float32) * 0.01 * (i + 1)
            sf.write(tmp_path / f"{name}.flac", sound, RATE)
            rows.writerow([f"{name}.flac", name, split])
    return tmp_path


def rms(x):
    return float(np.sqrt((x**2).mean()))


def music(n=10 * RATE, seed=0):
    return 0.1 * np.random.default_rng(seed).standard_normal((n, 2)).astype(np.float32)


def test_a_recording_of_a_split_alone_is_read(talk):
    assert ManifestRecordings(f"{talk}:open").table().label.tolist() == ["ann"]
    assert ManifestRecordings(f"{talk}:open,kept").table().label.tolist() == ["ann", "bob"]
    assert ManifestRecordings(str(talk)).table().path.tolist() == [talk / "ann.flac", talk / "bob.flac"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("nowhere:open", "There is no nowhere/manifest.csv; name a folder with a manifest.csv"),
        ("{}:test", "lists no recording of the splits 'test'; name others"),
    ],
)
def test_recordings_that_are_not_there_are_one_sentence(talk, text, sentence):
    with pytest.raises(EarmarkError, match=sentence):
        ManifestRecordings(text.format(talk)).table()


def test_a_manifest_without_labels_is_refused(tmp_path):
    (tmp_path / "manifest.csv").write_text("path\nx.wav\n")
    with pytest.raises(EarmarkError, match="has no column 'label'; add it"):
        ManifestRecordings(str(tmp_path)).table()


@pytest.mark.parametrize("db", [-5.0, 0.0, 6.0])
def test_a_voice_is_as_loud_as_asked_where_it_speaks(talk, db):
    """Against the music's RMS; speech pauses, so it is judged where it is not zero."""
    still = music()
    both = beside.mix(
        still, song(), OverlaySettings(speech_db=db, seed=4, voices=ManifestRecordings(f"{talk}:open")), 1.0
    )
    voice = (both - still)[:, 0]
    speaking = np.abs(voice) > 1e-7
    assert 0.25 < speaking.mean() <= 1
    assert 20 * np.log10(rms(voice[speaking]) / rms(still)) == pytest.approx(db, abs=0.1)
    np.testing.assert_array_equal(both[~speaking], still[~speaking])


def test_a_singer_is_as_loud_as_asked_and_on_the_notes():
    still = music()
    both = beside.mix(still, song(melody()), OverlaySettings(sung_db=6.0, seed=1), 1.0)
    voice = (both - still)[:, 0]
    sounding = np.concatenate([voice[int((2 * i + 0.1) * RATE) : int((2 * i + 1.5) * RATE)] for i in range(5)])
    assert 20 * np.log10(rms(sounding) / rms(still)) == pytest.approx(6, abs=1)


@pytest.mark.parametrize("seed", range(4))
def test_what_is_sung_has_the_pitch_of_its_notes_in_some_octave(seed):
    voice = voices.sing(melody(), 10 * RATE, RATE, np.random.default_rng(seed))
    for note in melody():
        piece = voice[int((note.start + 0.4) * RATE) : int((note.end - 0.1) * RATE)]
        spectrum = np.abs(np.fft.rfft(piece * np.hanning(len(piece)), 2**18))
        # Autocorrelation's strongest lag in a voice's range is the period of the note sung.
        lags = np.fft.irfft(spectrum**2)
        first, last = int(RATE / 900), int(RATE / 70)
        hz = RATE / (first + lags[first:last].argmax())
        cents = 1200 * np.log2(hz / pretty_midi.note_number_to_hz(note.pitch))
        assert abs((cents + 600) % 1200 - 600) < 110


def test_nobody_sings_without_notes():
    assert not voices.sing((), RATE, RATE, np.random.default_rng(0)).any()


def test_where_the_music_is_away_the_label_is_none_and_something_else_sounds():
    chords = beside.labels(song(), OverlaySettings(away=(2.0, 5.0)))
    assert chords == (
        LabSegment(0.0, 1.0, "N"),
        LabSegment(1.0, 2.0, "A:min"),
        LabSegment(2.0, 5.0, "N"),
        LabSegment(5.0, 9.0, "C:maj"),
        LabSegment(9.0, 10.0, "N"),
    )
    assert beside.labels(song(), OverlaySettings(away=(0.0, 10.0))) == (LabSegment(0.0, 10.0, "N"),)
    assert beside.labels(song(), OverlaySettings()) == song().chords
    still = music()
    nothing = beside.mix(still, song(), OverlaySettings(away=(2.0, 5.0)), 1.0)
    assert not nothing[round(2.03 * RATE) : round(4.97 * RATE)].any()
    np.testing.assert_array_equal(nothing[: 2 * RATE], still[: 2 * RATE])
    np.testing.assert_array_equal(nothing[5 * RATE :], still[5 * RATE :])
    noisy = beside.mix(still, song(), OverlaySettings(away=(2.0, 5.0), noise="pink"), 1.0)
    np.testing.assert_array_equal(noisy[: 2 * RATE], still[: 2 * RATE])
    level = 20 * np.log10(rms(noisy[round(2.1 * RATE) : round(4.9 * RATE)]) / rms(still))
    assert -11 < level < 4


@pytest.mark.parametrize("kind", beside.NOISES)
def test_noises_have_one_loudness_and_depend_on_the_seed_alone(kind):
    one, same, other = (beside.noise(kind, 3 * RATE, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert one.shape == (3 * RATE,)
    assert rms(one) == pytest.approx(1, abs=1e-4)
    np.testing.assert_array_equal(one, same)
    assert np.abs(one - other).max() > 0.1


def test_recordings_fill_a_stretch_that_is_longer(talk):
    sound = beside.noise("recording", 5 * RATE, np.random.default_rng(0), None, ManifestRecordings(f"{talk}:kept"))
    assert rms(sound) == pytest.approx(1, abs=1e-4)
    np.testing.assert_array_equal(sound[:RATE], sound[RATE : 2 * RATE])


def test_draws_are_of_every_kind_and_voices_only_where_there_are_any(talk):
    talkers = ManifestRecordings(str(talk))
    some = [beside.draw(np.random.default_rng(i), song(), talkers, talkers) for i in range(400)]
    assert {b.noise for b in some} == {*beside.NOISES, "recording", "speech", "nothing"}
    assert 0.14 < sum(b.speech_db is not None for b in some) / 400 < 0.26
    assert 0.08 < sum(b.away is not None for b in some) / 400 < 0.16
    alone = [beside.draw(np.random.default_rng(i), song(), None, None) for i in range(200)]
    assert all(b.speech_db is None and b.noise in (*beside.NOISES, "nothing") for b in alone)
    whole = [beside.draw(np.random.default_rng(i), song(style="none"), talkers, None) for i in range(20)]
    assert all(b.away == (0.0, 10.0) for b in whole)
