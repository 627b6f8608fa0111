"""The prepare stage for speakers: splits without a speaker in two, utterances, trials, and what is refused."""

import hashlib
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import soundfile as sf

from builders import data_settings, plain_progress, tone
from earmark.data import manifest, reading
from earmark.errors import EarmarkError
from earmark.pipeline import prepare
from earmark.tasks.speaker.corpora import CORPORA
from earmark.tasks.speaker.settings import SpeakerDataSettings
from project import REPOSITORY

DATA = REPOSITORY.parent / "shared/data"


def real(name: str):
    return pytest.mark.skipif(not (DATA / name).is_dir(), reason=f"the corpus is not in ../shared/data/{name}")


def speakers(root: Path, splits: str, utterances: int = 2) -> Path:
    """Speakers s0, s1, ..., one for each letter of `splits` (t, v, e: test, or ? for none), a tone each recording."""
    rows = []
    for s, letter in enumerate(splits):
        split = {"t": "train", "v": "val", "e": "test", "?": ""}[letter]
        for n in range(utterances):
            tone(root / f"s{s}/{n}.wav", 200 + 50 * s + 7 * n, 0.2, 8000)
            rows.append(f"s{s}/{n}.wav,s{s},s{s}-{n},{split}")
    (root / "manifest.csv").write_text("path,label,group,split\n" + "\n".join(rows) + "\n")
    return root


def edit(root: Path, old: str, new: str, name: str = "manifest.csv") -> None:
    text = (root / name).read_text()
    assert old in text
    (root / name).write_text(text.replace(old, new, 1))


def run(root: Path, **changes) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, list[str]]:
    """(table, quarantined, trials, warnings)."""
    warnings: list[str] = []
    own = {name: changes.pop(name) for name in ("utterance_s", "trials") if name in changes}
    data = SpeakerDataSettings(**vars(data_settings(**{"max_quarantined": 0.5} | changes)) | own)
    found = reading.prepare(CORPORA, data, root, warnings.append, plain_progress)
    return found.table, found.quarantined, found.beside["trials"], warnings


def refused(root: Path, **changes) -> str:
    with pytest.raises(EarmarkError) as caught:
        run(root, **changes)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def splits_of(table: pd.DataFrame) -> dict[str, int]:
    assert (table.groupby("label")["split"].nunique() == 1).all()
    return table.groupby("split").label.nunique().to_dict()


def test_official_splits_and_utterances_by_default(tmp_path):
    table, quarantined, trials, warnings = run(speakers(tmp_path, "ttvvee"))
    assert splits_of(table) == {"train": 2, "val": 2, "test": 2}
    assert list(table.utterance) == list(table.path)
    assert quarantined.empty
    # Two recordings a speaker, each of a session of its own: one pair of one speaker each, as many of two.
    expected = {("test", 0): 2, ("test", 1): 2, ("val", 0): 2, ("val", 1): 2}
    assert trials.groupby(["split", "same"]).size().to_dict() == expected
    split_of = dict(zip(table.utterance, table["split"], strict=True))
    assert all(split_of[a] == split_of[b] == split for split, a, b in trials[["split", "a", "b"]].to_numpy())
    assert warnings == []


def test_trials_by_hand_and_by_their_seed(tmp_path):
    """Three test speakers of two sessions: one pair each, and three of the twelve of two speakers."""
    root = speakers(tmp_path, "ttvveee")
    _, _, trials, _ = run(root)
    test = trials[trials["split"] == "test"]
    same, different = (test[test.same == kind][["a", "b"]] for kind in (1, 0))
    assert same.to_numpy().tolist() == [[f"s{i}/0.wav", f"s{i}/1.wav"] for i in (4, 5, 6)]
    assert len(different.drop_duplicates()) == 3
    assert (different.a.str[:2] < different.b.str[:2]).all()
    pd.testing.assert_frame_equal(trials, run(root)[2])
    assert not trials.equals(run(root, seed=2)[2])
    fewer = run(root, trials=2)[2]
    assert fewer.groupby(["split", "same"]).size().tolist() == [2, 2, 2, 2]


