"""Utterances and trials beside a manifest: joined, checked, and refused by file and line."""

from pathlib import Path

import pandas as pd
import pytest

from earmark.errors import EarmarkError
from earmark.tasks.speaker import corpora
from earmark.tasks.speaker.trials import lists

MANIFEST = """path,label,group,split
a/1.wav,a,a1,test
a/2.wav,a,a1,test
a/3.wav,a,a2,test
b/1.wav,b,b1,test
c/1.wav,c,c1,val
c/2.wav,c,c2,val
"""
UTTERANCES = """utterance,label,round,split,paths
a-one,a,1,test,a/2.wav;a/1.wav
a-two,a,2,test,a/3.wav
b-one,b,1,test,b/1.wav
"""
TRIALS = """split,a,b,same
test,a-one,a-two,1
test,a-two,b-one,0
val,c/1.wav,c/2.wav,1
"""


@pytest.fixture
def root(tmp_path) -> Path:
    for name, text in (("manifest", MANIFEST), ("utterances", UTTERANCES), ("trials", TRIALS)):
        (tmp_path / f"{name}.csv").write_text(text)
    return tmp_path


def edit(root: Path, name: str, old: str, new: str) -> None:
    text = (root / name).read_text()
    assert old in text
    (root / name).write_text(text.replace(old, new, 1))


def trials(root: Path, lost: tuple[str, ...] = (), **columns) -> tuple[list[tuple], list[str]]:
    """(rows, warnings) of the trials for the manifest, whose columns may be replaced; utterances in `lost` are gone."""
    warnings: list[str] = []
    table = corpora.folder(root, pytest.fail).assign(**columns)
    given = lists.of_folder(root, pytest.fail)
    found = lists.trials(given, table[~table.utterance.isin(lost)], set(lost), warnings.append)
    assert list(found.columns) == ["split", "a", "b", "same"]
    return list(found.itertuples(index=False, name=None)), warnings


def refused(root: Path) -> str:
    with pytest.raises(EarmarkError) as caught:
        trials(root)
    assert "\n" not in str(caught.value)
    return str(caught.value).replace(f"{root}/", "")


def test_utterances_join_recordings_in_their_order(root):
    table = corpora.folder(root, pytest.fail)
    assert list(zip(table.path, table.utterance, strict=True)) == [
        ("a/2.wav", "a-one"),
        ("a/1.wav", "a-one"),
        ("a/3.wav", "a-two"),
        ("b/1.wav", "b-one"),
        ("c/1.wav", "c/1.wav"),
        ("c/2.wav", "c/2.wav"),
    ]
    assert list(table.index) == [3, 2, 4, 5, 6, 7]  # still the lines of manifest.csv
    assert list(table.columns) == ["path", "label", "group", "split", "utterance"]


def test_lists_name_recordings_as_other_programs_do(root):
    """Another Unicode form, backslashes, absolute paths, other names of the splits."""
    nfc, nfd = "Caf\u00e9", "Cafe\u0301"
    (root / nfd).mkdir()
    (root / f"{nfd}/1.wav").touch()
    edit(root, "manifest.csv", "b/1.wav,b,b1,test", f"{nfc}/1.wav,{nfd},b1,Testing")
    edit(root, "utterances.csv", "b-one,b,1,test,b/1.wav", f"{nfc}-one,{nfc},1,TEST,{nfc}\\1.wav")
    edit(root, "utterances.csv", "a-two,a,2,test,a/3.wav", f"a-two,a,2,Test,{root}/a/3.wav")
    edit(root, "trials.csv", "test,a-two,b-one,0", f"Test,a-two,{nfd}-one,0")
    edit(root, "trials.csv", "val,c/1.wav,c/2.wav,1", f"dev,c\\1.wav,{root}/c/2.wav,1")
    table = corpora.folder(root, lambda text: None)
    assert table.iloc[3].tolist() == [f"{nfd}/1.wav", nfc, "b1", "test", f"{nfc}-one"]
    given = lists.of_folder(root, pytest.fail)
    assert lists.trials(given, table, set(), pytest.fail).to_numpy().tolist() == [
        ["test", "a-one", "a-two", 1],
        ["test", "a-two", f"{nfc}-one", 0],
        ["val", "c/1.wav", "c/2.wav", 1],
    ]


def test_trials_as_given(root):
    assert trials(root) == (
        [("test", "a-one", "a-two", 1), ("test", "a-two", "b-one", 0), ("val", "c/1.wav", "c/2.wav", 1)],
        [],
    )


def test_no_lists_no_trials(root):
    for name in ("utterances.csv", "trials.csv"):
        (root / name).unlink()
    assert list(corpora.folder(root, pytest.fail).columns) == ["path", "label", "group", "split"]
    assert lists.of_folder(root, pytest.fail) is None
    assert lists.of_voxceleb1(root, pytest.fail) is None


