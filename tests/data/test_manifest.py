"""The table of recordings: its schema, splits that keep groups whole, its digest and summary."""

import os
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import data_settings, tone
from earmark.data import manifest, splits, walking
from earmark.errors import EarmarkError

NFC, NFD = "Caf\u00e9", "Cafe\u0301"
GOOD = "path,label,group\na.wav,x,1\nb.wav,y,2\n"


def read(tmp_path, text: str) -> pd.DataFrame:
    (tmp_path / "manifest.csv").write_text(text)
    return manifest.read_table(tmp_path / "manifest.csv")


def table(labels: str, groups: str, splits: list[str] | None = None) -> pd.DataFrame:
    """One recording a character; splits by name."""
    rows = {"path": [f"{i}.wav" for i in range(len(labels))], "label": list(labels), "group": list(groups)}
    return pd.DataFrame(rows | ({} if splits is None else {"split": splits}))


def many(labels: str = "xyz", groups: int = 10, each: int = 2) -> pd.DataFrame:
    """`groups` groups of `each` recordings for every label."""
    rows = [(f"{y}{g}_{i}.wav", y, f"{y}{g}") for y in labels for g in range(groups) for i in range(each)]
    return pd.DataFrame(rows, columns=["path", "label", "group"])


def error(function, *args) -> str:
    with pytest.raises(EarmarkError) as caught:
        function(*args)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_read_table_keeps_strings_and_extra_columns(tmp_path):
    text = "﻿path,label,group,lab\n001.wav,NA,007,a.lab\nb.wav,y,2,\n"
    got = read(tmp_path, text)
    assert got.to_dict("records") == [
        {"path": "001.wav", "label": "NA", "group": "007", "lab": "a.lab"},
        {"path": "b.wav", "label": "y", "group": "2", "lab": ""},
    ]


def test_missing_column(tmp_path):
    assert "has no column 'group'; add it (did you mean 'groups'?)." in error(
        read, tmp_path, GOOD.replace("group", "groups")
    )
    assert "has no column 'label'" in error(read, tmp_path, "path,group\na.wav,1\n")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (GOOD + "c.wav,,3\n", "line 4: 'label' is empty"),
        (GOOD + "c.wav,x,  \n", "line 4: 'group' is empty"),
        (GOOD + "c.wav,x\n", "line 4: 'group' is empty"),
        (GOOD + ",x,3\nd.wav,x,4\n", "line 4: 'path' is empty"),
        (GOOD + "\nc.wav,,3\n", "line 5: 'label' is empty"),
    ],
)
def test_empty_cell_names_its_line(tmp_path, text, expected):
    assert expected in error(read, tmp_path, text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "has no column 'path'"),
        ("path,label,group\n", "lists no recordings; add a row for each."),
        (GOOD + "c.wav,x,3,4\n", "line 4 has more fields than the header"),
        (GOOD + "a.wav,x,3\n", "lists 'a.wav' twice"),
    ],
)
def test_unusable_table(tmp_path, text, expected):
    assert expected in error(read, tmp_path, text)


def test_rows_longer_than_the_header_do_not_shift_columns(tmp_path):
    text = error(read, tmp_path, "path,label,group\na.wav,x,1,q\nb.wav,y,2,q\n")
    assert "line 2 has more fields than the header" in text


def test_inside(tmp_path):
    """What a path says may not leave the folder; a link in it, which the user made, is followed."""
    root = tmp_path / "audio"
    (root / "x").mkdir(parents=True)
    (tmp_path / "secret.wav").write_bytes(b"x")
    (root / "link.wav").symlink_to(tmp_path / "secret.wav")
    (root / "dir").symlink_to(tmp_path)
    for path, found in (
        ("x/a.wav", "x/a.wav"),
        ("x/../a.wav", "a.wav"),
        ("./x//a.wav", "x/a.wav"),
        ("dir/../a.wav", "a.wav"),  # and not what lies beside the folder that the link leads to
        ("link.wav", "link.wav"),
        ("dir/secret.wav", "dir/secret.wav"),
        (str(root / "x/a.wav"), "x/a.wav"),
    ):
        assert manifest.inside(root, path, 2) == root / found, path
    for outside in ("../secret.wav", "x/../../secret.wav", "dir/../../secret.wav", str(tmp_path / "secret.wav"), ".."):
        text = error(manifest.inside, root, outside, 7)
        assert "line 7" in text
        assert f"'{outside}' lies outside" in text
    assert "audio/list.txt, line 3: '../secret.wav' lies" in error(
        manifest.inside, root, "../secret.wav", "list.txt, line 3"
    )