def test_recordings_are_joined_in_the_manifest(tmp_path):
    """Of four recordings of 0.2 s in one session two make an utterance of 0.4 s, named by the first."""
    root = speakers(tmp_path, "ttvvee", utterances=4)
    text = (root / "manifest.csv").read_text()
    for n in range(4):
        text = text.replace(f"-{n},", ",")  # of s0-0: the speaker has one session
    (root / "manifest.csv").write_text(text)
    table, _, trials, warnings = run(root, utterance_s=0.4)
    joined = {f"s{s}/{n}.wav": f"s{s}/{n // 2 * 2}.wav" for s in range(6) for n in range(4)}
    assert dict(zip(table.path, table.utterance, strict=True)) == joined
    assert trials[trials.same == 1].to_numpy().tolist() == [
        [split, f"s{s}/0.wav", f"s{s}/2.wav", 1] for split, s in (("val", 2), ("val", 3), ("test", 4), ("test", 5))
    ]
    assert [sentence.partition(":")[0] for sentence in warnings] == [
        f"No speaker of {split} has recordings of several groups" for split in ("val", "test")
    ]
    assert "lower tasks.speaker.data.utterance_s" in refused(root, utterance_s=0.8)


def test_given_trials_keep_recordings_apart(tmp_path):
    root = speakers(tmp_path, "ttvvee")
    (root / "trials.csv").write_text("a,b,same\ns4/0.wav,s4/1.wav,1\ns4/0.wav,s5/1.wav,0\n")
    table, _, trials, _ = run(root, utterance_s=0.4)
    assert list(table.utterance) == list(table.path)
    assert trials[trials["split"] == "test"].b.tolist() == ["s4/1.wav", "s5/1.wav"]


def test_speakers_are_dealt_whole(tmp_path):
    table, *_ = run(speakers(tmp_path, "?" * 20), test_share=0.2, val_share=0.25)
    assert splits_of(table) == {"train": 12, "val": 4, "test": 4}
    again, *_ = run(tmp_path, test_share=0.2, val_share=0.25)
    other, *_ = run(tmp_path, test_share=0.2, val_share=0.25, seed=2)
    assert table["split"].equals(again["split"])
    assert not table["split"].equals(other["split"])


def test_folds_and_a_validation_share_of_speakers(tmp_path):
    root = speakers(tmp_path, "t" * 10 + "ee")
    (root / "manifest.csv").write_text((root / "manifest.csv").read_text().replace("train", "x").replace("test", "y"))
    table, *_ = run(root, test_fold="y", val_share=0.2)
    assert splits_of(table) == {"train": 8, "val": 2, "test": 2}
    assert set(table.label[table["split"] == "test"]) == {"s10", "s11"}
    assert "set tasks.*.data.test_fold to one of x, y" in refused(root)


def test_sub_folders(tmp_path):
    root = speakers(tmp_path, "?" * 6)
    (root / "manifest.csv").unlink()
    tone(root / "s0/monday/a.wav", 1300, 0.2, 8000)
    tone(root / "s0/monday/b.wav", 1310, 0.2, 8000)
    tone(root / "loose.wav", 310, 0.2, 8000)
    table, _, _, warnings = run(root, test_share=0.4, val_share=0.0)
    assert set(table.label) == {f"s{i}" for i in range(6)}
    groups = dict(zip(table.path, table.group, strict=True))
    assert groups["s0/monday/a.wav"] == groups["s0/monday/b.wav"] == "s0/monday"
    assert groups["s0/0.wav"] == "s0/0.wav"
    assert warnings[0] == (
        f"1 recording lies in {root} itself and has no speaker (loose.wav): left out; move each into the folder of its "
        "speaker."
    )
    assert "SPEAKERS ARE THE NAMES OF ITS SUB-FOLDERS" in warnings[1]
    assert "each file outside of one as a session of its own" in warnings[1]
    assert len(warnings) == 2


