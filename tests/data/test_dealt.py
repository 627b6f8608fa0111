"""A growing collection: earlier groups stay where they are, whatever is added in whatever order."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import data_settings
from earmark.data import dealt, splits
from earmark.data.record import NOTHING, KnownSplits, Record
from earmark.errors import EarmarkError

LABELS = "xyz"
KEPT = Record(Path("splits/genre.csv"))


def table(groups: list[str], each: int = 1) -> pd.DataFrame:
    """Recordings of groups whose first letter is their label."""
    rows = [(f"{group}_{i}.wav", group[0], group) for group in groups for i in range(each)]
    return pd.DataFrame(rows, columns=["path", "label", "group"])


def groups(n: int, first: int = 0, labels: str = LABELS) -> list[str]:
    return [f"{y}{g}" for g in range(first, first + n) for y in labels]


def grown(names: list[str], record: Record, **changes) -> tuple[dict[str, str], Record]:
    """The split of every group, and the record with them."""
    data = data_settings(**changes)
    _, split_of = dealt.assign(table(names), data, "group", record)
    return split_of, record.with_groups(data, split_of)


def refused(names: list[str], record: Record, **changes) -> str:
    with pytest.raises(EarmarkError) as caught:
        dealt.assign(table(names), data_settings(**changes), "group", record)
    return str(caught.value)


def test_the_first_deal_is_that_of_assign_splits():
    rows, data = table(groups(10), each=2), data_settings()
    got, split_of = dealt.assign(rows, data, "group", NOTHING)
    pd.testing.assert_frame_equal(got, splits.assign_splits(rows, data))
    assert split_of == dict(zip(got.group, got["split"], strict=True))


@pytest.mark.parametrize("official", [["train", "train", "val", "val", "test", "test"], [f"fold{i}" for i in "112233"]])
def test_an_official_split_is_no_deal(official):
    rows = table(groups(3, labels="xy")).assign(split=official)
    data = data_settings(test_fold="fold1" if official[0] == "fold1" else None)
    record = KEPT.with_groups(data, dict.fromkeys(rows.group, "train"))
    got, split_of = dealt.assign(rows, data, "group", record)
    pd.testing.assert_frame_equal(got, splits.assign_splits(rows, data))
    assert split_of == {}


def test_sixteen_added_to_three_hundred_move_none():
    first, record = grown(groups(100), KEPT)
    then, _ = grown(groups(100) + groups(16, 100, "x"), record)
    assert {g: then[g] for g in first} == first
    assert {s: sum(v == s for v in first.values()) for s in splits.SPLITS} == {"train": 192, "val": 48, "test": 60}
    afresh = splits.assign_splits(table(groups(100) + groups(16, 100, "x")), data_settings())
    moved = [g for g, s in zip(afresh.group, afresh["split"], strict=True) if s != then[g]]
    assert len(moved) > 50  # what a fresh deal would have done


@settings(max_examples=30, deadline=None)
@given(
    n=st.integers(3, 8),
    more=st.lists(st.tuples(st.sampled_from(LABELS), st.integers(100, 999)), max_size=14, unique=True),
    cuts=st.lists(st.integers(0, 14), max_size=4),
    shuffled=st.randoms(use_true_random=False),
    seed=st.integers(0, 5),
    val_share=st.sampled_from([0.0, 0.2]),
)
def test_any_order_and_any_additions_leave_earlier_groups_in_place(n, more, cuts, shuffled, seed, val_share):
    names, added = groups(n), [f"{y}{g}" for y, g in more]
    changes = {"seed": seed, "val_share": val_share}
    before, record = grown(names, KEPT, **changes)
    once, _ = grown(names + added, record, **changes)
    shuffled.shuffle(added)
    for start, stop in zip([0, *sorted(cuts)], [*sorted(cuts), len(added)], strict=True):
        names = names + added[start:stop]
        shuffled.shuffle(names)
        now, record = grown(names, record, **changes)
        assert {g: now[g] for g in before} == before
        before = now
    assert before == once  # whatever came when
    rows = table(list(before)).assign(split=list(before.values()))
    wanted = {"train", "val", "test"} if val_share else {"train", "test"}
    assert (rows.groupby("label")["split"].agg(set) == wanted).all()


def test_a_group_goes_by_its_name_and_the_seed_alone():
    _, record = grown(groups(5), KEPT)
    alone, _ = grown([*groups(5), "x77"], record)
    among, _ = grown(groups(5) + groups(90, 10), record)
    assert alone["x77"] == among["x77"]
    assert alone["x77"] == grown([*groups(7), "x77"], grown(groups(7), KEPT)[1])[0]["x77"]
    _, other = grown(groups(5), KEPT, seed=2)
    elsewhere, _ = grown(groups(5) + groups(90, 10), other, seed=2)
    assert [elsewhere[g] for g in groups(90, 10)] != [among[g] for g in groups(90, 10)]


def test_shares_are_kept_as_well_as_chance_keeps_them():
    _, record = grown(groups(10), KEPT)
    now, _ = grown(groups(310), record)
    shares = pd.Series(now).value_counts(normalize=True)
    assert shares["test"] == pytest.approx(0.2, abs=0.03)
    assert shares["val"] == pytest.approx(0.16, abs=0.03)


def test_a_label_that_is_new_is_dealt_as_at_first():
    first, record = grown(groups(5), KEPT)
    now, _ = grown(groups(5) + groups(10, labels="w"), record)
    assert {g: now[g] for g in first} == first
    counts = pd.Series({g: s for g, s in now.items() if g[0] == "w"}).value_counts()
    assert counts.to_dict() == {"train": 6, "val": 2, "test": 2}
    assert refused([*groups(5), "w0", "w1"], record) == (
        "Class 'w' has 2 recordings in 2 groups; train, val and test need a group each: add recordings or remove the "
        "class."
    )


def test_a_split_that_lacks_a_label_gets_its_next_group():
    first, record = grown(groups(5), KEPT)
    left = [g for g in groups(5) if not (g[0] == "x" and first[g] == "test")]
    for name in ("x10", "x11", "x12"):
        assert grown([*left, name], record)[0][name] == "test"


def test_a_group_that_comes_back_is_where_it_was():
    first, record = grown(groups(6), KEPT)
    _, record = grown(groups(5), record)
    assert grown(groups(6), record)[0] == first


def test_one_name_in_two_unicode_forms_is_one_group():
    names = [*groups(5), "xCaf\u00e9"]
    first, record = grown(names, KEPT)
    now, same = grown([*groups(5), "xCafe\u0301"], record)
    assert now["xCafe\u0301"] == first["xCaf\u00e9"]
    assert same == record


def test_another_seed_or_test_share_deals_anew_and_the_former_deal_stays():
    first, record = grown(groups(10), KEPT)
    for changes in ({"seed": 2}, {"test_share": 0.3}):
        now, both = grown(groups(12), record, **changes)
        afresh = splits.assign_splits(table(groups(12)), data_settings(**changes))
        assert now == dict(zip(afresh.group, afresh["split"], strict=True))
        assert {g: grown(groups(12), both)[0][g] for g in first} == first


def test_with_another_val_share_the_groups_of_test_stay():
    _, record = grown(groups(10), KEPT)
    grew, record = grown(groups(14), record)
    for share, n_val in ((0.0, 0), (0.4, None)):
        now, _ = grown(groups(14), record, val_share=share)
        assert {g for g, s in now.items() if s == "test"} == {g for g, s in grew.items() if s == "test"}
        n = sum(s == "val" for s in now.values())
        assert n == n_val if n_val is not None else n > sum(s == "val" for s in grew.values())


def test_groups_of_another_collection_are_dealt_as_at_first():
    _, record = grown(groups(5), KEPT)
    now, both = grown(groups(8, 50), record)
    afresh = splits.assign_splits(table(groups(8, 50)), data_settings())
    assert now == dict(zip(afresh.group, afresh["split"], strict=True))
    assert grown(groups(5), both)[0] == grown(groups(5), KEPT)[0]


def test_songs_without_a_class_and_speakers():
    rows = table(groups(10))
    for key, own in (("group", rows.drop(columns="label")), ("label", rows.assign(label=rows.group))):
        got, split_of = dealt.assign(own, data_settings(), key, NOTHING)
        record = KEPT.with_groups(data_settings(), split_of)
        added = table([*groups(10), "x50", "y50"])
        added = added.drop(columns="label") if key == "group" else added.assign(label=added.group)
        now, _ = dealt.assign(added, data_settings(), key, record)
        assert now["split"][:30].tolist() == got["split"].tolist()


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_a_record_that_leaves_a_split_empty_is_refused(split):
    first, record = grown(groups(5), KEPT)
    left = [g for g in groups(5) if first[g] != split]
    record = record.with_groups(data_settings(), dict.fromkeys(groups(3, 20), "train" if split == "test" else "test"))
    record = record.with_groups(data_settings(), {"x30": "val", "x31": "train" if split != "train" else "val"})
    names = [g for g in [*left, *groups(3, 20)] if record.known(data_settings()).get(g) != split]
    assert refused(names, record) == (
        f"According to splits/genre.csv, none of today's recordings is in the split '{split}'; remove "
        "splits/genre.csv to split everything again."
    )


def test_a_label_that_the_record_never_trains_is_refused():
    record = KEPT.with_groups(data_settings(), {"x0": "test", "x1": "test", "x2": "val"})
    record = record.with_groups(data_settings(), {"y0": "train", "y1": "test", "y2": "val"})
    assert refused(groups(3, labels="xy"), record) == (
        "According to splits/genre.csv, no recording of 'x' is in train; add some, or remove splits/genre.csv "
        "to split everything again."
    )


def said(names: list[str], record: Record, **changes) -> list[str]:
    data = data_settings(**changes)
    rows, split_of = dealt.assign(table(names), data, "group", record)
    return dealt.deal_sentences(rows, data, "group", record, split_of)


def test_what_is_said():
    assert said(groups(5), KEPT) == ["15 groups were assigned to splits, and stay there as the collection grows."]
    _, record = grown(groups(5), KEPT)
    assert said(groups(5), record) == []
    assert said(groups(5), record, seed=2) == [
        (
            "15 groups were assigned to splits, with another seed or test_share than before, and stay there as the "
            "collection grows."
        )
    ]
    assert said(groups(5, 30), record) == [  # as where a manifest gives groups of other names
        f"{record.path} knows none of the 15 groups: they were assigned to splits, and stay there as the collection "
        "grows. If these are the recordings of before, earlier models may have been trained on some of today's test "
        "recordings."
    ]
    names = [*groups(5), *groups(2, 70)]
    now, _ = grown(names, record)
    assert [now[g] for g in groups(2, 70)] == ["val", "train", "train", "test", "val", "test"]
    assert said(names, record) == [
        "New groups assigned to splits: 6 (train 2, val 2, test 2); 15 stay where they were."
    ]
    assert said(groups(5), record, val_share=0.0) == [
        "val_share has changed: the validation split was drawn again, and the groups in test stay there."
    ]


def test_shares_that_drift_are_said():
    _, record = grown(groups(5), KEPT)
    remedy = "set tasks.*.data.seed to another number to split everything again, which changes the test recordings."
    for n, sentence in (
        (4, f"The shares have drifted: test holds 7 of 19 groups, and a fresh split would give it 4; {remedy}"),
        (1, ""),
    ):
        added = groups(n, 20, "x")
        tested = record.with_groups(data_settings(), dict.fromkeys(added, "test"))
        assert said(groups(5) + added, tested) == [sentence][: bool(sentence)]
    _, record = grown(groups(50), KEPT)
    added = groups(20, 90, "y")
    many = record.with_groups(data_settings(), dict.fromkeys(added[:7], "test") | dict.fromkeys(added[7:], "train"))
    assert said(groups(50) + added, many) == []  # 37 of 170 in test, and a fresh deal gives it 34
    skewed = record.with_groups(data_settings(), dict.fromkeys(added[:5], "test"))
    few = [g for g in record.known(data_settings()).split_of if g[0] != "y" or int(g[1:]) < 5]
    assert said(few + added[:5], skewed) == [
        f"The shares of 'y' have drifted: test holds 5 of 10 groups, and a fresh split would give it 2; {remedy}"
    ]


def test_unknown_groups_of_a_deal():
    assert KnownSplits({"a": "test"}).get("b") is None
    assert replace(KEPT, path=Path("elsewhere")).known(data_settings()).split_of == {}