def test_inside_is_absolute_below_a_relative_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert manifest.inside(Path("audio"), "a.wav", 2) == tmp_path / "audio/a.wav"


def told(tmp_path, text: str) -> tuple[pd.DataFrame, list[str]]:
    """The table, and what was said of it."""
    (tmp_path / "manifest.csv").write_text(text)
    said: list[str] = []
    return manifest.read_table(tmp_path / "manifest.csv", warn=said.append), said


def test_recordings_that_no_row_names_are_told(tmp_path, monkeypatch):
    """A second name of a listed file is not left out; a folder that cannot be read is none of the table's."""
    for name in ("a.wav", "b.flac", "c/d.mp3", "notes.txt", ".hidden.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "again.wav").symlink_to(tmp_path / "a.wav")
    assert told(tmp_path, "path,label,group\na.wav,x,1\n")[1] == [
        f"2 recordings below {tmp_path} are not listed in manifest.csv (b.flac, c/d.mp3): left out."
    ]
    assert told(tmp_path, "path,label,group\na.wav,x,1\nb.flac,x,2\nc/d.mp3,y,3\n")[1] == []
    (tmp_path / "private").mkdir()
    look = os.scandir
    refused = PermissionError(13, "Permission denied")

    def scandir(folder):
        if Path(folder).name == "private":
            raise refused
        return look(folder)

    monkeypatch.setattr(os, "scandir", scandir)
    assert told(tmp_path, "path,label,group\na.wav,x,1\nb.flac,x,2\n")[1] == [
        f"1 recording below {tmp_path} is not listed in manifest.csv (c/d.mp3): left out."
    ]
    with pytest.raises(EarmarkError, match=r"private cannot be read \(Permission denied\)"):
        walking.walk(tmp_path)


@pytest.mark.parametrize(
    ("names", "read_as"),
    [
        ("train val test", "train val test"),
        ("Train VAL Test", "train val test"),
        ("training validation testing", "train val test"),
        ("TRAIN valid tst", "train val test"),
        ("train dev test", "train val test"),
        ("train Development test", "train val test"),
        ("Train Test Test", "train test test"),
        ("dev dev test", "dev dev test"),  # the development set of some is what they train on
        ("development validation evaluation", "development validation evaluation"),
        ("fold1 fold2 Test", "fold1 fold2 Test"),
        ("train crossutt test", "train crossutt test"),
        ("dev eval eval", "dev eval eval"),
    ],
)
def test_names_of_splits(tmp_path, names, read_as):
    rows = [f"{i}.wav,x,{i},{name}" for i, name in enumerate(names.split())]
    table, said = told(tmp_path, "path,label,group,split\n" + "\n".join(rows) + "\n")
    assert list(table["split"]) == read_as.split()
    changed = sorted({f"'{a}' as {b}" for a, b in zip(names.split(), read_as.split(), strict=True) if a != b})
    names_are = (
        f"{tmp_path / 'manifest.csv'}: the names of splits are read by their usual meaning, {', '.join(changed)}."
    )
    assert said == ([names_are] if changed else [])


def test_a_split_that_can_be_either_is_refused(tmp_path):
    text = "path,label,group,split\na.wav,x,1,train\nb.wav,x,2,eval\nc.wav,y,3,test\n"
    assert error(told, tmp_path, text) == (
        f"{tmp_path / 'manifest.csv'}, line 3: the split 'eval' means validation to some and test to others; "
        "write val or test."
    )


def test_fold_without_split(tmp_path):
    table, said = told(tmp_path, "path,label,group,fold\na.wav,x,1,1\nb.wav,y,2,2\n")
    assert (list(table.columns), list(table["split"]), said) == (["path", "label", "group", "split"], ["1", "2"], [])
    table, said = told(tmp_path, "path,label,group,split,fold\na.wav,x,1,,1\nb.wav,y,2,,2\n")
    assert (list(table["split"]), "fold" in table, said) == (["1", "2"], False, [])
    text = "path,label,group,fold\na.wav,x,1,1\nb.wav,y,2,\n"
    assert "line 3: 'fold' is empty" in error(told, tmp_path, text)


def test_split_wins_over_fold(tmp_path):
    table, said = told(tmp_path, "path,label,group,split,fold\na.wav,x,1,train,1\nb.wav,y,2,test,2\n")
    assert (list(table["split"]), "fold" in table) == (["train", "test"], False)
    place = tmp_path / "manifest.csv"
    assert said == [f"{place} has the columns split and fold: split decides, and fold is ignored."]


def test_paths_as_other_programs_write_them(tmp_path):
    """Each names one file below the folder, which itself is reached by a link."""
    tone(tmp_path / "real/rock/0.wav")
    tone(tmp_path / "real/rock/1\\2.wav")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "other").symlink_to(tmp_path / "real")
    for said, found in (
        ("rock/0.wav", "rock/0.wav"),
        ("./rock/0.wav", "rock/0.wav"),
        ("rock\\0.wav", "rock/0.wav"),
        (".\\rock\\0.wav", "rock/0.wav"),
        ("rock/1\\2.wav", "rock/1\\2.wav"),  # a file has it in its name
        (f"{tmp_path}/link/rock/0.wav", "rock/0.wav"),
        (f"{tmp_path}/real/rock/0.wav", "rock/0.wav"),
        (f"{tmp_path}/other/rock/0.wav", "rock/0.wav"),
        ("rock\\none.wav", "rock\\none.wav"),
        ("..\\x.wav", "..\\x.wav"),  # for `inside` to refuse
    ):
        (tmp_path / "real/manifest.csv").write_text(f"path,label,group\n{said},rock,1\n")
        assert list(manifest.read_table(tmp_path / "link/manifest.csv").path) == [found], said
    assert "lies outside" in error(manifest.inside, tmp_path / "link", "..\\x.wav", 2)


