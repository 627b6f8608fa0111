"""Utterances and trials: who is joined with whom, which pairs are drawn, which lists are refused."""

import itertools

import numpy as np
import pandas as pd
import pytest

from earmark.errors import EarmarkError
from earmark.tasks.speaker.trials import pairing, utterances


def table(*rows: str, **columns) -> pd.DataFrame:
    """A manifest from 'path label group split duration_s' lines."""
    names = ["path", "label", "group", "split", "duration_s"]
    found = pd.DataFrame([row.split() for row in rows], columns=names).astype({"duration_s": float})
    return found.assign(utterance=columns.get("utterance", found.path))


def spoken(*speakers: tuple[str, str, int], split: str = "test") -> pd.DataFrame:
    """Utterances of (speaker, group, how many)."""
    rows = [(f"{s}{g}{i}", s, g, split) for s, g, n in speakers for i in range(n)]
    return pd.DataFrame(rows, columns=["id", "label", "group", "split"])


def refused(action, *args, **kwargs) -> str:
    with pytest.raises(EarmarkError) as caught:
        action(*args, **kwargs)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# Utterances


def test_a_row_is_an_utterance_of_its_own():
    found = utterances.utterances_of(table("a x 1 train 2", "b x 1 train 3", "c y 2 test 1"))
    assert list(found.columns) == ["id", "label", "group", "split", "duration_s", "paths"]
    assert list(found.id) == ["a", "b", "c"]
    assert list(found.paths) == [("a",), ("b",), ("c",)]
    assert list(found.duration_s) == [2, 3, 1]


def test_a_manifest_of_before_there_were_utterances():
    assert list(utterances.utterances_of(table("a x 1 train 2", "b x 1 train 3").drop(columns="utterance")).id) == [
        "a",
        "b",
    ]


def test_named_utterances_are_joined_in_the_manifests_order():
    rows = table("b x 1 train 2", "c y 2 test 1", "a x 1 train 3", utterance=["u", "v", "u"])
    found = utterances.utterances_of(utterances.join_recordings(rows, 100.0))  # the manifest's own word stands
    assert list(found.id) == ["u", "v"]
    assert found.loc[0].to_dict() == {
        "id": "u",
        "label": "x",
        "group": "1",
        "split": "train",
        "duration_s": 5.0,
        "paths": ("b", "a"),
    }


def test_short_recordings_of_one_speaker_and_session_are_joined():
    rows = [f"{i} x 1 train 1" for i in range(9)] + ["p x 2 train 1", "q y 1 train 7", "r y 1 train 1", "s y 1 train 2"]
    found = utterances.utterances_of(utterances.join_recordings(table(*rows), 4.0))
    assert list(found.paths) == [tuple("0123"), tuple("45678"), ("p",), ("q",), ("r", "s")]
    assert list(found.duration_s) == [4, 5, 1, 7, 3]
    assert list(found.id) == ["0", "4", "p", "q", "r"]


def test_an_utterance_takes_what_brings_it_nearer_to_its_length():
    rows = table("a x 1 train 3", "b x 1 train 1.9", "c x 1 train 3", "d x 1 train 2.1")
    assert list(utterances.utterances_of(utterances.join_recordings(rows, 4.0)).paths) == [("a", "b"), ("c",), ("d",)]


@pytest.mark.parametrize(
    ("second", "said"), [("b y 1 train 1", "more than one speaker (x and y)"), ("b x 1 test 1", "more than one split")]
)
def test_an_utterance_is_of_one_speaker_and_one_split(second, said):
    assert said in refused(utterances.utterances_of, table("a x 1 train 1", second, utterance=["u", "u"]))


# Drawn trials


def unordered(found: pd.DataFrame, same: bool) -> set[frozenset]:
    return {frozenset(pair) for pair in zip(found.a[found.same == same], found.b[found.same == same], strict=True)}


def test_same_speaker_trials_cross_sessions():
    part = spoken(("x", "1", 2), ("x", "2", 1), ("y", "1", 1), ("y", "2", 1), ("z", "1", 3))
    found = pairing.draw(part, "test", 100, 1, pytest.fail)
    expected = {frozenset(p) for p in (("x10", "x20"), ("x11", "x20"), ("y10", "y20"))}
    assert unordered(found, True) == expected
    assert found.same.sum() == (~found.same).sum() == 3
    label = part.set_index("id").label
    assert (label[found.a].to_numpy() != label[found.b].to_numpy())[~found.same].all()


def test_every_pair_can_be_drawn_and_none_twice():
    part = spoken(("x", "1", 3), ("x", "2", 4), ("y", "1", 2), ("y", "2", 3), ("z", "1", 1), ("z", "2", 1))
    by_id = part.set_index("id")
    pairs = [frozenset(p) for p in itertools.combinations(part.id, 2)]
    different = {p for p in pairs if by_id.label[list(p)].nunique() == 2}
    same = {p for p in pairs if by_id.label[list(p)].nunique() == 1 and by_id.group[list(p)].nunique() == 2}
    found = pairing.draw(part, "test", 10_000, 0, pytest.fail)
    assert unordered(found, True) == same  # all 12 + 6 + 1
    assert found.same.sum() == len(same) == 19
    drawn = [pairing.draw(part, "test", 10_000, s, pytest.fail) for s in range(60)]
    assert all(len(unordered(d, False)) == 19 for d in drawn)
    assert set.union(*(unordered(d, False) for d in drawn)) == different