def with_lists(root: Path) -> Path:
    """Test speakers s4 and s5: s4-all of three recordings, s4-one and s5-one of one; three trials."""
    speakers(root, "ttvvee")
    for i, name in enumerate(("s4/2.wav", "s4/3.wav")):
        tone(root / name, 900 + 10 * i, 0.2, 8000)
    with (root / "manifest.csv").open("a") as file:
        file.write("s4/2.wav,s4,s4-0,test\ns4/3.wav,s4,s4-1,test\n")
    (root / "utterances.csv").write_text(
        "utterance,label,paths\ns4-all,s4,s4/0.wav;s4/1.wav;s4/2.wav\ns4-one,s4,s4/3.wav\ns5-one,s5,s5/0.wav\n"
    )
    (root / "trials.csv").write_text(
        "split,a,b,same\ntest,s4-all,s4-one,1\ntest,s4-all,s5-one,0\ntest,s4-one,s5-one,0\n"
    )
    return root


def test_lists_are_written(tmp_path):
    table, quarantined, trials, warnings = run(with_lists(tmp_path / "audio"))
    assert warnings == []
    out = tmp_path / "out"
    prepare.write(CORPORA, out, reading.PreparedRecordings(table, quarantined, {"trials": trials}))
    written = (out / "trials.csv").read_text()
    # The list stands as it is; val, which it does not name, is drawn: two speakers of two recordings.
    listed = "split,a,b,same\nval,s2/0.wav,s2/1.wav,1\nval,s3/0.wav,s3/1.wav,1\n"
    assert written.startswith(listed)
    assert written.endswith("test,s4-all,s4-one,1\ntest,s4-all,s5-one,0\ntest,s4-one,s5-one,0\n")
    assert written.count("\n") == 8
    loaded = manifest.load(out / "manifest.csv")
    assert list(loaded.path[loaded.utterance == "s4-all"]) == ["s4/0.wav", "s4/1.wav", "s4/2.wav"]
    assert list(loaded.utterance[loaded.path == "s0/1.wav"]) == ["s0/1.wav"]
    facts = json.loads((out / "data.json").read_text())
    assert facts == {
        "n_recordings": 14,
        "n_quarantined": 0,
        "data_sha256": manifest.digest(table),
        "n_trials": 7,
        "trials_sha256": hashlib.sha256(written.encode()).hexdigest(),
    }
    assert manifest.digest(table.assign(utterance=table.path)) != facts["data_sha256"]


def test_quarantine_takes_a_part_or_the_whole_of_an_utterance(tmp_path):
    root = with_lists(tmp_path)
    (root / "s4/1.wav").unlink()
    table, quarantined, trials, warnings = run(root)
    assert list(quarantined.itertuples(index=False, name=None)) == [("s4/1.wav", "the file does not exist", "s4-all")]
    assert list(table.path[table.utterance == "s4-all"]) == ["s4/0.wav", "s4/2.wav"]
    assert len(trials[trials["split"] == "test"]) == 3
    assert warnings == [
        "The utterance 's4-all' lacks 1 of its 3 recordings, which cannot be used ('s4/1.wav'): it is made of the "
        "others."
    ]
    for n in (0, 2):
        sf.write(root / f"s4/{n}.wav", np.zeros(8000), 8000)  # silence only
    (root / "s4/1.wav").write_bytes(b"")
    edit(root, "s5/0.wav\n", "s5/0.wav\ns4-more,s4,s4/4.wav\n", "utterances.csv")
    tone(root / "s4/4.wav", 777, 0.2, 8000)
    with (root / "manifest.csv").open("a") as file:
        file.write("s4/4.wav,s4,s4-1,test\n")
    with (root / "trials.csv").open("a") as file:
        file.write("test,s4-one,s4-more,1\n")
    table, quarantined, trials, warnings = run(root)
    assert set(quarantined.utterance) == {"s4-all"}
    left = trials[trials["split"] == "test"]
    assert left[["a", "b", "same"]].values.tolist() == [["s4-one", "s5-one", 0], ["s4-one", "s4-more", 1]]
    assert warnings == ["left out 2 of 4 trials, for lack of a usable recording."]
    edit(root, "test,s4-one,s4-more,1\n", "", "trials.csv")
    assert refused(root) == "The list of trials has no same-speaker trials (same is 1) for test; add some."