def test_unicode_forms_are_one_name(tmp_path):
    tone(tmp_path / f"{NFD}/0.wav")
    (tmp_path / "manifest.csv").write_text(
        f"path,label,group,split\n{NFC}/0.wav,{NFC},{NFD},fold {NFD}\nb.wav,{NFD},{NFC},fold {NFC}\n"
    )
    table = manifest.read_table(tmp_path / "manifest.csv")
    assert table.to_numpy().tolist() == [
        [f"{NFD}/0.wav", NFC, NFC, f"fold {NFC}"],
        ["b.wav", NFC, NFC, f"fold {NFC}"],
    ]
    (tmp_path / "manifest.csv").write_text(f"path,label,group\n{NFC}/0.wav,x,1\n{NFD}/0.wav,x,1\n")
    assert "twice, on lines 2 and 3; keep" in error(manifest.read_table, tmp_path / "manifest.csv")
    tone(tmp_path / f"{NFC}/0.wav")  # now they are two
    assert list(manifest.read_table(tmp_path / "manifest.csv").path) == [f"{NFC}/0.wav", f"{NFD}/0.wav"]


@settings(max_examples=40, deadline=None)
@given(
    groups=st.dictionaries(st.integers(0, 40), st.tuples(st.sampled_from("xyz"), st.integers(1, 3)), min_size=1),
    n=st.integers(2, 6),
    seed=st.integers(0, 5),
)
def test_deal_keeps_groups_whole_and_fills_part_0(groups, n, seed):
    rows = [(f"{g}_{i}", label, f"g{g}") for g, (label, size) in groups.items() for i in range(size)]
    recordings = pd.DataFrame(rows, columns=["path", "label", "group"])
    part = splits.deal(recordings, "group", n, seed)
    assert part.between(0, n - 1).all()
    assert (part.groupby(recordings.group).nunique() == 1).all()
    assert set(recordings.label[part == 0]) == set(recordings.label)
    # every part gets its share of a label's groups, to one group
    per_part = recordings.assign(part=part).drop_duplicates("group").groupby(["label", "part"]).size()
    for _, counts in per_part.unstack(fill_value=0).reindex(columns=range(n), fill_value=0).iterrows():
        assert counts.max() - counts.min() <= 1
    shuffled = recordings.sample(frac=1, random_state=seed)
    pd.testing.assert_series_equal(splits.deal(shuffled, "group", n, seed).sort_index(), part, check_names=False)


