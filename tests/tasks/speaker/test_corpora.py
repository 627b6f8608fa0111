"""Readers of corpora of speakers, on small trees laid out as the corpora's documentation says."""

from pathlib import Path

import pandas as pd
import pytest
import soundfile as sf

from builders import data_settings, plain_progress, sines, tone
from earmark import audio
from earmark.data import reading
from earmark.errors import EarmarkError
from earmark.tasks.speaker import corpora
from earmark.tasks.speaker.settings import SpeakerDataSettings


def sound(root: Path, *names: str) -> Path:
    """A short tone of its own frequency in every file."""
    for i, name in enumerate(names):
        tone(root / name, 200.0 + 10 * i, 0.1, 16000)
    return root


def read(source: str, root: Path) -> tuple[list[tuple], list[str]]:
    """(rows, warnings); a row holds path, label, group and, where there is one, split; every index names the path."""
    warnings: list[str] = []
    table = corpora.READERS[source](root, warnings.append)
    assert list(table.index) == list(table.path)
    return list(table.itertuples(index=False, name=None)), warnings


def run(source: str, root: Path, **changes) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """The whole prepare stage: (table, trials, warnings)."""
    warnings: list[str] = []
    data = SpeakerDataSettings(**vars(data_settings(source=source, **changes)))
    found = reading.prepare(corpora.CORPORA, data, root, warnings.append, plain_progress)
    table, quarantined = found.table, found.quarantined
    assert quarantined.empty
    return table, found.beside["trials"], warnings


def error(source: str, root: Path) -> str:
    with pytest.raises(EarmarkError) as caught:
        corpora.READERS[source](root, lambda text: None)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# https://www.openslr.org/12, README.TXT: <subset>/<reader>/<chapter>/<reader>-<chapter>-<utterance>.flac
LIBRI = (
    "train-clean-100/103/1240/103-1240-0000.flac",
    "train-clean-100/103/1241/103-1241-0000.flac",
    "dev-clean/84/121123/84-121123-0000.flac",
    "test-other/367/130732/367-130732-0000.flac",
)


@pytest.mark.parametrize("base", ["", "LibriSpeech/"])
def test_librispeech(tmp_path, base):
    sound(tmp_path, *(base + name for name in LIBRI))
    (tmp_path / base / "train-clean-100/103/1240/103-1240.trans.txt").write_text("103-1240-0000 CHAPTER ONE")
    assert read("librispeech", tmp_path) == (
        [
            (base + LIBRI[0], "103", "103-1240", "train"),
            (base + LIBRI[1], "103", "103-1241", "train"),
            (base + LIBRI[2], "84", "84-121123", "val"),
            (base + LIBRI[3], "367", "367-130732", "test"),
        ],
        [],
    )


def test_librispeech_in_parts(tmp_path):
    assert "holds no subset of LibriSpeech, such as train-clean-100" in error("librispeech", tmp_path)
    rows, warnings = read("librispeech", sound(tmp_path, *LIBRI[:3]))
    assert rows[2] == (LIBRI[2], "84", "84-121123")  # no split
    assert warnings == [
        (
            "LibriSpeech has only train-clean-100, dev-clean here, not both train-* and test-*: speakers are split at "
            "random into train, val and test."
        )
    ]


# https://mm.kaist.ac.kr/datasets/voxceleb: wav/<speaker>/<video>/<segment>.wav; lists: "1 id10270/.../00001.wav id..."
VOX = tuple(
    f"wav/{speaker}/{video}/{n:05d}.wav"
    for speaker in ("id10001", "id10269", "id10270", "id10309", "id10310", "id11251")
    for video in ("1zcIwhmdeo4", "7gWzIy6yIIk")
    for n in (1, 2)
)
TRIAL = "{} id10270/1zcIwhmdeo4/00001.wav {}\n"


def test_voxceleb1(tmp_path):
    rows, warnings = read("voxceleb1", sound(tmp_path, *VOX))
    assert rows[:2] == [(VOX[i], "id10001", "id10001/1zcIwhmdeo4", "train") for i in (0, 1)]
    assert {label for _, label, _, split in rows if split == "test"} == {"id10270", "id10309"}
    assert {label for _, label, _, split in rows if split == "train"} == {"id10001", "id10269", "id10310", "id11251"}
    assert warnings == []


def test_voxceleb1_without_its_test_speakers(tmp_path):
    rows, warnings = read("voxceleb1", sound(tmp_path, *VOX[:4]))
    assert rows[0] == (VOX[0], "id10001", "id10001/1zcIwhmdeo4")
    assert len(warnings) == 1
    assert "lacks VoxCeleb1's training or its test speakers" in warnings[0]


