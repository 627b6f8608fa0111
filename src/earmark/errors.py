"""Errors that a user can mend: one sentence that names the file, row or key, and the remedy."""

import difflib
from collections.abc import Iterable


class EarmarkError(Exception):
    """A user's mistake or an unmet condition; the CLI prints its text without a traceback."""


def nearest(word: str, known: Iterable[str]) -> str:
    """' (did you mean X?)' for a misspelt word, or the known words when nothing is near."""
    known = sorted(known)
    close = difflib.get_close_matches(word, known, n=1)
    return f"did you mean '{close[0]}'?" if close else f"known are: {', '.join(known)}."


def require(condition: bool, key: str, rule: str) -> None:
    """Raise ValueError with a sentence about a setting's `key` unless the condition holds."""
    if not condition:
        raise ValueError(f"{key} {rule}")
