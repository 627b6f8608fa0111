"""Recordings that are the same file, byte for byte.

Where different things are said of them, one must be wrong, and a model would learn both. In the user's own folder that
is refused. A public corpus is as it is, and others measured on it so: there it is said, and both stay. Where the same
is said, they count twice, and one in train and one in test would be a leak: without groups of the user's own they are
one group. (Speakers are judged by their own check.)
"""

from collections.abc import Callable, Iterator

import pandas as pd

from earmark.errors import EarmarkError

TRUTHS = {"label": ("label",), "lab": ("chords", "keys")}  # columns, by what annotates a task's recordings


def check(table: pd.DataFrame, annotation: str, own: bool, warn: Callable[[str], None]) -> None:
    """Refuse the same bytes under two truths, or `warn` of them where the source is not the user's `own`.

    table: with path, sha256 and the columns of the truth; an empty one says nothing.
    """
    for column in TRUTHS.get(annotation, ()):
        found = list(contradictions(table, column))
        if not found:
            continue
        sentence = _sentence(column, *found[0], len(found) - 1)
        if own:
            raise EarmarkError(
                f"{sentence}; remove one, or correct its {'label' if column == 'label' else '.lab file'}."
            )
        warn(f"{sentence}; both are kept, as the corpus has them, and one of them cannot be right.")


def contradictions(table: pd.DataFrame, column: str) -> Iterator[tuple[pd.Series, pd.Series]]:
    """Pairs of rows with the same sha256, but other values of a column; one pair for each further value."""
    said = table[table[column] != ""]
    for _, same in said[said.sha256.duplicated(keep=False)].groupby("sha256", sort=False):
        first, *others = (rows.iloc[0] for _, rows in same.groupby(column, sort=False))
        yield from ((first, other) for other in others)


def _sentence(column: str, one: pd.Series, other: pd.Series, n_more: int) -> str:
    said = "their chords" if column == "chords" else "their keys"
    differ = f"are labelled '{one.label}' and '{other.label}'" if column == "label" else f"{said} differ"
    return f"'{one.path}' and '{other.path}' hold the same bytes, but {differ}{and_more(n_more)}"


def and_more(n: int) -> str:
    """' (and 2 more such pairs)'; nothing for none."""
    return f" (and {n} more such pair{'s' * (n != 1)})" if n else ""


def group_copies(table: pd.DataFrame, known: Callable[[str], str | None]) -> pd.DataFrame:
    """The same bytes as one group, where nobody gave groups (each is its recording's path) and no split is official.

    known: the split of a group that was dealt before. Such groups keep their names, and two of them in different splits
    stay two.
    """
    given = (table.group != table.path).any() or ("split" in table and (table["split"] != "").any())
    if given:
        return table
    group_of: dict[str, str] = {}
    for _, same in table[table.sha256.duplicated(keep=False)].groupby("sha256", sort=False):
        first = min(same.path, key=lambda path: (known(path) is None, path))
        group_of |= {path: first for path in same.path if known(path) in (None, known(first))}
    return table.assign(group=table.group.replace(group_of)) if group_of else table


def tell(table: pd.DataFrame, warn: Callable[[str], None]) -> None:
    """Say which recordings hold the same bytes and count twice, and which of them stand in different splits.

    table: with path, sha256 and split. Those with different labels are `check`'s.
    """
    within, across = [], []
    for _, same in table[table.sha256.duplicated(keep=False)].groupby("sha256", sort=False):
        first = same.iloc[0]
        for other in (row for row in same.iloc[1:].itertuples() if "label" not in same or row.label == first.label):
            pairs = within if other.split == first["split"] else across
            pairs.append(f"'{first.path}' and '{other.path}' hold the same bytes")
    if across:
        mend = "remove one, or put both into one group and split"
        warn(f"{across[0]} but are in different splits{and_more(len(across) - 1)}, which inflates the score; {mend}.")
    if within:
        warn(f"{within[0]}{and_more(len(within) - 1)}: they are in one split and count twice; remove one.")