def test_voxceleb1_trials(tmp_path):
    sound(tmp_path, *VOX)
    same, other, trained = (VOX[i].removeprefix("wav/") for i in (10, 12, 0))
    (tmp_path / "veri_test.txt").write_text(TRIAL.format(1, same) + TRIAL.format(0, other) + "\n")
    (tmp_path / "list_test_all.txt").write_text(TRIAL.format(0, trained))
    table, trials, warnings = run("voxceleb1", tmp_path, val_share=0.0)
    first = "wav/id10270/1zcIwhmdeo4/00001.wav"
    assert trials.to_dict("list") == {
        "split": ["test"] * 2,
        "a": [first] * 2,
        "b": [VOX[10], VOX[12]],
        "same": [1, 0],
    }
    assert set(trials.a) | set(trials.b) <= set(table.utterance)
    assert warnings == [f"{tmp_path} holds veri_test.txt and list_test_all.txt: the trials of veri_test.txt are used."]


def test_voxceleb1_trials_between_splits_are_left_out(tmp_path):
    sound(tmp_path, *VOX)
    same, other, trained = (VOX[i].removeprefix("wav/") for i in (10, 12, 0))
    (tmp_path / "list_test_all.txt").write_text(
        "".join(TRIAL.format(*t) for t in ((1, same), (0, other), (0, trained)))
    )
    _, trials, warnings = run("voxceleb1", tmp_path, val_share=0.0)
    assert list(trials.b) == [VOX[10], VOX[12]]
    assert warnings == ["left out 1 of 3 trials, between speakers of two splits."]


def test_voxceleb1_wrong_lists(tmp_path):
    sound(tmp_path, *VOX)
    (tmp_path / "veri_test2.txt").write_text(TRIAL.format(1, "id10270/7gWzIy6yIIk/00009.wav"))
    with pytest.raises(EarmarkError) as caught:
        run("voxceleb1", tmp_path, val_share=0.0)
    assert f"{tmp_path / 'veri_test2.txt'}, line 1: no recording belongs to the utterance " in str(caught.value)
    assert "'wav/id10270/7gWzIy6yIIk/00009.wav' (did you mean" in str(caught.value)
    (tmp_path / "veri_test2.txt").write_text("\n1 id10270/7gWzIy6yIIk/00001.wav\n")
    with pytest.raises(EarmarkError, match=r"line 2: '1 id10270/7gWzIy6yIIk/00001\.wav' is not a trial such as"):
        run("voxceleb1", tmp_path, val_share=0.0)


def test_speakers_may_be_links(tmp_path):
    sound(tmp_path / "vox", *VOX[4:])
    sound(tmp_path / "far", "1zcIwhmdeo4/00001.wav")
    (tmp_path / "vox/wav/id10001").symlink_to(tmp_path / "far")
    (tmp_path / "vox/wav/id10269/again").symlink_to(tmp_path / "vox/wav/id10269/1zcIwhmdeo4")
    rows, warnings = read("voxceleb1", tmp_path / "vox")
    assert rows[0] == (VOX[0], "id10001", "id10001/1zcIwhmdeo4", "train")
    assert [row[0] for row in rows[1:]] == list(VOX[4:])
    assert len(warnings) == 1
    assert (
        ", reached a second time through links (wav/id10269/again/00001.wav, wav/id10269/again/00002.wav)"
    ) in warnings[0]


# VCTK 0.92, README.txt: wav48_silence_trimmed/p225/p225_001_mic1.flac and _mic2; version 0.80: wav48/p225/p225_001.wav
def test_vctk(tmp_path):
    new = "wav48_silence_trimmed"
    sound(tmp_path, f"{new}/p225/p225_001_mic1.flac", f"{new}/p225/p225_001_mic2.flac", f"{new}/s5/s5_002_mic1.flac")
    sound(tmp_path, "wav48/p225/p225_001.wav")
    rows, warnings = read("vctk", tmp_path)
    assert rows == [
        (f"{new}/p225/p225_001_mic1.flac", "p225", "p225"),
        (f"{new}/s5/s5_002_mic1.flac", "s5", "s5"),
    ]
    assert len(warnings) == 1
    assert "one session" in warnings[0]


def test_vctk_before_its_trimming(tmp_path):
    assert "holds neither wav48_silence_trimmed nor wav48" in error("vctk", tmp_path)
    assert read("vctk", sound(tmp_path, "wav48/p225/p225_001.wav"))[0] == [("wav48/p225/p225_001.wav", "p225", "p225")]


# https://catalog.ldc.upenn.edu/docs/LDC93S1/TIMIT.html: /timit/train/dr1/fcjf0/sa1.wav, SPHERE; copies differ in case
@pytest.mark.parametrize("upper", [False, True])
def test_timit(tmp_path, upper):
    names = ["train/dr1/fcjf0/sa1.wav", "train/dr1/fcjf0/sx37.wav", "test/dr8/mjln0/si1449.wav"]
    names = [name.upper() for name in names] if upper else names
    for i, name in enumerate(names):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        sf.write(tmp_path / name, sines(200 + 10 * i, 0.1, 16000), 16000, format="NIST")
    (tmp_path / names[0]).with_suffix(".TXT").write_text("0 46797 She had your dark suit in greasy wash water")
    rows, warnings = read("timit", tmp_path)
    assert rows == [
        (names[0], "FCJF0", "FCJF0", "train"),
        (names[1], "FCJF0", "FCJF0", "train"),
        (names[2], "MJLN0", "MJLN0", "test"),
    ]
    assert warnings == []
    assert audio.check(tmp_path / names[0]).sample_rate == 16000  # SPHERE is decoded


