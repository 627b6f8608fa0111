"""Utterances: what an embedding is made of. One recording, or several of a speaker one after the other."""

import pandas as pd

from earmark.errors import EarmarkError

COLUMNS = ["id", "label", "group", "split", "duration_s", "paths"]


def utterances_of(table: pd.DataFrame) -> pd.DataFrame:
    """The utterances of a manifest, in its order: rows with one `utterance` are one, by default each its own.

    Columns: id, label (the speaker), group (the session), split, duration_s, paths (a tuple).
    """
    table = table.assign(id=table.utterance if "utterance" in table else table.path)
    _refuse_contradiction(table)
    grouped = table.groupby("id", sort=False)
    firsts = grouped[["label", "group", "split"]].first()
    sums = grouped.agg(duration_s=("duration_s", "sum"), paths=("path", tuple))
    return firsts.join(sums).reset_index()[COLUMNS]


def join_recordings(table: pd.DataFrame, utterance_s: float) -> pd.DataFrame:
    """The manifest with recordings of one speaker and group joined in order to about `utterance_s` seconds; 0: none.

    Where it knows utterances itself (a row's is not its own path) they stand. A joined one is named by its first
    recording.
    """
    if utterance_s == 0 or not (table.utterance == table.path).all():
        return table
    return table.assign(utterance=_joined(table, utterance_s))


def to_learn(table: pd.DataFrame) -> pd.DataFrame:
    """What baselines learn from: the training utterances; of a speaker with a single one its recordings.

    LDA wants to see what differs within a speaker.
    """
    train = utterances_of(table[table["split"] == "train"])
    alone = train.groupby("label").id.transform("size") == 1
    apart = train[alone].explode("paths")
    apart = apart.assign(id=apart.paths, paths=[(path,) for path in apart.paths])
    return pd.concat([train[~alone], apart], ignore_index=True)


def _joined(table: pd.DataFrame, utterance_s: float) -> pd.Series:
    """The first recording's path of the utterance that each row goes into, (rows,)."""
    ids = pd.Series(index=table.index, dtype=object)
    for _, rows in table.groupby(["label", "group", "split"], sort=False):
        ids[rows.index] = _filled(rows, utterance_s)
    return ids


def _filled(rows: pd.DataFrame, utterance_s: float) -> list[str]:
    """Ids of one speaker's rows of one session: an utterance takes more until it is within half a row of its length.

    What is left over at the end joins the utterance before it when it is shorter than half of one.
    """
    parts: list[list[int]] = [[]]
    durations = list(rows.duration_s)
    seconds = 0.0
    for i, more in enumerate(durations):
        if parts[-1] and seconds + more / 2 > utterance_s:
            parts.append([])
            seconds = 0.0
        parts[-1].append(i)
        seconds += more
    if len(parts) > 1 and seconds < utterance_s / 2:
        rest = parts.pop()
        parts[-1] += rest
    paths = list(rows.path)
    return [paths[part[0]] for part in parts for _ in part]


def _refuse_contradiction(table: pd.DataFrame) -> None:
    for column, word in (("label", "speaker"), ("split", "split")):
        several = table.groupby("id", sort=False)[column].nunique() > 1
        if several.any():
            name = several.index[several][0]
            values = " and ".join(sorted(set(table[column][table.id == name]))[:2])
            raise EarmarkError(
                f"manifest.csv: utterance '{name}' has more than one {word} ({values}); give each its own utterance."
            )