def test_trials_of_unusable_utterances_are_left_out(root):
    assert trials(root, lost=("a-two", "c/1.wav")) == (
        [],
        ["left out 3 of 3 trials, for lack of a usable recording."],
    )


def test_trials_may_name_folds_or_no_split(root):
    fold = {"fold": ["x", "x", "x", "x", "y", "y"], "split": ["test"] * 4 + ["train", "val"]}
    edit(root, "trials.csv", "test,a-one", "x,a-one")
    edit(root, "trials.csv", "test,a-two", "x,a-two")
    edit(root, "trials.csv", "val,c/1", "y,c/1")
    kept = [("test", "a-one", "a-two", 1), ("test", "a-two", "b-one", 0)]
    assert trials(root, **fold) == (kept, ["left out 1 of 3 trials, between speakers of two splits."])
    (root / "trials.csv").write_text("a,b,same\na-one,a-two,1\na-two,b-one,0\nb-one,c/1.wav,0\n")
    assert trials(root) == (kept, ["left out 1 of 3 trials, between speakers of two splits."])


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (
            "a/2.wav;a/1.wav",
            "a/2.wav;a/11.wav",
            "utterances.csv, line 2: the utterance 'a-one' names 'a/11.wav', which manifest.csv lacks (did you mean ",
        ),
        (
            "a/2.wav;a/1.wav",
            "a/2.wav;b/1.wav",
            "utterances.csv, line 2: the utterance 'a-one' is of speaker 'a', but 'b/1.wav' of 'b' in manifest.csv",
        ),
        ("b-one,b", "a-one,b", "utterances.csv, line 4 lists 'a-one' again"),
        ("a/3.wav", "a/3.wav;a/1.wav", "utterances.csv, line 3: 'a/1.wav' is already in 'a-one'"),
        ("a,2,test", "a,2,val", "the utterance 'a-two' is of split 'val', but 'a/3.wav' of 'test' in manifest.csv"),
        ("paths", "path", "utterances.csv has no column 'paths'; add it (did you mean 'path'?)"),
    ],
)
def test_wrong_utterances(root, old, new, sentence):
    edit(root, "utterances.csv", old, new)
    assert sentence in refused(root)


def test_a_manifest_that_names_other_utterances(root):
    (root / "manifest.csv").write_text("path,label,group,utterance\na/1.wav,a,1,mine\na/2.wav,a,1,\n")
    (root / "utterances.csv").write_text("utterance,label,paths\na-one,a,a/2.wav;a/1.wav\n")
    assert "is of utterance 'a-one', but 'a/1.wav' of 'mine' in manifest.csv; correct one of them." in refused(root)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (
            "a-one,a-two",
            "a-one,a-tow",
            "line 2: no recording belongs to the utterance 'a-tow' (did you mean 'a-two'?); ",
        ),
        ("a-one,a-two", "q,a-two", "line 2: no recording belongs to the utterance 'q'; correct the name, or add it."),
        ("a-two,1", "a-two,yes", "line 2: same is 'yes'; write 1 for the same speaker, 0 for different ones."),
        ("a-two,1", "a-two,0", "line 2: same is 0, but 'a-one' is of speaker 'a' and 'a-two' of 'a'; correct"),
        ("b-one,0", "b-one,1", "line 3: same is 1, but 'a-two' is of speaker 'a' and 'b-one' of 'b'; correct"),
        ("a-one,a-two", "a-one,a-one", "line 2 pairs 'a-one' with itself; remove that trial."),
        (
            "a-two,b-one",
            "c/1.wav,b-one",
            "line 3 is a trial of the split 'test', but 'c/1.wav' is in 'val' and 'b-one' in 'test'; a trial lies",
        ),
        (
            "a-two,b-one",
            "a-two,c/1.wav",
            "line 3 is a trial of the split 'test', but 'a-two' is in 'test' and 'c/1.wav' in 'val'; a trial lies",
        ),
        (
            "val,c/1",
            "test,c/1",
            "line 4 is a trial of the split 'test', but 'c/1.wav' is in 'val' and 'c/2.wav' in 'val'",
        ),
        ("a-two,1", "a-two,", "line 2: 'same' is empty; fill it in."),
    ],
)
def test_wrong_trials(root, old, new, sentence):
    edit(root, "trials.csv", old, new)
    text = refused(root)
    assert text.startswith("trials.csv, line ")
    assert sentence in text


def test_the_first_of_several_mistakes_is_named():
    given = pd.DataFrame({"a": ["x", "x", "x"], "b": ["y", "q", "r"], "same": ["0"] * 3}, index=["t 1", "t 2", "t 3"])
    table = pd.DataFrame({"utterance": ["x", "y"], "label": ["a", "b"], "split": ["test"] * 2})
    with pytest.raises(EarmarkError, match=r"^t 2: no recording belongs to the utterance 'q'"):
        lists.trials(given, table, set(), pytest.fail)
