"""Chords and a key as JAMS 0.3 (Humphrey 2014, https://jams.readthedocs.io), by hand.

All that is needed is plain JSON, and the library brings many others.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from earmark.tasks.chord.notation.lab import LabSegment

VERSION = "0.3.0"
MODES = {"maj": "major", "min": "minor"}


def write(
    path: Path,
    segments: list[LabSegment],
    key: str,
    key_probability: float,
    duration_s: float,
    model: Mapping[str, Any],
) -> None:
    """A file of two annotations: `chord`, Harte's labels with their probabilities, and `key_mode`, as `C:major`.

    segments: labels in Harte's notation. key: 'C:maj', 'A:min' or 'N', of the whole recording. model: what JSON says of
    the model that heard them; its `name` stands among the tools, all of it in each annotation's sandbox.
    """
    whole = [LabSegment(0.0, duration_s, _key_mode(key), key_probability)]
    document = {
        "file_metadata": {"duration": round(duration_s, 6), "jams_version": VERSION},
        "annotations": [
            _annotation("chord", segments, duration_s, model),
            _annotation("key_mode", whole, duration_s, model),
        ],
        "sandbox": {},
    }
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def _annotation(
    namespace: str, segments: list[LabSegment], duration_s: float, model: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "namespace": namespace,
        "annotation_metadata": {"annotation_tools": f"earmark, {model['name']}", "data_source": "program"},
        "data": [_observation(s) for s in segments],
        "sandbox": {"model": dict(model)},
        "time": 0.0,
        "duration": round(duration_s, 6),
    }


def _observation(segment: LabSegment) -> dict[str, Any]:
    """Times to the microsecond, as in .lab."""
    start, end = round(segment.start_s, 6), round(segment.end_s, 6)
    duration = round(end - start, 6)
    return {"time": start, "duration": duration, "value": segment.label, "confidence": segment.probability}


def _key_mode(key: str) -> str:
    tonic, _, mode = key.partition(":")
    return f"{tonic}:{MODES[mode]}" if mode else key
