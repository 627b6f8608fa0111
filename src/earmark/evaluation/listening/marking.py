"""Marks of a report's labels: which label a mark is of, those that a file holds, and what is most in doubt."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from earmark.data import marks
from earmark.data.marks import Mark
from earmark.errors import EarmarkError

NEAR_S = 1e-3  # the report's times are rounded


def labels(report: Mapping[str, Any], manifest_sha256: str) -> list[list[Mark]]:
    """A mark that says nothing yet of every label in the report: those of the files of each recording, or segments."""
    return [list(_of(recording, report["corrects"], manifest_sha256)) for recording in report["recordings"]]


def _of(recording: Mapping[str, Any], corrects: str, sha256: str) -> Iterator[Mark]:
    if corrects == "segment":
        for start, end, label in recording["lanes"][0]["segments"]:
            yield Mark(recording["files"][0], label, start, end, manifest_sha256=sha256)
    else:
        for file in recording["files"]:
            yield Mark(file, recording["label"], manifest_sha256=sha256)


def doubtful(report: Mapping[str, Any], manifest_sha256: str) -> list[Mark]:
    """Every label of the report once, with a mark that says nothing yet, most doubtful first; ties in its order."""
    every, doubts = labels(report, manifest_sha256), {}
    for row in report["rows"]:
        for place in row["of"]:
            for mark in every[place]:
                inside = row["at"] is None or mark.start_s is None or mark.start_s <= row["at"][0] + NEAR_S < mark.end_s
                if inside and (mark.start_s is None or row["at"] is not None):
                    doubts[mark.of] = max(doubts.get(mark.of, 0.0), row["doubt"])
    found = {mark.of: mark for of in every for mark in of}
    return sorted(found.values(), key=lambda mark: -doubts.get(mark.of, 0.0))


@dataclass
class MarkFile:
    """The marks of a file, as they are made. by: who makes them."""

    path: Path
    report: Mapping[str, Any]
    manifest_sha256: str
    by: str

    def __post_init__(self) -> None:
        self.read()  # a review of another manifest is refused at once
        self.labels = labels(self.report, self.manifest_sha256)

    def read(self) -> dict[tuple[str, float | None], Mark]:
        """The file's marks as they are now: somebody may have changed it meanwhile.

        Raises EarmarkError where they cannot be read, or are of another manifest.
        """
        found = {mark.of: mark for mark in marks.read(self.path)} if self.path.exists() else {}
        if any(mark.manifest_sha256 != self.manifest_sha256 for mark in found.values()):
            raise EarmarkError(f"{self.path} is a review of another manifest; name another file with --out.")
        return found

    def shown(self) -> list[dict[str, Any]]:
        """The marks that the page shows, by the recording's place."""
        of_path: dict[str, list[tuple[int, Mark]]] = {}
        for place, of in enumerate(self.labels):
            for label in of:
                of_path.setdefault(label.path, []).append((place, label))
        return [
            {"recording": place, "start_s": label.start_s, "status": mark.status}
            | {"corrected": mark.corrected, "note": mark.note}
            for mark in self.read().values()
            for place, label in of_path.get(mark.path, ())
            if mark.status and _near(mark.start_s, label.start_s)
        ]

    def say(self, place: int, start_s: float | None, said: Mapping[str, str], at: str) -> None:
        """Keep what is said of a recording's label, or of its segment that begins at start_s, and write the file.

        said: status, corrected and note. Raises EarmarkError where there is no such label, or what is said is no mark.
        """
        if not 0 <= place < len(self.labels):
            raise EarmarkError(f"There is no recording {place} in the report.")
        of = [label for label in self.labels[place] if _near(label.start_s, start_s)]
        if not of:
            what = "label of its own" if start_s is None else f"segment that begins at {start_s:g} s"
            raise EarmarkError(f"The recording has no {what}; reload the page.")
        marks.check("The mark", said["status"], said["corrected"])
        kept = self.read()
        for label in of:
            former = (m.of for m in kept.values() if m.path == label.path and _near(m.start_s, label.start_s))
            kept[next(former, label.of)] = replace(label, **said, by=self.by, at=at)
        marks.write(self.path, kept.values())


def _near(one: float | None, other: float | None) -> bool:
    return one is other if one is None or other is None else abs(one - other) <= NEAR_S
