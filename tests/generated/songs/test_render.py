"""Rendering of chord songs: effects keep time, detuning takes the labels along, and a run can be cut off anywhere."""

import csv
from dataclasses import replace
from importlib import resources
from pathlib import Path

import numpy as np
import pretty_midi
import pytest
import soundfile as sf

from earmark.cli import app
from earmark.errors import EarmarkError
from earmark.generated.songs import beside, songs
from earmark.generated.songs import effects as fx
from earmark.generated.songs import render as cr
from earmark.generated.songs.effects import RATE, Effects
from earmark.tasks.chord.notation import lab

SOUNDFONT = str(resources.files(pretty_midi) / "TimGM6mb.sf2")


def job(root, **changes):
    plain = {"root": str(root), "seconds": 10.0, "soundfonts": (SOUNDFONT,), "seed": 2, "split": "val"}
    return cr.RenderJob(**plain | changes)


def one_note(start=1.0, pitch=69):
    """A song of 3 s whose only note, an organ's, sounds for a second under A:5."""
    midi = pretty_midi.PrettyMIDI(resolution=960)
    player = pretty_midi.Instrument(19)
    player.notes = [pretty_midi.Note(100, pitch, start, start + 1)]
    player.control_changes = [pretty_midi.ControlChange(91, 0, 0.0), pretty_midi.ControlChange(64, 0, 3.0)]
    midi.instruments.append(player)
    rows = ((0.0, start, "N"), (start, start + 1, "A:5"), (start + 1, 3.0, "N"))
    return songs.GeneratedSong("x", "x", "pad", 120.0, "N", tuple(lab.LabSegment(*r) for r in rows), midi)


def drawn(root, i, song):
    """What sounds beside song number i."""
    rng = np.random.default_rng((2, i, 0))
    fx.draw(rng)
    return beside.draw(rng, song, None, None)


def stereo(n=RATE, seed=0):
    return np.random.default_rng(seed).standard_normal((n, 2)).astype(np.float32)


def sine(hz, n=2 * RATE):
    return np.repeat(np.sin(2 * np.pi * hz * np.arange(n) / RATE)[:, None], 2, axis=1).astype(np.float32)


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    root = tmp_path_factory.mktemp("songs")
    ticks = []
    cr.run(job(root), songs=2, workers=1, progress=lambda: ticks.append(1))
    return root, len(ticks)


