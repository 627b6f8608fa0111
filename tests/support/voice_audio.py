"""Voices of buzz and resonances, for the tests that train on a folder of speakers."""

from pathlib import Path

import numpy as np
import soundfile as sf

RATE = 16000


def voice(path, speaker: int, session: int, i: int) -> None:
    """A second of buzz: the speaker's pitch and two resonances, the session's slope, syllables of its own."""
    rng = np.random.default_rng((speaker, session, i))
    t = np.arange(RATE) / RATE
    pitch = 90 + 17 * speaker + 3 * np.sin(2 * np.pi * 3 * t)
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    formants = 400 + 60 * (speaker % 5), 1200 + 220 * (speaker % 7)
    sound = sum(np.sin(k * phase) / k * (1 + 6 * _near(k * pitch, formants)) for k in range(1, 25))
    loud = np.repeat(rng.uniform(0.2, 1, 8), RATE // 8)
    sound = np.convolve(sound * loud, [1, -0.3 * session], "same") + 0.01 * rng.standard_normal(RATE)
    sf.write(path, 0.2 * sound / np.abs(sound).max(), RATE)


def _near(frequency, formants):
    return sum(np.exp(-(((frequency - f) / 120) ** 2)) for f in formants)


def voices(root: Path, speakers: int, first: int = 0, split: str = "") -> Path:
    """Speakers with two sessions of two recordings of a second each, and their manifest."""
    root.mkdir()
    rows = ["path,label,group,split"]
    for speaker in range(first, first + speakers):
        for session in range(2):
            for i in range(2):
                name = f"s{speaker:02}_{session}_{i}.wav"
                voice(root / name, speaker, session, i)
                rows.append(f"{name},s{speaker:02},s{speaker:02}-{session},{split}")
    (root / "manifest.csv").write_text("\n".join(rows) + "\n")
    return root
