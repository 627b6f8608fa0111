"""The same bytes under two truths: refused where the user can mend it, told where a corpus is so."""

import pandas as pd
import pytest

from earmark.data import copies
from earmark.errors import EarmarkError


def table(sha256: str, **columns: list[str]) -> pd.DataFrame:
    return pd.DataFrame({"path": [f"{i}.wav" for i in range(len(sha256))], "sha256": list(sha256)} | columns)


def said(recordings: pd.DataFrame, annotation: str) -> list[str]:
    sentences: list[str] = []
    copies.check(recordings, annotation, False, sentences.append)
    return sentences


def refused(recordings: pd.DataFrame, annotation: str) -> str:
    with pytest.raises(EarmarkError) as caught:
        copies.check(recordings, annotation, True, pytest.fail)
    return str(caught.value)


def test_two_labels():
    recordings = table("abab", label=["rock", "jazz", "jazz", "jazz"])
    text = "'0.wav' and '2.wav' hold the same bytes, but are labelled 'rock' and 'jazz'"
    assert refused(recordings, "label") == f"{text}; remove one, or correct its label."
    assert said(recordings, "label") == [
        f"{text}; both are kept, as the corpus has them, and one of them cannot be right."
    ]


def test_more_than_one_pair_is_counted():
    recordings = table("aaabb", label=list("xyzxy"))
    assert "'0.wav' and '1.wav' hold the same bytes, but are labelled 'x' and 'y' (and 2 more such pairs); " in refused(
        recordings, "label"
    )


def test_two_annotations_of_one_song():
    recordings = table("aab", chords=["C", "F", "F"], keys=["", "", ""])
    assert refused(recordings, "lab") == (
        "'0.wav' and '1.wav' hold the same bytes, but their chords differ; remove one, or correct its .lab file."
    )
    keys = table("aab", chords=["C", "C", "F"], keys=["C:maj", "F:maj", ""])
    assert "but their keys differ; remove one" in refused(keys, "lab")


@pytest.mark.parametrize(
    ("annotation", "recordings"),
    [
        ("label", table("aab", label=["x", "x", "y"])),
        ("lab", table("aa", chords=["C", "C"], keys=["C:maj", ""])),  # one does not know its key
        ("speaker", table("aa", label=["x", "y"])),  # whom another check refuses
    ],
)
def test_nothing_to_say(annotation, recordings):
    copies.check(recordings, annotation, True, pytest.fail)
