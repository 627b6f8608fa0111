"""Which recordings a training of a study is tested on: whole folds, by group or dealt at random."""

from dataclasses import replace

import pandas as pd

from earmark.data import splits
from earmark.data.settings import DataSettings
from earmark.errors import EarmarkError
from earmark.experiments.study.jobs import Split
from earmark.tasks.task import Task

HELD_OUT = "held out"


def hold_out(
    table: pd.DataFrame, folds: tuple[str, ...], data: DataSettings, kind: str, key: str = "group"
) -> pd.DataFrame:
    """The table with `split`: the folds are test, validation is a share of the others as `data` says.

    key: the column whose values stay whole where `kind` is group.

    kind: `group` keeps groups whole; `random` deals folds and validation without regard to groups;
        `frame` leaves every recording in train, because its windows are split later (`split_windows`);
        `last_rows` keeps groups whole in test, and leaves validation to be split later in the same way.
    """
    if kind == "frame":
        return table.assign(split="train")
    if kind == "random":
        table = table.assign(fold=splits.random_split(table.assign(split=table.fold), data.seed)["split"])
    together = table.assign(fold=table.fold.where(~table.fold.isin(folds), HELD_OUT))
    data = replace(data, val_share=0) if kind == "last_rows" else data
    split = splits.split_fold(together, HELD_OUT, data, "path" if kind == "random" else key)
    return split.assign(fold=table.fold)


def by_group(task: Task, table: pd.DataFrame, folds: tuple[str, ...], data: DataSettings) -> Split:
    """A split that holds folds out and keeps groups, or speakers, whole; of speakers with its trials.

    Raises EarmarkError, which names the folds, where it leaves too little.
    """
    room = task.room("folds")
    try:
        held = hold_out(table, folds, data, "group", task.room("corpora").CORPORA.key)
    except EarmarkError as e:
        raise EarmarkError(f"With {' and '.join(folds)} held out: {e}") from None
    if not hasattr(room, "with_trials"):
        return Split.of(held)
    held, trials = room.with_trials(held, data)
    return Split.of(held, trials=trials)
