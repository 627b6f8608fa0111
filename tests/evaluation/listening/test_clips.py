"""Excerpts: the seconds that were asked for, a level that can be heard, a picture of the same seconds, and no more."""

import base64
import io

import numpy as np
import pytest
import soundfile as sf
from PIL import Image

from builders import sines
from earmark.evaluation.listening import clips
from reports import sounds


def heard(clip: dict) -> tuple[np.ndarray, int]:
    return sf.read(io.BytesIO(base64.b64decode(clip["sound"])))


def dominant(samples: np.ndarray, rate: int) -> float:
    return float(np.abs(np.fft.rfft(samples)).argmax() * rate / len(samples))


def shades(clip: dict) -> np.ndarray:
    """(rows, columns) of the picture, the lowest frequency last."""
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(clip["picture"]))))


def test_a_clip_is_the_stretch_that_was_asked_for(tmp_path):
    sounds(tmp_path)
    first, second, both = (
        clips.clip([tmp_path / "a.wav"], start, length, "mel") for start, length in ((0, 1), (1, 1), (0.5, 60))
    )
    assert [c["seconds"] for c in (first, second, both)] == [1.0, 1.0, 1.5]
    for clip, hertz in ((first, 220), (second, 1760)):
        samples, rate = heard(clip)
        middle = samples[rate // 4 : 3 * rate // 4]
        assert dominant(middle, rate) == pytest.approx(hertz, abs=10)
        assert np.sqrt(np.square(middle).mean()) == pytest.approx(0.7 / np.sqrt(2), rel=0.05)  # of a sine
    assert first == clips.clip([tmp_path / "a.wav"], 0, 1, "mel")


def test_recordings_follow_each_other(tmp_path):
    for name, hertz in (("a", 300), ("b", 900)):
        sf.write(tmp_path / f"{name}.wav", sines(hertz, 1.0, 8000), 8000)
    clip = clips.clip([tmp_path / "a.wav", tmp_path / "b.wav", tmp_path / "missing.wav"], 0.0, 1.5, "mel")
    samples, rate = heard(clip)
    assert clip["seconds"] == 1.5
    assert dominant(samples[: rate // 2], rate) == pytest.approx(300, abs=10)
    assert dominant(samples[int(1.1 * rate) : int(1.4 * rate)], rate) == pytest.approx(900, abs=10)


@pytest.mark.parametrize(("kind", "rows"), [("mel", 64), ("cqt", 84)])
def test_the_picture_shows_the_tones_where_they_sound(tmp_path, kind, rows):
    sounds(tmp_path)
    found = shades(clips.clip([tmp_path / "a.wav"], 0.0, 2.0, kind))
    assert found.shape[0] == rows
    assert 300 < found.shape[1] <= clips.COLUMNS
    low, high = found[:, found.shape[1] // 4], found[:, 3 * found.shape[1] // 4]
    assert low.argmax() > high.argmax()  # rows count from the top
    if kind == "cqt":  # semitones above C1: A3 is 33, A6 69
        assert (rows - 1 - low.argmax(), rows - 1 - high.argmax()) == (33, 69)


def test_what_cannot_be_played_says_why(tmp_path):
    sounds(tmp_path)
    assert clips.clip([tmp_path / "none.wav"], 0.0, 1.0, "mel") == {"reason": "No such file or directory"}
    assert clips.clip([tmp_path / "a.wav"], 5.0, 1.0, "mel") == {"reason": "the recording ends before this"}
    (tmp_path / "text.wav").write_text("no audio")
    assert "reason" in clips.clip([tmp_path / "text.wav"], 0.0, 1.0, "mel")


def test_silence_is_a_clip(tmp_path):
    sf.write(tmp_path / "s.wav", np.zeros(2000), 22050)
    found = shades(clips.clip([tmp_path / "s.wav"], 0.0, 1.0, "mel"))
    assert not found.any()


def test_there_is_room_for_so_much_and_each_clip_is_made_once(tmp_path):
    sounds(tmp_path, ("a.wav", "b.wav", "c.wav"))
    whole = clips.clip([tmp_path / "a.wav"], 0.0, 2.0, "mel")
    kept = clips.Clips("mel", room=len(whole["sound"]) + len(whole["picture"]) + 1)
    places = [kept.place(name, [tmp_path / name], 0.0, 2.0) for name in ("a.wav", "b.wav", "c.wav", "a.wav")]
    assert places == [0, 1, None, 0]
    assert kept.made == [whole, whole]
