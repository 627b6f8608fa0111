"""What must hold of a table of speakers before anybody is told apart: whose recordings are whose, and who is where."""

from collections.abc import Callable

import pandas as pd

from earmark.data import copies
from earmark.errors import EarmarkError

MEND = {
    "train": "add recordings of others",
    "val": "raise tasks.*.data.val_share, or set it to 0 and train.keep to last",
    "test": "raise tasks.*.data.test_share, or move speakers there",
}


def recordings(table: pd.DataFrame, quarantined: pd.DataFrame, warn: Callable[[str], None]) -> None:
    """Raise EarmarkError for a single speaker, an utterance of two speakers, and for the same bytes under two speakers.

    `warn` says what quarantine takes from utterances, and the same bytes in two utterances of one speaker.
    """
    if table.label.nunique() < 2:
        raise EarmarkError(
            f"There is only one speaker ('{table.label.iloc[0]}'), but telling speakers apart takes two: "
            f"{MEND['train']}."
        )
    _refuse_shared(table)
    _judge_copies(table[table.sha256.duplicated(keep=False)], warn)
    for utterance, lost in quarantined.groupby("utterance", sort=False):
        left = int((table.utterance == utterance).sum())
        if left:
            warn(
                f"The utterance '{utterance}' lacks {len(lost)} of its {left + len(lost)} recordings, which cannot be "
                f"used ('{lost.path.iloc[0]}'): it is made of the others."
            )


def _refuse_shared(table: pd.DataFrame) -> None:
    speakers = table.groupby("utterance", sort=False).label.unique()
    shared = speakers[speakers.map(len) > 1]
    if len(shared):
        one, other = (table[(table.utterance == shared.index[0]) & (table.label == s)] for s in shared.iloc[0][:2])
        raise EarmarkError(
            f"The utterance '{shared.index[0]}' is of two speakers: '{one.path.iloc[0]}' of '{one.label.iloc[0]}', "
            f"'{other.path.iloc[0]}' of '{other.label.iloc[0]}'; correct the manifest's utterance or label."
        )


def _judge_copies(copied: pd.DataFrame, warn: Callable[[str], None]) -> None:
    """Refuse the same bytes under two speakers; say of the others that they are there twice."""
    pairs = [(same.iloc[0], other) for _, same in copied.groupby("sha256", sort=False) for other in _others(same)]
    for first, other in pairs:
        if other.label != first.label:
            raise EarmarkError(
                f"'{first.path}' and '{other.path}' hold the same bytes, but are labelled as the speakers "
                f"'{first.label}' and '{other.label}'; remove one, or correct its label."
            )
    for apart, harm in ((True, "a trial between them says nothing"), (False, "the utterance holds them twice")):
        found = [pair for pair in pairs if (pair[0].utterance != pair[1].utterance) == apart]
        if found:
            (first, other), more = found[0], copies.and_more(len(found) - 1)
            what = f"'{first.path}' and '{other.path}' of speaker '{first.label}' hold the same bytes"
            warn(f"{what}{more}: {harm}; remove one.")


def _others(same: pd.DataFrame) -> list[pd.Series]:
    return [row for _, row in same.iloc[1:].iterrows()]


def splits(table: pd.DataFrame) -> None:
    """Raise EarmarkError for a split without two speakers, and a val or test in which nobody has two utterances."""
    for split, mend in MEND.items():
        rows = table[table["split"] == split]
        if not len(rows):
            continue
        if rows.label.nunique() < 2:
            raise EarmarkError(
                f"There is only one speaker ('{rows.label.iloc[0]}') in the split '{split}', but telling "
                f"speakers apart takes two: {mend}."
            )
        if split != "train" and rows.groupby("label").utterance.nunique().max() < 2:
            raise EarmarkError(
                f"No speaker of the split '{split}' has two utterances, so no speaker can be recognised again: "
                "give some of them more "
                f"recordings{', or set tasks.*.data.val_share to 0' if split == 'val' else ''}."
            )
