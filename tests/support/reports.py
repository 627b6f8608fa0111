"""A small listening report, and recordings to hear in it."""

from pathlib import Path

import numpy as np
import soundfile as sf

from builders import sines
from earmark.evaluation.listening import page

SCRIPT = "</script><script>window.broken = 1</script>"
PICTURE = "<img src=x onerror='window.broken = 1'>.wav"


def sounds(root: Path, names: tuple[str, ...] = ("a.wav", "b.wav")) -> None:
    """Recordings of two seconds, 220 Hz and then 1760."""
    for name in names:
        sf.write(root / name, np.concatenate([sines(220, 1.0), sines(1760, 1.0)]), 22050)


def report(**changes) -> page.Report:
    """Two recordings, the second taken for something else; neither is among the clips."""
    recordings = [page.Recording(name, [name], "low", 2.0) for name in ("a.wav", "b.wav")]
    rows = [
        page.Row([0], "recording", "low", "low", True, 0.9, 0.9, 0.1, (1, 1)),
        page.Row([1], "recording", "low", "high", False, 0.8, 0.8, 0.8, (1, 0)),
    ]
    matrix = {"title": "Confusion", "rows": ["high", "low"], "columns": ["high", "low"], "values": [[0, 0], [1, 1]]}
    facts = {
        "task": "genre",
        "title": "What the model heard",
        "intro": ["Two recordings."],
        "figures": [("accuracy", 0.5, 0.1, 0.9)],
        "kinds": {"recording": "test recordings"},
        "recordings": recordings,
        "rows": rows,
        "clips": [],
        "matrix": matrix | {"unit": "recordings"},
        "labels": ["high", "low"],
    }
    return page.Report(**{**facts, **changes})


def chords(**changes) -> page.Report:
    """One song of two chords, the second heard as the first."""
    lanes = [
        {"name": "true", "segments": [[0.0, 1.0, "C:maj"], [1.0, 2.0, "A:min"]]},
        {"name": "heard", "segments": [[0.0, 2.0, "C:maj"]]},
        {"name": "differs", "segments": [[1.0, 2.0, ""]]},
    ]
    rows = [
        page.Row([0], "song", "key C:maj", "key C:maj", None, 0.5, 0.5, 0.5),
        page.Row([0], "chord", "A:min", "C:maj", False, 0.7, 0.7, 0.7, (1, 0), (1.0, 2.0)),
    ]
    matrix = {"title": "Confusion of qualities", "rows": ["maj", "min"], "columns": ["maj", "min"]}
    facts = {
        "task": "chord",
        "kinds": {"song": "test recordings", "chord": "stretches"},
        "recordings": [page.Recording("a.wav", ["a.wav"], "", 2.0, lanes=lanes)],
        "rows": rows,
        "matrix": matrix | {"values": [[1.0, 0.0], [1.0, 0.0]], "unit": "s"},
        "labels": ["A:min", "C:maj"],
        "corrects": "segment",
        "spectrogram": "cqt",
    }
    return report(**{**facts, **changes})