def test_split_without_a_split_column():
    got = splits.assign_splits(many(), data_settings())
    assert (got.groupby("group")["split"].nunique() == 1).all()
    # 10 groups a label: 2 for test, then a fifth of the other 8, rounded up, for val
    groups = got.drop_duplicates("group").groupby(["label", "split"]).size()
    assert groups.to_dict() == {(y, s): n for y in "xyz" for s, n in [("test", 2), ("train", 6), ("val", 2)]}


def test_split_is_seeded():
    one = splits.assign_splits(many(), data_settings(seed=1))["split"]
    assert one.equals(splits.assign_splits(many(), data_settings(seed=1))["split"])
    assert not one.equals(splits.assign_splits(many(), data_settings(seed=2))["split"])


def test_shares_are_kept():
    got = splits.assign_splits(many("xy", 20), data_settings(test_share=0.4, val_share=0.2))["split"]
    assert (got == "test").mean() == pytest.approx(0.4, abs=0.051)


def test_official_splits_stay():
    official = ["train", "train", "val", "val", "test", "test"]
    got = splits.assign_splits(table("xyxyxy", "123456", official), data_settings())
    assert list(got["split"]) == official
    assert "fold" not in got


def test_official_test_and_a_dealt_val():
    given_splits = many().assign(split=["test" if g.endswith(("0", "1")) else "train" for g in many().group])
    got = splits.assign_splits(given_splits, data_settings(val_share=0.25))
    assert set(got.group[got["split"] == "test"]) == {f"{y}{g}" for y in "xyz" for g in (0, 1)}
    groups = got.drop_duplicates("group").groupby(["label", "split"]).size()
    assert all(groups[y, "val"] == 2 and groups[y, "train"] == 6 for y in "xyz")


def folds() -> pd.DataFrame:
    return many().assign(split=[f"fold{int(g[1:]) % 5}" for g in many().group])


def test_folds():
    got = splits.assign_splits(folds(), data_settings(test_fold="fold3"))
    assert list(got.fold) == list(folds()["split"])
    assert set(got.fold[got["split"] == "test"]) == {"fold3"}
    assert set(got["split"][got.fold == "fold3"]) == {"test"}
    assert (got.groupby("group")["split"].nunique() == 1).all()
    assert all(set(got.label[got["split"] == s]) == set("xyz") for s in splits.SPLITS)


def test_test_fold_mistakes():
    text = error(splits.assign_splits, folds(), data_settings())
    assert "test_fold to one of fold0, fold1, fold2, fold3, fold4" in text
    text = error(splits.assign_splits, folds(), data_settings(test_fold="fold33"))
    assert "'fold33' is not a fold of the manifest; did you mean 'fold3'?" in text
    official = table("xyxyxy", "123456", ["train", "train", "val", "val", "test", "test"])
    assert "test_fold is set" in error(splits.assign_splits, official, data_settings(test_fold="fold3"))


def test_half_filled_split_names_the_recording():
    half = table("xyxyxy", "123456", ["train", "train", "val", " ", "test", "test"])
    assert "split is empty for '3.wav'" in error(splits.assign_splits, half, data_settings())


def test_group_in_two_splits():
    leak = table("xyxyxyx", "1234561", ["train", "train", "val", "val", "test", "test", "test"])
    assert "Group '1' is in the splits test and train" in error(splits.assign_splits, leak, data_settings())
    two = leak.assign(group=list("1234521"))
    assert "Group '1' (and 1 more)" in error(splits.assign_splits, two, data_settings())


@pytest.mark.parametrize("split", ["val", "test"])
def test_label_that_was_never_trained(split):
    official = ["train", "train", "val", "val", "test", "test", split]
    text = error(splits.assign_splits, table("xyxyxyz", "1234567", official), data_settings())
    assert f"Label 'z' occurs in {split} but not in train" in text


def test_empty_split():
    text = error(splits.assign_splits, table("xyxy", "1234", ["val", "val", "test", "test"]), data_settings())
    assert "No recording is in the split 'train'" in text