def test_no_effects_change_only_the_level():
    audio = stereo()
    out = fx.apply(audio, Effects(peak_db=-6.0))
    assert out.shape == audio.shape
    assert out.dtype == np.float32
    np.testing.assert_allclose(out, audio / np.abs(audio).max() * 10 ** (-6 / 20), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("seed", range(12))
def test_any_effects_keep_length_and_peak(seed):
    effects = fx.draw(np.random.default_rng(seed))
    out = fx.apply(stereo(), replace(effects, quiet=None))
    assert out.shape == (RATE, 1 if effects.width == 0 else 2)
    assert 20 * np.log10(np.abs(out).max()) == pytest.approx(effects.peak_db, abs=1e-3)


def test_a_third_of_the_songs_stays_clean():
    drawn = [fx.draw(np.random.default_rng(i)) for i in range(600)]
    clean = [e for e in drawn if e == Effects(width=e.width, peak_db=e.peak_db, quiet=e.quiet, seed=e.seed)]
    assert 0.3 < len(clean) / 600 < 0.42
    assert 0.45 < sum(e.width == 0 for e in drawn) / 600 < 0.55
    assert max(abs(e.cents) for e in drawn) <= fx.CENTS
    assert 0.2 < sum(e.quiet is not None for e in drawn) / 600 < 0.3


def test_a_quiet_passage_is_as_much_softer_as_it_says():
    loud = fx.apply(stereo(), Effects())
    for first, last in ((0.5, 1.0), (0.25, 0.75)):
        soft = fx.apply(stereo(), Effects(quiet=(first, last, 40.0)))
        ratio = np.ones(RATE)
        ratio[int(first * RATE) : int(last * RATE)] = 0.01
        clear = np.abs(np.arange(RATE) / RATE - [[first], [last if last < 1 else 2]]).min(0) > 0.011
        np.testing.assert_allclose(soft[clear], (loud * ratio[:, None])[clear], rtol=1e-4)


def test_rooms_and_filters_do_not_move_onsets():
    click = np.zeros((RATE, 2), np.float32)
    click[5000] = 1
    for effects in (Effects(room=(0.6, 0.5, 2.0)), Effects(low_cut=100, high_cut=4000, tilt=-3)):
        out = fx.apply(click, effects)
        assert np.abs(out).argmax(axis=0).tolist() == [5000, 5000]
    dry_before = np.abs(fx.apply(click, Effects(room=(0.6, 0.5, 2.0)))[:4999]).max()
    assert dry_before < 1e-4


def test_room_decays_by_60_db_in_its_time_and_highs_sooner():
    response = fx.room_response(0.8, 0.4, 3.0, RATE, 1, np.random.default_rng(0))[:, 0]
    assert response[0] == pytest.approx(0.6, abs=1e-6)
    assert np.sqrt((response[1:] ** 2).sum()) == pytest.approx(0.4, rel=0.01)

    def power(first_s, low, high):
        piece = response[int(first_s * RATE) : int((first_s + 0.1) * RATE)]
        spectrum = np.abs(np.fft.rfft(piece)) ** 2
        hz = np.fft.rfftfreq(len(piece), 1 / RATE)
        return 10 * np.log10(spectrum[(hz >= low) & (hz < high)].sum())

    assert power(0.1, 50, 400) - power(0.5, 50, 400) == pytest.approx(60 * 0.4 / 0.8, abs=4)
    assert power(0.1, 4000, 10000) - power(0.2, 4000, 10000) > 1.5 * (power(0.1, 50, 400) - power(0.2, 50, 400))


def test_cuts_have_three_decibels_at_their_frequency():
    hz = np.array([50.0, 100.0, 1000.0, 4000.0, 8000.0])
    gain = 20 * np.log10(fx.equaliser(hz, 100.0, 4000.0, 0.0))
    assert gain == pytest.approx([-12.30, -3.01, 0.0, -3.01, -12.30], abs=0.02)
    assert 20 * np.log10(fx.equaliser(np.array([350.0, 700.0, 1400.0]), None, None, -3.0)) == pytest.approx([3, 0, -3])


@pytest.mark.parametrize("kind", ["white", "pink", "hum"])
def test_noise_has_its_share(kind):
    quiet = fx.apply(sine(440), Effects(peak_db=0.0))
    noisy = fx.apply(sine(440), Effects(noise=(kind, 20.0), seed=3, peak_db=0.0))
    factor = (noisy * quiet).sum() / (quiet**2).sum()
    rest = noisy - factor * quiet
    snr = 10 * np.log10((factor * quiet).var() / rest.var())
    assert snr == pytest.approx(20, abs=0.3)


def test_pink_noise_loses_three_decibels_an_octave():
    spectrum = np.abs(np.fft.rfft(fx.noise("pink", 2**17, RATE, np.random.default_rng(0)))) ** 2
    octaves = [10 * np.log10(spectrum[2**k : 2 ** (k + 1)].mean()) for k in range(8, 15)]
    assert np.diff(octaves).mean() == pytest.approx(-3.01, abs=0.3)


def test_width():
    audio = stereo()
    assert fx.narrowed(audio, 0.0).shape == (RATE, 1)
    np.testing.assert_allclose(fx.narrowed(audio, 1.0), audio, atol=1e-6)
    half = fx.narrowed(audio, 0.5)
    np.testing.assert_allclose(half[:, 0] - half[:, 1], 0.5 * (audio[:, 0] - audio[:, 1]), atol=1e-6)
    np.testing.assert_allclose(half.mean(axis=1), audio.mean(axis=1), atol=1e-6)


@pytest.mark.parametrize("cents", [-35.0, 0.0, 35.0])
def test_detuning_stretches_audio_and_labels_alike(cents):
    song, effects = one_note(), Effects(cents=cents, width=0.0)
    audio = cr.sound(song, SOUNDFONT, effects)[:, 0]
    chords = cr.stretch_labels(song.chords, effects, len(audio) / RATE)
    factor = 2 ** (-cents / 1200)
    assert len(audio) == round(3 * factor * RATE)
    assert [c.start_s for c in chords] == pytest.approx([0, factor, 2 * factor])
    assert chords[-1].end_s == len(audio) / RATE
    onset = np.flatnonzero(np.abs(audio) > 0.02 * np.abs(audio).max())[0] / RATE
    assert onset == pytest.approx(chords[1].start_s, abs=0.02)
    spectrum = np.abs(np.fft.rfft(audio * np.hanning(len(audio)), 2**19))
    peak = spectrum[int(400 * 2**19 / RATE) : int(480 * 2**19 / RATE)].argmax() * RATE / 2**19 + 400
    assert 1200 * np.log2(peak / 440) == pytest.approx(cents, abs=6)


def test_files_and_manifest(rendered):
    root, ticks = rendered
    rows = list(csv.DictReader((root / "manifest.csv").open()))
    assert ticks == len(rows) == 2
    for i, row in enumerate(rows):
        song = cr.song_of(job(root), i)
        assert row["path"] == f"audio/{song.name}.flac"
        assert (row["label"], row["group"], row["key"]) == (song.style, song.group, song.key)
        assert (row["split"], row["soundfont"]) == ("val", "TimGM6mb")
        info = sf.info(root / row["path"])
        chords = lab.read(root / row["lab"], info.duration)
        assert info.samplerate == RATE
        assert chords[0].start_s == 0
        assert chords[-1].end_s == pytest.approx(info.duration, abs=1e-5)
        assert [c.label for c in chords] == [c.label for c in beside.labels(song, drawn(root, i, song))]
    assert not list(root.rglob("*.partial"))


def test_a_run_cut_off_goes_on_and_ends_the_same(rendered, tmp_path):
    root, _ = rendered
    cr.run(job(tmp_path), songs=1, workers=1)
    first = tmp_path / "audio/song_00000.flac"
    written = first.stat().st_mtime_ns
    with (tmp_path / "manifest.csv").open("a") as f:
        f.write("audio/song_00001.fl")  # killed within a row
    cr.run(job(tmp_path), songs=2, workers=1)
    assert first.stat().st_mtime_ns == written
    for name in ("manifest.csv", "audio/song_00000.flac", "audio/song_00001.flac", "lab/song_00001.lab"):
        assert (tmp_path / name).read_bytes() == (root / name).read_bytes(), name


def test_processes_change_no_byte(rendered, tmp_path):
    root, _ = rendered
    cr.run(job(tmp_path), songs=2, workers=2)
    for name in ("manifest.csv", "audio/song_00001.flac"):
        assert (tmp_path / name).read_bytes() == (root / name).read_bytes()


def test_soundfonts_take_turns(tmp_path, monkeypatch):
    other = tmp_path / "other.sf2"
    other.symlink_to(SOUNDFONT)
    monkeypatch.setattr(cr, "sound", lambda *_: np.zeros((RATE, 1), np.float32))
    found = [cr.write_song(job(make(tmp_path), soundfonts=(SOUNDFONT, str(other))), i)["soundfont"] for i in range(4)]
    assert found == ["TimGM6mb", "other", "TimGM6mb", "other"]


def make(root: Path) -> Path:
    for folder in ("audio", "lab"):
        (root / folder).mkdir(exist_ok=True)
    return root


def test_other_settings_are_refused(rendered):
    root, _ = rendered
    with pytest.raises(EarmarkError, match="other settings; remove it"):
        cr.run(job(root, seed=3), songs=2)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"soundfonts": ("nowhere.sf2",)}, "nowhere.sf2 is not a SoundFont"),
        ({"soundfonts": (__file__,)}, "test_render.py is not a SoundFont"),
        ({"soundfonts": ()}, "needs a SoundFont"),
        ({"pop909": "nowhere"}, "nowhere holds no songs such as POP909"),
        ({"voices": "nowhere:open"}, "There is no nowhere/manifest.csv"),
        ({"sounds": "nowhere"}, "There is no nowhere/manifest.csv"),
    ],
)
def test_what_is_missing_is_named_before_anything_is_written(tmp_path, changes, sentence):
    with pytest.raises(EarmarkError, match=sentence):
        cr.run(job(tmp_path / "out", **changes), songs=1)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--soundfont", "nowhere.sf2"], "nowhere.sf2 is not a SoundFont"),
        (["--soundfont", SOUNDFONT, "--split", "dev"], "not 'dev'"),
        (["--soundfont", SOUNDFONT, "--songs-of", "9-1"], "not '9-1'"),
    ],
)
def test_command_says_what_is_wrong(tmp_path, monkeypatch, capsys, more, sentence):
    monkeypatch.setattr("sys.argv", ["earmark", "render", "chords", str(tmp_path / "out"), *more])
    with pytest.raises(SystemExit) as exit_:
        app.main()
    assert exit_.value.code == 1
    assert sentence in capsys.readouterr().err