def test_draws_are_seeded_and_at_most_as_many_as_asked():
    part = spoken(*((s, g, 4) for s in "xyz" for g in "12"))
    one, again, other = (pairing.draw(part, "test", 9, s, pytest.fail) for s in (1, 1, 2))
    pd.testing.assert_frame_equal(one, again)
    assert not one.equals(other)
    assert one.same.tolist() == [True] * 9 + [False] * 9
    assert part.set_index("id").label[one.a[one.same]].value_counts().to_dict() == {"x": 3, "y": 3, "z": 3}


def test_trials_do_not_depend_on_the_order_of_sessions():
    part = spoken(("x", "1", 2), ("y", "1", 2), ("x", "2", 2), ("y", "2", 2))
    found = pairing.draw(part, "test", 100, 1, pytest.fail)
    assert len(found) == 16  # 2 x 2 cross pairs a speaker, and as many different ones


def test_one_session_a_speaker_is_told():
    said: list[str] = []
    found = pairing.draw(spoken(("x", "1", 3), ("y", "2", 2)), "val", 100, 1, said.append)
    assert unordered(found, True) == {frozenset(p) for p in (("x10", "x11"), ("x10", "x12"), ("x11", "x12"))} | {
        frozenset(("y20", "y21"))
    }
    assert len(said) == 1
    assert "No speaker of val has recordings of several groups" in said[0]
    pairing.draw(spoken(("x", "1", 3), ("x", "2", 2), ("y", "2", 2)), "val", 100, 1, pytest.fail)


def test_shares_are_as_even_as_counts_allow():
    counts = pd.Series({"a": 2, "b": 100, "c": 5})
    assert pairing.fair(counts, 12).to_dict() == {"a": 2, "b": 5, "c": 5}
    assert pairing.fair(counts, 20).to_dict() == {"a": 2, "b": 13, "c": 5}
    assert pairing.fair(counts, 4).to_dict() == {"a": 1, "b": 2, "c": 1}
    assert pairing.fair(counts, 107).to_dict() == counts.to_dict()
    for n in range(108):
        assert pairing.fair(counts, n).sum() == n


def test_a_split_without_trials_is_refused():
    assert "No speaker of test has two utterances" in refused(
        pairing.draw, spoken(("x", "1", 1), ("y", "1", 1)), "test", 10, 1, pytest.fail
    )
    assert "The split val has only one speaker" in refused(pairing.draw, spoken(("x", "1", 3)), "val", 10, 1, print)


# Trials of a manifest


def manifest_of(everyone: pd.DataFrame) -> pd.DataFrame:
    """A manifest whose every recording is an utterance of its own."""
    return everyone.rename(columns={"id": "path"}).assign(utterance=everyone.id, duration_s=1.0)


EVERYONE = manifest_of(
    pd.concat([spoken(("x", "1", 3), ("y", "1", 2)), spoken(("v", "1", 2), ("w", "1", 2), split="val")])
)


def listed(*rows: str) -> pd.DataFrame:
    """Usable trials from 'split a b same' lines."""
    frame = pd.DataFrame([row.split() for row in rows], columns=["split", "a", "b", "same"])
    return frame.astype({"same": int})


def test_a_given_list_is_taken_as_it_is_and_a_split_it_leaves_out_is_drawn():
    given = listed("test x11 x10 1", "test x10 y10 0", "test x11 x10 1")
    said = []
    found = pairing.of_manifest(EVERYONE, given, 5, 0, said.append)
    assert found[found["split"] == "test"].to_dict("list") == {
        "split": ["test"] * 3,
        "a": ["x11", "x10", "x11"],
        "b": ["x10", "y10", "x10"],
        "same": [1, 0, 1],
    }
    drawn = found[found["split"] == "val"]
    pairs = unordered(drawn.assign(same=drawn.same == 1), True)
    assert pairs == {frozenset(("v10", "v11")), frozenset(("w10", "w11"))}
    assert said == [  # once, of the split that was drawn
        "No speaker of val has recordings of several groups: its same-speaker trials pair utterances of one session "
        "and are easier than real use."
    ]


def test_every_judged_split_has_trials_and_no_other():
    train = manifest_of(spoken(("t", "1", 2), split="train"))
    found = pairing.of_manifest(pd.concat([EVERYONE, train]), None, 1, 0, lambda sentence: None)
    assert found.groupby("split").same.agg(list).to_dict() == {"test": [1, 0], "val": [1, 0]}
    alone = pairing.of_manifest(EVERYONE[EVERYONE["split"] == "test"], None, 1, 0, lambda sentence: None)
    assert set(alone["split"]) == {"test"}


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("test x10 y10 0", "has no same-speaker trials (same is 1) for test"),
        ("test x10 x11 1", "has no different-speaker trials (same is 0) for test"),
    ],
)
def test_a_list_of_one_kind_is_refused(row, said):
    assert said in refused(pairing.of_manifest, EVERYONE, listed(row), 10, 0, lambda sentence: None)


def test_the_score_is_the_cosine_of_the_two():
    part = spoken(("x", "1", 2), ("y", "1", 1))
    embeddings = np.array([[1, 0], [0.6, 0.8], [0, 1]], np.float32)
    pairs = pd.DataFrame({"a": ["x11", "y10"], "b": ["x10", "x11"]})
    at = pairing.places(part, pairs)
    assert at.tolist() == [[1, 0], [2, 1]]
    np.testing.assert_allclose(pairing.score(embeddings, at), [0.6, 0.8], rtol=1e-6)
