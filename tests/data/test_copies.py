"""The same bytes: under two truths refused or told, under one a group of their own, and said."""

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


def test_copies_are_one_group_where_nobody_gave_groups():
    recordings = table("abcab").assign(group=lambda t: t.path)
    assert list(copies.group_copies(recordings, {}.get).group) == ["0.wav", "1.wav", "2.wav", "0.wav", "1.wav"]
    assert list(copies.group_copies(recordings.iloc[::-1], {}.get).group[::-1]) == [f"{i}.wav" for i in (0, 1, 2, 0, 1)]
    assert list(recordings.group) == list(recordings.path)


def test_copies_of_what_was_dealt_join_it():
    """A copy whose name comes first does not take the group's name, and two of different splits stay two."""
    recordings = table("aaaa").assign(group=lambda t: t.path)
    known = {"1.wav": "test", "3.wav": "test"}
    assert list(copies.group_copies(recordings, known.get).group) == ["1.wav"] * 4
    known = {"1.wav": "test", "3.wav": "train"}
    assert list(copies.group_copies(recordings, known.get).group) == ["1.wav", "1.wav", "1.wav", "3.wav"]


@pytest.mark.parametrize(
    "given",
    [
        {"group": ["a", "b", "1.wav"]},  # groups of the user's own
        {"split": ["train", "test", "train"]},  # an official split
    ],
)
def test_what_the_user_gave_stays(given):
    recordings = table("aab").assign(group=lambda t: t.path).assign(**given)
    pd.testing.assert_frame_equal(copies.group_copies(recordings, {}.get), recordings)


def told(sha256: str, splits: str, **columns: list[str]) -> list[str]:
    sentences: list[str] = []
    names = {"r": "train", "v": "val", "t": "test"}
    copies.tell(table(sha256, split=[names[s] for s in splits], **columns), sentences.append)
    return sentences


def test_copies_are_told_once():
    assert told("abc", "rrt") == []
    across = "hold the same bytes but are in different splits"
    mend = "which inflates the score; remove one, or put both into one group and split."
    assert told("aba", "rrt", label=["x", "x", "x"]) == [f"'0.wav' and '2.wav' {across}, {mend}"]
    assert told("ababa", "rrtvv") == [f"'0.wav' and '2.wav' {across} (and 2 more such pairs), {mend}"]
    assert told("aba", "rrt", label=["x", "x", "y"]) == []  # whom `check` tells
    within = "they are in one split and count twice; remove one."
    assert told("aba", "rrr") == [f"'0.wav' and '2.wav' hold the same bytes: {within}"]
    assert told("abab", "rvrv") == [f"'0.wav' and '2.wav' hold the same bytes (and 1 more such pair): {within}"]
    assert len(told("aaa", "rrt")) == 2