def test_class_with_too_few_groups():
    one = pd.concat([many("xy"), table("z", "q")], ignore_index=True)
    text = error(splits.assign_splits, one, data_settings())
    assert "Class 'z' has 1 recording in 1 group;" in text
    two = pd.concat([many("xy"), table("zzz", "qqr")], ignore_index=True)
    assert "Class 'z' has 3 recordings in 2 groups;" in error(splits.assign_splits, two, data_settings())
    three = pd.concat([many("xy"), table("zzz", "qrs")], ignore_index=True)
    got = splits.assign_splits(three, data_settings())
    assert sorted(got["split"][got.label == "z"]) == ["test", "train", "val"]


def test_one_class_only():
    assert "only one class ('x')" in error(splits.assign_splits, many("x"), data_settings())
    official = table("xxx", "123", list(splits.SPLITS))
    assert "only one class ('x')" in error(splits.assign_splits, official, data_settings())


def test_check_splits_by_label_allows_untrained_labels():
    speakers = table("aabc", "1234", ["train", "train", "val", "test"])
    splits.check_splits(speakers, "label")
    with pytest.raises(EarmarkError, match="Speaker 'a' is in the splits train and val"):
        splits.check_splits(speakers.assign(split=["train", "val", "val", "test"]), "label")


def test_digest():
    base = table("xyz", "123").assign(sha256=["a", "b", "c"])
    same = manifest.digest(base)
    assert len(same) == 64
    assert manifest.digest(base.iloc[[2, 0, 1]]) == same
    assert manifest.digest(base.assign(split="train", extra=1)) == same
    for column in ("path", "label", "group", "sha256"):
        other = base.copy()
        other.loc[1, column] = "other"
        assert manifest.digest(other) != same, column


def test_summary_by_hand():
    recordings = table("xxxyy", "11234", ["train", "train", "test", "train", "val"])
    got = manifest.summary(recordings.assign(duration_s=[60.0, 30.0, 6.0, 90.0, 45.4]))
    rows = {(r.label, r.split): (r.recordings, r.groups, r.minutes) for r in got.itertuples()}
    assert rows == {
        ("x", "train"): (2, 1, 1.5),
        ("x", "test"): (1, 1, 0.1),
        ("y", "train"): (1, 1, 1.5),
        ("y", "val"): (1, 1, 0.76),
        ("(all)", "train"): (3, 2, 3.0),
        ("(all)", "val"): (1, 1, 0.76),
        ("(all)", "test"): (1, 1, 0.1),
    }


def test_clip_lengths_by_hand():
    """Four recordings of 1, 2, 2 and 5 s; sorted positions 0..3, so the 80th percentile lies at 2.4: 2 + .4 (5 - 2)."""
    got = manifest.clip_lengths(table("xxyy", "1234").assign(duration_s=[5.0, 2.0, 1.0, 2.0]), (0.5, 2, 4, 8))
    assert list(got.columns) == ["percentile", "seconds", "whole", "unpadded"]
    given_lengths = got[got.percentile.isna()]
    assert list(given_lengths[["seconds", "whole", "unpadded"]].itertuples(index=False, name=None)) == [
        (0.5, 0.0, 1.0),
        (2.0, 0.75, 0.75),
        (4.0, 0.75, 0.25),
        (8.0, 1.0, 0.0),
    ]
    at = got.dropna().set_index("percentile")
    assert list(at.index) == [5, 10, 25, 50, 75, 80, 90, 95]
    assert at.seconds[80] == pytest.approx(3.2)
    assert tuple(at.loc[80, ["whole", "unpadded"]]) == (0.75, 0.25)
    assert at.seconds[50] == 2.0


def test_clip_lengths_are_numpys_percentiles_and_not_those_of_the_article():
    durations = np.random.default_rng(3).gamma(2.0, 4.0, 501)
    recordings = pd.DataFrame({"duration_s": durations})
    at = manifest.clip_lengths(recordings).dropna().set_index("percentile").seconds
    np.testing.assert_array_equal(at, np.percentile(durations, at.index))
    assert at[80] != np.sort(durations)[int(0.6 * len(durations))]  # what the article printed as 80 %
    assert (durations <= at[80]).mean() == pytest.approx(0.8, abs=0.002)