def test_without_a_trial_left_they_are_drawn(tmp_path):
    root = with_lists(tmp_path)
    (root / "s5/0.wav").unlink()
    edit(root, "test,s4-all,s4-one,1\n", "", "trials.csv")
    _, _, trials, warnings = run(root)
    assert trials[trials["split"] == "test"].same.value_counts().to_dict() == {0: 1, 1: 1}
    assert warnings[-1] == "None of the given trials is left, so trials are drawn."


def test_the_same_bytes_under_two_speakers(tmp_path):
    root = speakers(tmp_path, "ttvvee")
    (root / "s1/0.wav").write_bytes((root / "s0/1.wav").read_bytes())
    assert refused(root) == (
        "'s0/1.wav' and 's1/0.wav' hold the same bytes, but are labelled as the speakers 's0' and 's1'; remove one, "
        "or correct its label."
    )


def test_the_same_bytes_under_one_speaker_are_warned_of(tmp_path):
    root = speakers(tmp_path, "ttvvee")
    (root / "s0/0.wav").write_bytes((root / "s0/1.wav").read_bytes())
    warnings = run(root)[3]
    assert len(warnings) == 1
    assert warnings[0].startswith(
        "'s0/0.wav' and 's0/1.wav' of speaker 's0' hold the same bytes: a trial between them says"
    )
    (root / "s1/0.wav").write_bytes((root / "s1/1.wav").read_bytes())
    (sentence,) = run(root)[3]
    assert sentence == (
        "'s0/0.wav' and 's0/1.wav' of speaker 's0' hold the same bytes (and 1 more such pair): a trial between them "
        "says nothing; remove one."
    )


def test_sessions_shorter_than_a_segment_are_said(tmp_path):
    """A session's recordings are heard one after the other, so that it is what counts."""
    table = run(speakers(tmp_path, "ttvvee"))[0]  # sessions of a recording of .2 s each
    settings = SimpleNamespace(train=SimpleNamespace(segments_s=(0.1, 0.3)))
    assert CORPORA.notes(table, settings) == [
        "The longest segment of tasks.speaker.train.segments_s is 0.3 s, longer than all 4 training sessions (0.20 to "
        "0.20 s): they are repeated from the start. At 0.2 s half of the training sessions would be long enough."
    ]
    assert CORPORA.notes(table.assign(group="one"), settings) == []


def test_a_speaker_in_two_splits(tmp_path):
    root = speakers(tmp_path, "ttvvee")
    edit(root, "s0/1.wav,s0,s0-1,train", "s0/1.wav,s0,s0-1,test")
    assert refused(root).startswith("Speaker 's0' is in the splits test and train; move all its recordings into one")


def test_an_utterance_of_two_speakers(tmp_path):
    root = speakers(tmp_path, "ttvvee")
    text = (root / "manifest.csv").read_text().splitlines()
    rows = [f"{line},{'u' if line.startswith(('s0/0', 's1/1')) else ''}" for line in text[1:]]
    (root / "manifest.csv").write_text("\n".join([f"{text[0]},utterance", *rows]))
    assert refused(root) == (
        "The utterance 'u' is of two speakers: 's0/0.wav' of 's0', 's1/1.wav' of 's1'; correct the manifest's "
        "utterance or label."
    )


