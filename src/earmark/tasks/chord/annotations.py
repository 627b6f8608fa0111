"""What corpora say of a recording's chords and keys, in whatever format, as rows of one: .lab.

Chords: .lab files, JAMS (namespaces `chord` and `chord_harte`) and Audacity's label tracks. Keys: Isophonics' key files
(`0.456 83.139 Key Bb`, `0.0 0.456 Silence`), POP909's (`2.67 191.98 Gb:maj`) and JAMS, all as the 24 keys of `targets`,
or N.
"""

import hashlib
import json
import math
from collections import Counter
from pathlib import Path

from earmark.errors import EarmarkError
from earmark.tasks.chord.notation import lab, label_track, pop
from earmark.tasks.chord.notation.lab import LabSegment
from earmark.tasks.chord.notation.targets import NO_KEY, key_label, key_of

NAMESPACES = ("chord", "chord_harte")


def truth(
    lab_file: Path, key_file: Path | None, key: str, duration_s: float, converted: pop.Converted | None = None
) -> dict[str, str]:
    """What a song's annotations say: chords and keys as text of .lab files, the main key, and their hash.

    `key` stands for the whole song where there is no key file. converted: as `lab.read` has it. Raises EarmarkError
    where they cannot be used.
    """
    segments = chords(lab_file, duration_s, converted)
    found = keys(key_file) if key_file else [LabSegment(0.0, duration_s, _known_key(key))] if key else []
    texts = {"chords": lab.text(segments), "keys": lab.text(found) if main_key(found) else ""}
    sha256 = hashlib.sha256("\n".join(texts.values()).encode()).hexdigest()
    return texts | {"key": main_key(found), "truth_sha256": sha256}


def _known_key(key: str) -> str:
    if key != "N" and key_of(key) == NO_KEY:
        raise EarmarkError(f"the key '{key}' is not known; write it as C:maj or A:min, or N for none")
    return key_label(key_of(key))


def chords(path: Path, duration_s: float | None = None, converted: pop.Converted | None = None) -> list[LabSegment]:
    """The chords of a .lab, .jams or .txt file, checked as `lab.read` does; time that nobody labelled is X.

    A .txt that begins as a label track of Audacity's is read as one, any other as .lab.

    GuitarSet's JAMS hold two chord annotations: first the lead sheet that the player was given (instructed), then
    what was inferred from the notes that were played (performed). The performed one is taken, the lead sheet where it
    stands alone. Other JAMS have the namespace `chord_harte`, which is read where there is no `chord`; the last one
    is taken of these, too.
    """
    if path.suffix.lower() == ".txt" and label_track.is_one(path):
        return lab.check_rows(path, label_track.rows(path, _text(path), duration_s), duration_s, "X", converted)
    if path.suffix.lower() != ".jams":
        return lab.read(path, duration_s, converted=converted)
    for namespace in NAMESPACES:
        if found := [rows for rows in _observations(path, namespace) if rows]:
            return lab.check_rows(path, list(enumerate(found[-1], 1)), duration_s, "X", converted)
    raise EarmarkError(f"{path} holds no chords (namespace chord or chord_harte); take an annotation that does.")


def keys(path: Path) -> list[LabSegment]:
    """The keys of a key file or .jams, in order of time; a mode goes to the major or minor key with its third."""
    return sorted(s._replace(label=key_label(key_of(s.label))) for _, s in rows(path, "key_mode"))


def rows(path: Path, namespace: str = "") -> list[tuple[int, LabSegment]]:
    """Numbered rows START END LABEL of a text file, whatever the label means, or of a .jams's first annotation."""
    if path.suffix.lower() == ".jams":
        found = list(enumerate(next(iter(_observations(path, namespace)), []), 1))
    else:
        lines = enumerate(_text(path).splitlines(), 1)
        found = [(n, [field for field in line.split() if field != "Key"]) for n, line in lines if line.strip()]
    return [(n, _row(f"{path}, row {n}", fields)) for n, fields in found]


def main_key(segments: list[LabSegment]) -> str:
    """The key that lasts longest in all, '' where none is known."""
    seconds: Counter[str] = Counter()
    for s in segments:
        if s.label != "N":
            seconds[s.label] += s.end_s - s.start_s
    return max(seconds, key=seconds.get, default="")


def _row(where: str, fields: list[str]) -> LabSegment:
    try:
        start = float(fields[0])
        end = float(fields[1])
        label = fields[2]
    except (ValueError, IndexError):
        raise EarmarkError(f"{where}: '{' '.join(fields)}' is not 'START END LABEL', times in seconds.") from None
    if not 0 <= start <= end < math.inf:
        raise EarmarkError(f"{where} runs from {start:g} to {end:g} s; the end must not be before the start.")
    return LabSegment(start, end, label)


def _observations(path: Path, namespace: str) -> list[list[list[str]]]:
    """The annotations of a JAMS file (https://jams.readthedocs.io) in one namespace: fields START END VALUE of rows.

    Read by hand: all that is needed is plain JSON, and the library brings many others.
    """
    try:
        annotations = [a for a in json.loads(_text(path))["annotations"] if a["namespace"] == namespace]
        return [
            [[str(o["time"]), str(o["time"] + o["duration"]), str(o["value"])] for o in a["data"]] for a in annotations
        ]
    except (ValueError, KeyError, TypeError) as e:
        raise EarmarkError(f"{path} is not a JAMS file ({type(e).__name__}: {e}); use the corpus's own file.") from None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise EarmarkError(f"There is no annotation {path}; unpack the corpus again.") from None
    except UnicodeDecodeError:
        raise EarmarkError(f"{path} is not text in UTF-8; use the corpus's own file.") from None
    except OSError as e:
        raise EarmarkError(f"{path} cannot be read: {e.strerror}; unpack the corpus again.") from None
