"""What a review must not do to recordings of speakers: contradict their utterances, or trials that are given."""

from pathlib import Path

import pandas as pd

from earmark.data.settings import DataSettings
from earmark.errors import EarmarkError
from earmark.tasks.speaker.trials import lists


def check(data: DataSettings, root: Path, table: pd.DataFrame) -> None:
    """Raise EarmarkError where `prepare` would refuse the corrected table. table: path, label, perhaps utterance."""
    if data.source == "voxceleb1" and lists.of_voxceleb1(root, _silent) is not None:
        raise EarmarkError(
            f"VoxCeleb1's trial lists in {root} rely on the corpus's own labels, which a review would change; move the "
            "lists elsewhere, and trials are drawn instead."
        )
    named = table.get("utterance", table.path)
    table = table.assign(utterance=named.where(named != "", table.path))
    _refuse_two_speakers(table)
    given = lists.of_folder(root, _silent)
    if given is not None:
        _refuse_trials(given, table)


def _silent(sentence: str) -> None:
    """Which list is read is `prepare`'s to say."""


def _refuse_two_speakers(table: pd.DataFrame) -> None:
    for name, of in table.groupby("utterance", sort=False):
        if of.label.nunique() > 1:
            one, other = of.drop_duplicates("label").iloc[:2].itertuples()
            raise EarmarkError(
                f"This review gives the utterance '{name}' two speakers: '{one.path}' of '{one.label}', "
                f"'{other.path}' of '{other.label}'; mark all recordings of the utterance."
            )


def _refuse_trials(given: pd.DataFrame, table: pd.DataFrame) -> None:
    try:
        lists.check(given, table)
    except EarmarkError as e:
        raise EarmarkError(f"This review contradicts the trials, so change those first: {e}") from None