def test_a_manifest_may_name_some_utterances(tmp_path):
    root = speakers(tmp_path, "ttvvee", utterances=3)
    text = (root / "manifest.csv").read_text().splitlines()
    rows = [f"{line},{' u ' if line.startswith(('s0/0', 's0/2')) else ''}" for line in text[1:]]
    (root / "manifest.csv").write_text("\n".join([f"{text[0]},utterance", *rows]))
    table, *_ = run(root)
    assert list(table.utterance[:4]) == ["u", "s0/1.wav", "u", "s1/0.wav"]


@pytest.mark.parametrize(
    ("splits", "sentence"),
    [
        ("tvvee", "only one speaker ('s0') in the split 'train', but telling speakers apart takes two: add recordings"),
        (
            "ttvee",
            "only one speaker ('s2') in the split 'val', but telling speakers apart takes two: raise tasks.*.data.val",
        ),
        (
            "ttvve",
            "only one speaker ('s4') in the split 'test', but telling speakers apart takes two: raise tasks.*.data.te",
        ),
        ("tttt", "No recording is in the split 'test'; assign some to it."),
        ("?", "There is only one speaker ('s0'), but telling speakers apart takes two: add recordings of others."),
        ("???", "There are recordings of only 3 speaker(s); train and test need two each: add others."),
        ("????", "only one speaker ('s"),
    ],
)
def test_too_few_speakers(tmp_path, splits, sentence):
    assert sentence in refused(speakers(tmp_path, splits), val_share=0.0)


def test_one_utterance_a_speaker(tmp_path):
    root = speakers(tmp_path, "ttvvee", utterances=1)
    val, test = (
        "No speaker of the split 'val' has two utterances",
        "No speaker of the split 'test' has two utterances",
    )
    assert refused(root).startswith(val)
    assert refused(root).endswith("or set tasks.*.data.val_share to 0.")
    for n, speaker, split in ((2, "s2", "val"), (4, "s5", "test")):
        text = refused(root)
        assert text.startswith(val if n == 2 else test)
        tone(root / f"{speaker}/x.wav", 1000 + n, 0.2, 8000)
        with (root / "manifest.csv").open("a") as file:
            file.write(f"{speaker}/x.wav,{speaker},x,{split}\n")
    table, *_ = run(root)  # one speaker with two utterances is enough, and training needs none
    assert len(table) == 8


@real("spk_arabic30")
def test_arabic_words_with_their_utterances_and_trials():
    table, quarantined, trials, warnings = run(DATA / "spk_arabic30")
    assert (len(table), len(quarantined), warnings) == (2400, 0, [])
    assert splits_of(table) == {"train": 18, "val": 6, "test": 6}
    assert table.groupby("utterance").size().value_counts().to_dict() == {4: 600}
    assert list(table.path[table.utterance == "01-r01-0"]) == [
        f"audio/01/{word}_01.flac" for word in ("two", "direction", "receive", "zero")
    ]
    pd.testing.assert_frame_equal(trials, pd.read_csv(DATA / "spk_arabic30/trials.csv"), check_dtype=False)


@real("spk_librispeech261")
def test_librispeech_pieces_with_folds():
    table, _, trials, warnings = run(DATA / "spk_librispeech261", test_fold="crossutt", val_share=0.0)
    assert splits_of(table) == {"train": 248, "test": 10}
    assert table.utterance.nunique() == 348
    assert trials.groupby(["split", "same"]).size().to_dict() == {("test", 0): 450, ("test", 1): 450}
    split_of = dict(zip(table.utterance, table["split"], strict=True))
    assert all(split_of[a] == split_of[b] == split for split, a, b in trials[["split", "a", "b"]].to_numpy())
    assert warnings == []
    text = refused(DATA / "spk_librispeech261", test_fold="crossutt")
    assert text.startswith("No speaker of the split 'val' has two utterances")
