"""The demo voices: speakers, sessions and splits are what the manifest says, and the seed decides every byte."""

import csv
import time
from collections import Counter
from typing import get_type_hints

import numpy as np
import pytest
import soundfile as sf

from earmark.config import DemoSettings
from earmark.errors import EarmarkError
from earmark.generated.demo import voices as demo
from earmark.generated.demo.sentences import SENTENCES

SEED = 6  # its second voice draws on eSpeak's random numbers
PLACE = demo.Session(np.array([1.0]), 300.0, 0.0, 20.0, 8000.0, np.zeros(7), -6.0)  # changes nothing but the level


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """(root, manifest rows, how often progress was told) of three speakers."""
    ticks, root = [], tmp_path_factory.mktemp("demo") / "voices"
    demo.generate(root, 3, seed=SEED, progress=lambda: ticks.append(1))
    return root, list(csv.DictReader((root / "manifest.csv").open())), len(ticks)


def noise(n: int = 16000) -> np.ndarray:
    return np.random.default_rng(3).standard_normal(n)


def recorded(speech: np.ndarray, **changes) -> np.ndarray:
    place = demo.Session(**{name: changes.get(name, getattr(PLACE, name)) for name in get_type_hints(demo.Session)})
    return demo.record(speech, place, np.random.default_rng(1))


def band_db(x: np.ndarray, low: float, high: float) -> float:
    power = np.abs(np.fft.rfft(x)) ** 2
    hz = np.fft.rfftfreq(len(x), 1 / demo.RATE)
    return 10 * np.log10(power[(hz >= low) & (hz < high)].mean())


def test_cast_of_speakers():
    voices = demo.cast(40, 7)
    assert voices == demo.cast(40, 7)
    assert voices != demo.cast(40, 8)
    assert Counter(v.split for v in voices) == {"train": 24, "val": 8, "test": 8}
    assert len({v.name for v in voices}) == len({v.espeak.partition("+")[2] for v in voices}) == 40
    assert len({v.pitch for v in voices}) > 20
    assert Counter(v.split for v in demo.cast(10, 1)) == {"train": 6, "val": 2, "test": 2}  # the least that is allowed


def test_settings_allow_as_many_as_there_are_variants():
    assert len(set(demo.VARIANTS)) == len(demo.VARIANTS) == DemoSettings(5, len(demo.VARIANTS), 1).voices
    with pytest.raises(ValueError, match="70"):
        demo.cast(71, 1)
    assert len(set(SENTENCES)) == len(SENTENCES)


def test_a_neutral_session_changes_the_level_alone():
    x = noise()
    np.testing.assert_allclose(recorded(x), x * 10 ** (-6 / 20) / np.abs(x).max(), atol=1e-6)
    assert recorded(x).dtype == np.float32


def test_the_room_is_a_convolution():
    x, room = noise(500), np.array([1.0, 0.0, 0.5, -0.25])
    expected = np.convolve(x, room)[:500]
    np.testing.assert_allclose(recorded(x, room=room), expected * 10 ** (-6 / 20) / np.abs(expected).max(), atol=1e-6)


def test_noise_is_as_far_below_speech_as_asked():
    x = np.zeros(2**15 - 2)  # with the room's one sample the transform's length but for one sample
    x[: 2**14] = np.sin(2 * np.pi * 1000 * np.arange(2**14) / demo.RATE)
    y = recorded(x, snr_db=20.0)
    share = np.mean(y[2**14 :] ** 2) * 2 / np.mean(y[: 2**14] ** 2)  # speech fills half of the time
    assert 10 * np.log10(share) == pytest.approx(-20, abs=0.3)
    hiss = recorded(1e-9 * x, snr_db=-80.0, slope_db=-6.0)
    assert band_db(hiss, 500, 1000) - band_db(hiss, 2000, 4000) == pytest.approx(12, abs=1)


def test_the_microphone_cuts_and_colours():
    x = noise(2**15)
    flat, cut = recorded(x), recorded(x, low_hz=200.0, high_hz=4000.0)
    scale = band_db(cut, 1000, 2000) - band_db(flat, 1000, 2000)
    inside = band_db(cut, 400, 500) - band_db(flat, 400, 500)
    assert inside - scale == pytest.approx(0, abs=0.1)
    assert band_db(cut, 95, 105) - band_db(flat, 95, 105) - scale == pytest.approx(-24, abs=1.5)  # an octave below
    gains = np.array([0, 0, 0, 0, 0, 10.0, 0])  # at 4 kHz
    coloured = recorded(x, gains_db=gains)
    scale = band_db(coloured, 500, 1000) - band_db(flat, 500, 1000)
    assert band_db(coloured, 3950, 4050) - band_db(flat, 3950, 4050) - scale == pytest.approx(10, abs=0.2)


def test_sessions_differ_and_are_drawn_in_range():
    rng = np.random.default_rng(0)
    places = [demo.session(rng) for _ in range(50)]
    for place in places:
        direct_db = -10 * np.log10(np.sum(place.room[1:] ** 2))
        assert place.room[0] == 1
        assert 4 <= direct_db <= 20
        assert 800 <= len(place.room) <= 6400
        assert 12 <= place.snr_db <= 35
        assert 60 <= place.low_hz <= 300 < 3500 <= place.high_hz <= 7000
        assert -20 <= place.peak_db <= -3
    assert len({place.snr_db for place in places}) == 50


def test_dataset_is_laid_out_as_the_manifest_says(dataset):
    root, rows, finished = dataset
    assert finished == 3
    assert len(rows) == 3 * 2 * 4
    assert list(rows[0]) == ["path", "label", "group", "split"]
    files = {p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file()}
    assert files == {row["path"] for row in rows} | {"manifest.csv", "README.txt"}
    assert rows[5] == {
        "path": "audio/voice_00/1_1.flac",
        "label": "voice_00",
        "group": "voice_00-1",
        "split": "train",
    }
    assert "never quoted as a result" in (root / "README.txt").read_text()


def test_audio_is_16_khz_mono_of_the_length_and_level_of_its_session(dataset):
    root, rows, _ = dataset
    for i, row in enumerate(rows):
        info = sf.info(root / row["path"])
        assert (info.samplerate, info.channels, info.format, info.subtype) == (16000, 1, "FLAC", "PCM_16")
        assert 1.5 <= info.duration <= 3.0
        x, _ = sf.read(root / row["path"])
        place = demo.session(np.random.default_rng([SEED, i // 8, i % 8 // 4]))
        assert 20 * np.log10(np.abs(x).max()) == pytest.approx(place.peak_db, abs=0.02)
    assert len({(root / row["path"]).read_bytes() for row in rows}) == len(rows)


def test_the_seed_decides_every_byte(dataset, tmp_path):
    root, rows, _ = dataset
    time.sleep(1.1)  # eSpeak's own seed is the time in seconds
    demo.generate(tmp_path / "voices", 3, seed=SEED)
    for name in ("manifest.csv", *(row["path"] for row in rows)):
        assert (tmp_path / "voices" / name).read_bytes() == (root / name).read_bytes(), name


def test_existing_data_is_never_overwritten(tmp_path):
    (tmp_path / "voices").mkdir()
    (tmp_path / "voices/mine.wav").write_text("precious")
    with pytest.raises(EarmarkError, match="already exists"):
        demo.generate(tmp_path / "voices", 3, seed=5)
    assert [p.name for p in tmp_path.rglob("*")] == ["voices", "mine.wav"]
