"""Recordings that are the same file, byte for byte, of which different things are said.

One of them must be wrong, and a model would learn both. In the user's own folder that is refused. A public corpus is as
it is, and others measured on it so: there it is said, and both stay. (Speakers are judged by their own check.)
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
    more = f" (and {n_more} more such pair{'s' * (n_more != 1)})" if n_more else ""
    return f"'{one.path}' and '{other.path}' hold the same bytes, but {differ}{more}"