def test_clip_advice():
    recordings = pd.DataFrame({"duration_s": [1.0, 2.0, 2.0]})
    assert manifest.clip_advice(manifest.clip_lengths(recordings, (1.5, 2))).splitlines() == [
        "Durations, from which to choose the length of clips: 5 % last at most 1.10 s, 50 % last at most 2.00 s, "
        "80 % last at most 2.00 s, 95 % last at most 2.00 s.",
        "Clips of 1.5 s: 33.3% of the recordings fit in whole, 66.7% need no padding.",
        "Clips of 2 s: 100.0% of the recordings fit in whole, 66.7% need no padding.",
    ]
    lengths = manifest.clip_lengths(recordings, (0.25, 0.5, 1, 1.5, 2, 4, 8))  # what lies beyond says nothing new
    assert [re.findall(r"^Clips of (\S+) s:", line) for line in manifest.clip_advice(lengths).splitlines()[1:]] == [
        ["1"],
        ["1.5"],
        ["2"],
    ]


def shorter(*seconds: float) -> list[str]:
    return manifest.shorter(pd.Series(seconds), 2.5, "tasks.x.window_s", "each is repeated")


def test_what_is_shorter_than_is_heard_at_once_is_said_from_a_half_on():
    assert shorter(1.0, 2.0, 2.5, 3.0) == []  # a half
    assert shorter(2.4995, 2.4995, 2.0) == []  # decoders round
    assert shorter(1.0, 2.0, 2.126, 3.0, 0.5) == [
        "tasks.x.window_s is 2.5 s, and 4 of 5 recordings are shorter (all 5 last 0.50 to 3.00 s): each is repeated. "
        "At 2 s half of the recordings would be long enough."
    ]
    (all_of_them,) = shorter(0.1, 1.239, 1.9)
    assert all_of_them == (
        "tasks.x.window_s is 2.5 s, longer than all 3 recordings (0.10 to 1.90 s): each is repeated. At 1.23 s half of "
        "the recordings would be long enough."
    )
    assert manifest.shorter(pd.Series([0.1, 1.239, 1.9]), 1.23, "k", "f") == []


def test_lacking():
    recordings = table("xyzxxyz", "1234567").assign(fold=["b", "b", "b", "a", "c", "c", "c"])
    one = "The fold 'a' holds no recording of class 'y' (and 1 more): that class is not scored there."
    assert splits.lacking(recordings, "fold") == [one]
    assert splits.lacking(recordings, "fold", ["b"]) == []
    assert splits.lacking(recordings[recordings.label != "z"], "fold", ["a"]) == [one.replace(" (and 1 more)", "")]


def test_load(tmp_path):
    assert "run `dvc repro` first" in error(manifest.load, tmp_path / "manifest.csv")
    facts = {"duration_s": [1.5], "sample_rate": [8000], "channels": [1], "peak": [0.5]}
    table("x", "1").assign(label="NA", **facts).to_csv(tmp_path / "manifest.csv", index=False)
    got = manifest.load(tmp_path / "manifest.csv")
    assert got.iloc[0].to_dict() == {"path": "0.wav", "label": "NA", "group": "1"} | {k: v[0] for k, v in facts.items()}
    assert np.issubdtype(got.sample_rate.dtype, np.integer)


def test_folds_are_dealt_in_a_number_that_a_class_can_fill():
    uneven = pd.concat([many("xy"), table("zzz", "qrs")], ignore_index=True)
    for k in (2, 3, 10, 11, 100):  # what the smallest class lacks is warned of
        assert splits.with_folds(uneven, k, 1).fold.nunique() == min(k, 10)
    for k in (-1, 0, 1):
        text = f"{k} folds cannot be made: set --k (in a study file k) to a number from 2 to 10."
        assert error(splits.with_folds, uneven, k, 1) == text
    alone = table("xz", "ab")
    assert error(splits.with_folds, alone, 2, 1) == (
        "Folds need at least two groups, but class 'x' has only 1; add recordings of others."
    )
    same = pd.concat([alone] * 2).assign(label="x", group="a")
    assert "Folds need at least two speakers, but there are only 1" in error(splits.with_folds, same, 2, 1, "label")
    songs = same.drop(columns="label")
    assert "Folds need at least two groups, but there are only 1" in error(splits.with_folds, songs, 2, 1)
