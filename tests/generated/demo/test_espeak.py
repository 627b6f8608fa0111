"""eSpeak NG through ctypes: what it says has the pitch, rate and pauses that were asked for."""

import gc
import sys

import numpy as np
import pytest

from earmark.errors import EarmarkError
from earmark.generated.demo import espeak

TEXT = "We all knew."


@pytest.fixture(scope="module")
def synthesiser() -> espeak.Espeak:
    return espeak.Espeak(seed=1)


def say(synthesiser, text=TEXT, voice="en+m3", pitch=50, range=50, rate=170, gap=0) -> np.ndarray:
    return synthesiser.say(text, voice, pitch, range, rate, gap)


def pitch_hz(x: np.ndarray, rate: int) -> float:
    """Median over frames of 60 ms of the strongest autocorrelation from 60 to 400 Hz."""
    frames = np.lib.stride_tricks.sliding_window_view(x, round(0.06 * rate))[:: round(0.02 * rate)]
    loud = frames[(frames**2).mean(1) > 0.1 * (frames**2).mean(1).max()]
    lags = np.arange(rate // 400, rate // 60)
    best = [max(lags, key=lambda lag: np.dot(f[lag:], f[:-lag]) / (len(f) - lag)) for f in loud]
    return rate / float(np.median(best))


def test_samples_are_finite_and_fill_the_range(synthesiser):
    x = say(synthesiser)
    assert synthesiser.sample_rate == 22050
    assert x.dtype == np.float32
    assert x.ndim == 1
    assert 0.1 < np.abs(x).max() <= 1
    assert 0.5 < len(x) / 22050 < 1.5


def test_pitch_rate_and_gap_do_what_they_say(synthesiser):
    low, mid, high = (pitch_hz(say(synthesiser, pitch=p), 22050) for p in (10, 50, 90))
    assert 1.15 * low < mid
    assert 1.15 * mid < high
    slow, quick = (len(say(synthesiser, rate=r)) for r in (120, 240))
    assert slow / quick == pytest.approx(2, rel=0.25)
    text = "one two three four"
    none, ten, twenty = (len(say(synthesiser, text, gap=g)) / 22050 for g in (0, 10, 20))
    assert 0.25 < ten - none < 0.6  # three gaps of 100 ms and a little more
    assert (twenty - none) / (ten - none) == pytest.approx(2, rel=0.2)


def test_text_is_utf8_and_silence_is_no_error(synthesiser):
    assert len(say(synthesiser, "Äé")) > 1000
    assert len(say(synthesiser, "")) < 220


def test_the_callback_outlives_a_garbage_collection(synthesiser):
    gc.collect()
    assert len(say(synthesiser)) > 10000


@pytest.mark.parametrize("voice", ["en+nobody", "xx+m3"])
def test_an_unknown_voice(synthesiser, voice):
    with pytest.raises(ValueError, match=rf"no voice '{voice[:2]}\+"):
        say(synthesiser, voice=voice)


def test_without_the_library_one_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    with pytest.raises(EarmarkError, match=r"`pip install '\.\[demo\]'` in earmark's clone\.$"):
        espeak.Espeak()
