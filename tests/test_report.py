"""The listening report: the right mistakes, playable, and the same bytes every time."""

import base64
import io
import re

import numpy as np
import pandas as pd
import soundfile as sf

from conftest import sines
from earmark import report


def predictions() -> pd.DataFrame:
    """Two recordings of two windows, the first of them wrong, most of all in its second window."""
    rows = []
    for name, label, said, wrong in (("bad.wav", "low", "high", (0.6, 0.9)), ("good.wav", "low", "low", (0.1, 0.2))):
        for window, p in enumerate(wrong):
            row = {
                "recording": name,
                "window": window,
                "start_s": 0.5 * window,
                "label": label,
                "p_high": p,
                "p_low": 1 - p,
            }
            rows.append(row | {"recording_predicted": said, "recording_probability": 0.75})
    return pd.DataFrame(rows)


def test_mistakes_are_heard_at_the_window_that_misled(tmp_path):
    rising = np.concatenate([sines(220, 0.5), sines(1760, 0.5)])
    for name in ("bad.wav", "good.wav"):
        sf.write(tmp_path / name, rising, 22050)
    pages = []
    for i in range(2):
        report.listening(tmp_path / f"{i}.html", predictions(), tmp_path, 0.5)
        pages.append((tmp_path / f"{i}.html").read_text())
    assert pages[0] == pages[1]
    assert "1 of 2 test recordings" in pages[0]
    assert "bad.wav" in pages[0]
    assert "good.wav" not in pages[0]
    (clip,) = re.findall(r"base64,([^\"]+)", pages[0])
    samples, rate = sf.read(io.BytesIO(base64.b64decode(clip)))
    spectrum = np.abs(np.fft.rfft(samples[len(samples) // 4 : 3 * len(samples) // 4]))
    assert abs(spectrum.argmax() * rate / (len(samples) // 2) - 1760) < 20


def test_missing_recording_is_said_in_its_row(tmp_path):
    report.listening(tmp_path / "page.html", predictions(), tmp_path, 0.5)
    assert "not playable" in (tmp_path / "page.html").read_text()