def test_timit_sentences_that_lie_there_twice_and_missing_parts(tmp_path):
    sound(tmp_path, "TRAIN/DR1/FCJF0/SA1.WAV", "TRAIN/DR1/FCJF0/SA1.WAV.wav", "TRAIN/DR1/FDAW0/SA1.WAV")
    assert "holds no folder TEST; set tasks.*.data.root to TIMIT's" in error("timit", tmp_path)
    (tmp_path / "TEST").mkdir()
    assert [row[0] for row in read("timit", tmp_path)[0]] == ["TRAIN/DR1/FCJF0/SA1.WAV", "TRAIN/DR1/FDAW0/SA1.WAV"]


# Speech Commands 0.02, README.md: bed/0a7c2a8d_nohash_0.wav; the lists name paths, one a line
COMMANDS = (
    "bed/0a7c2a8d_nohash_0.wav",
    "cat/0a7c2a8d_nohash_0.wav",
    "cat/0a7c2a8d_nohash_1.wav",
    "bed/3e7124ba_nohash_0.wav",
    "bed/bdee441c_nohash_0.wav",
)


def test_speech_commands(tmp_path):
    sound(tmp_path, *COMMANDS, "_background_noise_/pink_noise.wav", "bed/notes_of_mine.wav")
    rows, warnings = read("speech_commands", tmp_path)
    plain = {
        (COMMANDS[0], "0a7c2a8d", "0a7c2a8d-0"),
        (COMMANDS[1], "0a7c2a8d", "0a7c2a8d-0"),
        (COMMANDS[2], "0a7c2a8d", "0a7c2a8d-1"),
        (COMMANDS[3], "3e7124ba", "3e7124ba-0"),
        (COMMANDS[4], "bdee441c", "bdee441c-0"),
    }
    assert set(rows) == plain
    assert len(rows) == 5
    assert len(warnings) == 1
    assert warnings[0].startswith(
        "left out 1 file not named like bed/0a7c2a8d_nohash_0.wav, for example bed/notes_of_mine.wav"
    )
    (tmp_path / "validation_list.txt").write_text(f"{COMMANDS[3]}\n")
    assert "holds validation_list.txt, but no testing_list.txt; put both there" in error("speech_commands", tmp_path)
    (tmp_path / "testing_list.txt").write_text(f"{COMMANDS[4]}\n\n")
    splits = {"0a7c2a8d": "train", "3e7124ba": "val", "bdee441c": "test"}
    assert set(read("speech_commands", tmp_path)[0]) == {(*row, splits[row[1]]) for row in plain}


@pytest.mark.parametrize("source", ["voxceleb1", "speech_commands"])
def test_wrong_folder(tmp_path, source):
    assert str(tmp_path) in error(source, tmp_path)


def test_speakers_of_an_audiofolder(tmp_path):
    """`speaker_id` before `label`, which may be what is said; sessions as in folders of speakers."""
    names = ["clips/0.wav", "clips/1.wav", "anna/monday/2.wav", "anna/monday/3.wav", "anna/4.wav"]
    sound(tmp_path, *names)
    rows = [f"{name},yes,{'anna' if 'anna' in name else 'ben'}" for name in names]
    (tmp_path / "metadata.csv").write_text("\n".join(["file_name,label,speaker_id", *rows]))
    said: list[str] = []
    table = corpora.folder(tmp_path, said.append)
    assert list(table.itertuples(index=False, name=None)) == [
        ("clips/0.wav", "ben", "clips/0.wav"),
        ("clips/1.wav", "ben", "clips/1.wav"),
        ("anna/monday/2.wav", "anna", "anna/monday"),
        ("anna/monday/3.wav", "anna", "anna/monday"),
        ("anna/4.wav", "anna", "anna/4.wav"),
    ]
    assert said[0] == f"{tmp_path}/metadata.csv has the columns speaker_id and label: speaker_id is read."
    assert (
        "each folder below a speaker's counts as a session, and each file outside of one as a session of its own"
        in said[1]
    )
    assert said[1].endswith("the score will be too good; add a column 'group'.")
    (tmp_path / "metadata.csv").write_text("file_name,text\nclips/0.wav,yes\n")
    assert "metadata.csv has no column 'label'; add it" in error("folder", tmp_path)


def test_an_audiofolder_of_speakers_end_to_end(tmp_path):
    rows = []
    for i in range(6):
        names = [f"clips/s{i}_{j}.wav" for j in range(2)]
        for j, name in enumerate(names):
            tone(tmp_path / name, 200.0 + 20 * i + 7 * j, 0.2, 16000)
        rows += [f"{name},s{i},{i}-{j}" for j, name in enumerate(names)]
    (tmp_path / "metadata.csv").write_text("\n".join(["file_name,speaker,group", *rows]))
    table, trials, warnings = run("folder", tmp_path, test_share=0.34, val_share=0.5)
    assert (set(table.label), set(table["split"])) == ({f"s{i}" for i in range(6)}, {"train", "val", "test"})
    assert len(trials) > 0
    assert not [text for text in warnings if "metadata" in text]
