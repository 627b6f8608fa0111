"""What a review makes of one recording's label: the terms that all tasks share, and how plain labels are corrected."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePath

import pandas as pd

from earmark.data.marks import Mark
from earmark.errors import EarmarkError

MADE = re.compile(r"\.reviewed-\d+$")  # behind the stem of a file that a review made


@dataclass(frozen=True)
class ReviewedMark:
    """A mark, and where it stands: a row of a review, for sentences."""

    where: str
    mark: Mark


@dataclass(frozen=True)
class Correction:
    """What becomes of a row of the manifest.

    fields: columns with another value. files: by the column that is to name it, the content of a new .lab file beside
    the one that the column names now. former: the labels that are replaced, for people. left_out: whether the recording
    is to be listed no longer.
    """

    fields: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)
    former: str = ""
    left_out: bool = False


def label(root: Path, row: pd.Series, said: list[ReviewedMark]) -> Correction:
    """The correction of a recording with one label. Raises EarmarkError where a mark is of another, or of a segment."""
    for one in said:
        if one.mark.start_s is not None:
            raise EarmarkError(
                f"{one.where} marks a segment, but labels apply to whole recordings; leave start_s and end_s empty."
            )
        if one.mark.label != row.label:
            raise other_label(one, row.label)
    mark = said[-1].mark
    if mark.status == "corrected":
        return Correction({"label": mark.corrected}, former=row.label)
    return Correction(left_out=mark.status == "wrong")


def other_label(said: ReviewedMark, now: str) -> EarmarkError:
    """What to say of a mark whose label is not the one that stands there."""
    return EarmarkError(
        f"{said.where} was marked when the label was '{said.mark.label}', but it is '{now}' now; review it again."
    )


def is_made(path: PurePath) -> bool:
    """Whether a review made the file: readers of corpora pass it over."""
    return MADE.search(path.stem) is not None
