"""Readers of public corpora, on small trees laid out as the corpora's documentation says."""

import csv
import io
from pathlib import Path

import pandas as pd
import pytest

from builders import data_settings, plain_progress, prepared, tone
from earmark.data import splits
from earmark.errors import EarmarkError
from earmark.experiments import crossval
from earmark.tasks import catalog
from earmark.tasks.genre import corpora
from project import REPOSITORY

GTZAN = REPOSITORY.parent / "shared/fixtures/gtzan_genre/gtzan_genre"


def put(root: Path, name: str, text: str) -> Path:
    """Write a text file below the root."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return root


def read(source: str, root: Path) -> tuple[list[tuple], list[str]]:
    """(rows, warnings); a row is the index and the values of path, label, group and split, where there is one."""
    warnings: list[str] = []
    table = corpora.READERS[source](root, warnings.append)
    assert list(table.columns) in (["path", "label", "group"], ["path", "label", "group", "split"])
    assert table.index.is_unique
    return list(table.itertuples(name=None)), warnings


def error(source: str, root: Path) -> str:
    """The one sentence with which a corpus is refused."""
    with pytest.raises(EarmarkError) as caught:
        corpora.READERS[source](root, lambda text: None)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def run(source: str, root: Path, **changes) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """The whole prepare stage: (table, quarantined, warnings)."""
    warnings: list[str] = []
    table, quarantined = prepared("genre", data_settings(source=source, **changes), root, warnings.append)
    splits.check_splits(table)
    return table, quarantined, warnings


def sound(root: Path, *names: str) -> None:
    """A short tone of its own frequency in every file."""
    for i, name in enumerate(names):
        tone(root / name, 200.0 + 10 * i, 0.1, 8000)


@pytest.mark.parametrize(
    ("task", "annotation", "own"),
    [
        ("genre", "label", ["gtzan", "esc10", "esc50", "urbansound8k", "fsdkaggle2018", "fma", "ballroom"]),
        ("chord", "lab", ["isophonics", "billboard", "guitarset", "rwc"]),
        ("speaker", "speaker", ["librispeech", "voxceleb1", "vctk", "timit", "speech_commands"]),
    ],
)
def test_a_task_reads_the_demo_folders_and_its_own_corpora(task, annotation, own, tmp_path):
    """Another task's corpus is refused with those that there are, before anything is read."""
    readers = catalog.task(task).room("corpora").CORPORA.readers
    assert list(readers) == ["demo", "folder", *own]
    with pytest.raises(EarmarkError) as caught:
        prepared(task, data_settings(source="esc11"), tmp_path, pytest.fail)
    assert str(caught.value) == (
        f"The source 'esc11' does not have a {annotation} for each of its recordings, which this task needs; set "
        f"tasks.*.data.source to one of {', '.join(readers)}."
    )


# Columns and names as in https://github.com/karolpiczak/ESC-50 (README, "Repository content"):
# {FOLD}-{CLIP_ID}-{TAKE}-{TARGET}.wav, CLIP_ID is the Freesound clip, that is src_file.
ESC = """filename,fold,target,category,esc10,src_file,take
1-100032-A-0.wav,1,0,dog,True,100032,A
1-100038-A-14.wav,1,14,chirping_birds,False,100038,A
2-114280-A-0.wav,2,0,dog,True,114280,A
2-114280-B-0.wav,2,0,dog,True,114280,B
5-9032-A-0.wav,5,0,dog,True,9032,A
"""


def test_esc50(tmp_path):
    assert read("esc50", put(tmp_path, "meta/esc50.csv", ESC)) == (
        [
            ("meta/esc50.csv, line 2", "audio/1-100032-A-0.wav", "dog", "100032", "fold1"),
            ("meta/esc50.csv, line 3", "audio/1-100038-A-14.wav", "chirping_birds", "100038", "fold1"),
            ("meta/esc50.csv, line 4", "audio/2-114280-A-0.wav", "dog", "114280", "fold2"),
            ("meta/esc50.csv, line 5", "audio/2-114280-B-0.wav", "dog", "114280", "fold2"),
            ("meta/esc50.csv, line 6", "audio/5-9032-A-0.wav", "dog", "9032", "fold5"),
        ],
        [],
    )


def test_esc10_is_a_part_of_esc50(tmp_path):
    rows, _ = read("esc10", put(tmp_path, "meta/esc50.csv", ESC))
    whole, _ = read("esc50", tmp_path)
    assert rows == [row for row in whole if row[2] == "dog"]
    assert "lists no recordings" in error("esc10", put(tmp_path, "meta/esc50.csv", ESC.replace("True", "False")))


def esc10_tree(root: Path, sources: int = 3) -> Path:
    """Two classes in five folds, `sources` sources each, with audio."""
    rows = [
        (f"{fold}-{fold}{target}{i}-A-{target}.wav", fold, target, label, "True", f"{fold}{target}{i}", "A")
        for fold in range(1, 6)
        for target, label in ((0, "dog"), (1, "rooster"))
        for i in range(sources)
    ]
    text = "\n".join(",".join(map(str, row)) for row in rows)
    put(root, "meta/esc50.csv", ESC.splitlines()[0] + "\n" + text + "\n")
    sound(root, *(f"audio/{row[0]}" for row in rows))
    return root


def test_esc10_end_to_end(tmp_path):
    root = esc10_tree(tmp_path)
    (root / "audio/1-100-A-0.wav").unlink()
    table, quarantined, warnings = run("esc10", root, test_fold="fold4")
    assert list(quarantined.itertuples(index=False, name=None)) == [
        ("audio/1-100-A-0.wav", "the file does not exist"),
    ]
    assert len(table) == 29
    assert set(table.path[table["split"] == "test"]) == {f"audio/4-4{y}{i}-A-{y}.wav" for y in (0, 1) for i in range(3)}
    assert set(table.fold[table["split"] != "test"]) == {"fold1", "fold2", "fold3", "fold5"}
    assert warnings == []


def test_a_path_that_leaves_the_corpus_is_named_by_its_file_and_line(tmp_path):
    put(tmp_path / "esc", "meta/esc50.csv", ESC.replace("2-114280-A-0.wav", "../../other.wav"))
    with pytest.raises(EarmarkError, match=r"meta/esc50\.csv, line 4: 'audio/\.\./\.\./other\.wav' lies outside"):
        run("esc50", tmp_path / "esc", test_fold="fold1")


# https://urbansounddataset.weebly.com/urbansound8k.html: [fsID]-[classID]-[occurrenceID]-[sliceID].wav in audio/fold1
# to audio/fold10, and metadata/UrbanSound8K.csv.
URBAN = "slice_file_name,fsID,start,end,salience,fold,classID,class\n"


def test_urbansound8k(tmp_path):
    text = URBAN + "100032-3-0-0.wav,100032,0.0,0.317551,1,5,3,dog_bark\n102853-8-0-0.wav,102853,0,4,1,10,8,siren\n"
    where = "metadata/UrbanSound8K.csv, line"
    assert read("urbansound8k", put(tmp_path, "metadata/UrbanSound8K.csv", text)) == (
        [
            (f"{where} 2", "audio/fold5/100032-3-0-0.wav", "dog_bark", "100032", "fold5"),
            (f"{where} 3", "audio/fold10/102853-8-0-0.wav", "siren", "102853", "fold10"),
        ],
        [],
    )


def urban_tree(root: Path, straddling: bool = False, absent: tuple = ()) -> Path:
    """Two classes in ten folds, two recordings of two slices each; `absent` pairs (fold, class) are left out."""
    rows = []
    for fold, y, i, n in ((f, y, i, n) for f in range(1, 11) for y in (3, 8) for i in range(2) for n in range(2)):
        if (fold, y) not in absent:
            source = 999 if straddling and (y, i) == (3, 0) and fold in (2, 7) else 1000 * fold + 10 * y + i
            rows.append((f"{source}-{y}-{n}-{fold}.wav", source, fold, y, {3: "dog_bark", 8: "siren"}[y]))
    lines = [f"{name},{fs},0,0.1,1,{fold},{y},{label}" for name, fs, fold, y, label in rows]
    put(root, "metadata/UrbanSound8K.csv", URBAN + "\n".join(lines) + "\n")
    sound(root, *(f"audio/fold{row[2]}/{row[0]}" for row in rows))
    return root


def test_urbansound8k_end_to_end(tmp_path):
    table, quarantined, warnings = run("urbansound8k", urban_tree(tmp_path), test_fold="fold10")
    assert (len(table), len(quarantined), warnings) == (80, 0, [])
    assert set(table.path[table["split"] == "test"]) == set(table.path[table.path.str.startswith("audio/fold10/")])
    assert table.groupby("group").fold.nunique().max() == 1


def test_a_source_in_two_folds_is_refused(tmp_path):
    with pytest.raises(EarmarkError, match=r"Group '999' is in the splits test and (train|val)"):
        run("urbansound8k", urban_tree(tmp_path, straddling=True), test_fold="fold7")


def test_a_test_fold_without_a_class_is_said(tmp_path):
    root = urban_tree(tmp_path, absent=((10, 8), (4, 3)))
    _, _, warnings = run("urbansound8k", root, test_fold="fold10")
    assert warnings == ["The fold 'fold10' holds no recording of class 'siren': that class is not scored there."]
    assert run("urbansound8k", root, test_fold="fold1")[2] == []


def test_cross_validation_says_of_every_fold_what_it_lacks(tmp_path):
    root, warnings = urban_tree(tmp_path, absent=((10, 8), (4, 3))), []
    data = data_settings(source="urbansound8k", root=str(root))
    table, _ = crossval.recordings(catalog.task("genre"), data, 5, warnings.append, plain_progress)
    assert table.fold.nunique() == 10
    assert warnings == [
        "The fold 'fold10' holds no recording of class 'siren': that class is not scored there.",
        "The fold 'fold4' holds no recording of class 'dog_bark': that class is not scored there.",
    ]


def test_a_class_in_the_test_fold_alone_and_a_single_class_are_refused(tmp_path):
    alone = urban_tree(tmp_path / "a", absent=tuple((f, 8) for f in range(1, 10)))
    with pytest.raises(EarmarkError, match="Label 'siren' occurs in test but not in train"):
        run("urbansound8k", alone, test_fold="fold10")
    single = urban_tree(tmp_path / "b", absent=tuple((f, 8) for f in range(1, 11)))
    with pytest.raises(EarmarkError, match=r"only one class \('dog_bark'\)"):
        run("urbansound8k", single, test_fold="fold10")


def test_one_fold_only_is_refused(tmp_path):
    absent = tuple((f, y) for f in range(2, 11) for y in (3, 8))
    with pytest.raises(EarmarkError, match="No recording is in the split 'train'"):
        run("urbansound8k", urban_tree(tmp_path, absent=absent), test_fold="fold1")


# https://zenodo.org/records/2552860, "FSDKaggle2018 dataset": the three folders and the columns of the two tables.
FSD_TRAIN = """fname,label,manually_verified,freesound_id,license
00044347.wav,Hi-hat,0,28739,Attribution
001ca53d.wav,Saxophone,1,358827,Attribution
"""
FSD_TEST = """fname,label,usage,freesound_id,license
00326aa9.wav,Oboe,Private,355125,Attribution
0038a046.wav,Bass_drum,Public,90621,Creative Commons 0
"""


def test_fsdkaggle2018(tmp_path):
    put(tmp_path, "FSDKaggle2018.meta/train_post_competition.csv", FSD_TRAIN)
    assert "holds no FSDKaggle2018.meta/test_post_competition_scoring_clips.csv" in error("fsdkaggle2018", tmp_path)
    put(tmp_path, "FSDKaggle2018.meta/test_post_competition_scoring_clips.csv", FSD_TEST)
    train, test = (f"FSDKaggle2018.meta/{s}.csv, line" for s in (
        "train_post_competition", "test_post_competition_scoring_clips"
    ))  # fmt: skip
    assert read("fsdkaggle2018", tmp_path) == (
        [
            (f"{train} 2", "FSDKaggle2018.audio_train/00044347.wav", "Hi-hat", "28739", "train"),
            (f"{train} 3", "FSDKaggle2018.audio_train/001ca53d.wav", "Saxophone", "358827", "train"),
            (f"{test} 2", "FSDKaggle2018.audio_test/00326aa9.wav", "Oboe", "355125", "test"),
            (f"{test} 3", "FSDKaggle2018.audio_test/0038a046.wav", "Bass_drum", "90621", "test"),
        ],
        [],
    )


def test_fsdkaggle2018_end_to_end(tmp_path):
    for split, table, n in (("train", "train_post_competition", 5), ("test", "test_post_competition_scoring_clips", 2)):
        rows = [(f"{split}{y}{i}.wav", y, f"{split}{y}{i}") for y in ("Oboe", "Flute") for i in range(n)]
        header = (FSD_TRAIN if split == "train" else FSD_TEST).splitlines()[0]
        lines = [f"{name},{y},1,{source},Attribution" for name, y, source in rows]
        put(tmp_path, f"FSDKaggle2018.meta/{table}.csv", "\n".join([header, *lines]) + "\n")
        sound(tmp_path, *(f"FSDKaggle2018.audio_{split}/{row[0]}" for row in rows))
    table, _, _ = run("fsdkaggle2018", tmp_path)
    assert table.groupby(["label", "split"]).size().to_dict() == {
        (y, s): n for y in ("Oboe", "Flute") for s, n in (("train", 4), ("val", 1), ("test", 2))
    }
    assert table.path[table["split"] == "test"].str.startswith("FSDKaggle2018.audio_test/").all()


# https://github.com/mdeff/fma (README, "Data"; usage.ipynb): fma_metadata/tracks.csv has two rows of column names, a
# third that names the index; audio is fma_small/000/000002.mp3. Columns that do not count hold line breaks, too.
FMA_HEADER = (
    ("", "album", "artist", "set", "set", "track"),
    ("", "information", "id", "split", "subset", "genre_top"),
    ("track_id", "", "", "", "", ""),
)
FMA_ROWS = (
    ("2", "<p>one,\n\ntwo</p>", "1", "training", "small", "Hip-Hop"),
    ("3", "", "1", "training", "medium", "Hip-Hop"),
    ("20", "", "4", "validation", "small", "Old-Time / Historic"),
    ("21", "", "4", "validation", "large", ""),
    ("134", "", "6", "test", "small", ""),
    ("155320", "", "24357", "test", "large", "Rock"),
)


def fma_tree(root: Path, *subsets: str, header=FMA_HEADER, rows=FMA_ROWS) -> Path:
    """tracks.csv, and empty folders of audio."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([*header, *rows])
    for subset in subsets:
        (root / f"fma_{subset}").mkdir(parents=True)
    return put(root, "fma_metadata/tracks.csv", text.getvalue())


def fma_row(subset: str, track: str, label: str, group: str, split: str) -> tuple:
    return f"fma_metadata/tracks.csv, track {track}", f"fma_{subset}/{track[:3]}/{track}.mp3", label, group, split


def test_fma_small(tmp_path):
    rows, warnings = read("fma", fma_tree(tmp_path, "small"))
    assert rows == [
        fma_row("small", "000002", "Hip-Hop", "1", "train"),
        fma_row("small", "000020", "Old-Time / Historic", "4", "val"),
    ]
    assert warnings == ["1 of 3 tracks of fma_small have no genre_top: left out."]
    assert rows[0][1] == "fma_small/000/000002.mp3"


def test_fma_larger_subsets_hold_the_smaller_ones(tmp_path):
    rows, _ = read("fma", fma_tree(tmp_path / "m", "medium"))
    assert [row[1] for row in rows] == [f"fma_medium/000/{n}.mp3" for n in ("000002", "000003", "000020")]
    rows, warnings = read("fma", fma_tree(tmp_path / "l", "large", "small"))
    assert [row[1][-10:-4] for row in rows] == ["000002", "000003", "000020", "155320"]
    assert rows[-1] == fma_row("large", "155320", "Rock", "24357", "test")
    assert "fma_small and fma_large: fma_large is read" in warnings[0]
    assert warnings[1:] == ["2 of 6 tracks of fma_large have no genre_top: left out."]


def test_fma_columns_may_stand_anywhere(tmp_path):
    turned = [(r[0], *reversed(r[1:])) for r in (*FMA_HEADER, *FMA_ROWS)]
    one = read("fma", fma_tree(tmp_path / "a", "small"))
    assert read("fma", fma_tree(tmp_path / "b", "small", header=turned[:3], rows=turned[3:])) == one


def test_fma_mistakes(tmp_path):
    assert "holds no fma_metadata/tracks.csv; set tasks" in error("fma", tmp_path)
    assert "holds no fma_small, fma_medium or fma_large" in error("fma", fma_tree(tmp_path / "a"))
    renamed = [[c.replace("genre_top", "genre_tip") for c in row] for row in FMA_HEADER]
    text = error("fma", fma_tree(tmp_path / "b", "small", header=renamed))
    assert "tracks.csv has no column 'track/genre_top'" in text
    assert "did you mean 'track/genre_tip'?" in text
    text = error("fma", fma_tree(tmp_path / "c", "small", rows=[("7", "", "", "training", "small", "Rock")]))
    assert "tracks.csv, track 7: artist/id is '' and set/split 'training'" in text
    text = error("fma", fma_tree(tmp_path / "d", "small", rows=[("8", "", "1", "dev", "small", "Rock")]))
    assert "track 8: artist/id is '1' and set/split 'dev'" in text
    assert "lists no recordings; unpack the archive again." in error("fma", fma_tree(tmp_path / "e", "small", rows=()))
    assert "no column 'set/split'" in error(
        "fma", put(fma_tree(tmp_path / "f", "small"), "fma_metadata/tracks.csv", "")
    )
    (tmp_path / "e/fma_metadata/tracks.csv").write_bytes(b"\xff\xfe\x00")
    assert "cannot be read as CSV in UTF-8" in error("fma", tmp_path / "e")


# http://mtg.upf.edu/ismir2004/contest/tempoContest/node5.html: BallroomData with a folder a dance and the list of all
# files; replicas by https://github.com/CPJKU/BallroomAnnotations.
def test_ballroom(tmp_path):
    names = (
        "./ChaChaCha/Albums-Cafe_Paradiso-14.wav",
        "./ChaChaCha/Albums-Latin_Jam3-02.wav",
        "./ChaChaCha/Media-103414.wav",  # a replica of the one before
        "",
        "Rumba-American/Media-105402.wav",
        "Quickstep/Albums-Chrisanne2-12.wav",
        "Quickstep/Albums-AnaBelen_Veneo-11.wav",  # a replica of the one before
    )
    rows, warnings = read("ballroom", put(tmp_path, "BallroomData/allBallroomFiles", "\n".join(names) + "\n"))
    where, data = "BallroomData/allBallroomFiles, line", "BallroomData"
    assert rows == [
        (f"{where} 1", f"{data}/ChaChaCha/Albums-Cafe_Paradiso-14.wav", "ChaChaCha", "Albums-Cafe_Paradiso"),
        (f"{where} 2", f"{data}/ChaChaCha/Albums-Latin_Jam3-02.wav", "ChaChaCha", "Albums-Latin_Jam3"),
        (f"{where} 3", f"{data}/ChaChaCha/Media-103414.wav", "ChaChaCha", "Albums-Latin_Jam3"),
        (f"{where} 5", f"{data}/Rumba-American/Media-105402.wav", "Rumba", "Media-1054"),
        (f"{where} 6", f"{data}/Quickstep/Albums-Chrisanne2-12.wav", "Quickstep", "Albums-AnaBelen_Veneo"),
        (f"{where} 7", f"{data}/Quickstep/Albums-AnaBelen_Veneo-11.wav", "Quickstep", "Albums-AnaBelen_Veneo"),
    ]
    assert len(warnings) == 1
    assert "13 replicas" in warnings[0]


REPLICAS = """
Albums-AnaBelen_Veneo-11 Albums-Chrisanne2-12  Albums-Fire-08 Albums-Fire-09  Albums-Latin_Jam2-05 Albums-Latin_Jam2-13
Albums-Secret_Garden-01 Media-104705  Albums-AnaBelen_Veneo-03 Albums-AnaBelen_Veneo-15
Albums-Ballroom_Magic-03 Albums-Ballroom_Magic-18  Albums-Latin_Jam-04 Albums-Latin_Jam-13
Albums-Latin_Jam-08 Albums-Latin_Jam-14  Albums-Latin_Jam-06 Albums-Latin_Jam-15
Albums-Latin_Jam2-02 Albums-Latin_Jam2-14  Albums-Latin_Jam2-07 Albums-Latin_Jam2-15
Albums-Latin_Jam3-02 Media-103414  Media-103402 Media-103415
"""


def test_ballroom_replicas_share_a_group(tmp_path):
    lines = "".join(f"./Samba/{name}.wav\n" for name in REPLICAS.split())
    rows, _ = read("ballroom", put(tmp_path, "BallroomData/allBallroomFiles", lines))
    groups = [row[3] for row in rows]
    assert len(groups) == 26
    assert groups[::2] == groups[1::2]
    assert len(set(groups)) == 7


def test_ballroom_mistakes(tmp_path):
    assert "holds no BallroomData/allBallroomFiles" in error("ballroom", tmp_path)
    text = error("ballroom", put(tmp_path, "BallroomData/allBallroomFiles", "./Jive/a-1.wav\nb.wav\n"))
    assert "allBallroomFiles, line 2: 'b.wav' is not a path such as ./ChaChaCha/" in text
    text = error("ballroom", put(tmp_path, "BallroomData/allBallroomFiles", "./Jive/a-1.wav\nJive/a-1.wav\n"))
    assert "allBallroomFiles, line 1: 'BallroomData/Jive/a-1.wav' is listed again in BallroomData/allBallr" in text
    (tmp_path / "BallroomData/allBallroomFiles").write_bytes(b"Jive/\xff.wav\n")
    assert "is not UTF-8 text" in error("ballroom", tmp_path)


# http://marsyas.info/downloads/datasets.html, and mirdata's fixture: genres/blues/blues.00000.wav.
@pytest.mark.skipif(not GTZAN.is_dir(), reason="GTZAN's fixture is not in ../shared/fixtures/gtzan_genre")
def test_gtzan_fixture():
    path = "genres/country/country.00000.wav"
    rows, warnings = read("gtzan", GTZAN)
    assert rows == [(path, path, "country", path)]
    assert len(warnings) == 1
    assert warnings[0].startswith("A RANDOM SPLIT OF GTZAN LEAKS")
    assert (
        f"(train_filtered.txt, valid_filtered.txt, test_filtered.txt; Kereliuk, Sturm and Larsen 2015) into {GTZAN}"
        in (warnings[0])
    )


def gtzan_tree(root: Path, n: int = 6, suffix: str = "wav") -> Path:
    sound(root, *(f"genres/{y}/{y}.{i:05d}.{suffix}" for y in ("blues", "jazz") for i in range(n)))
    return root


def test_gtzan_end_to_end(tmp_path):
    root = gtzan_tree(tmp_path)
    (root / "genres/jazz/jazz.00001.wav").write_bytes(b"broken")
    put(root, "genres/bextract.mf", "no audio")
    table, quarantined, warnings = run("gtzan", root, max_quarantined=0.1)
    assert list(quarantined.path) == ["genres/jazz/jazz.00001.wav"]
    assert table.groupby("label").size().to_dict() == {"blues": 6, "jazz": 5}
    assert (table.group == table.path).all()
    assert len(warnings) == 1


def test_a_corpus_with_one_file_under_two_labels_is_read_and_told(tmp_path):
    root = gtzan_tree(tmp_path)
    (root / "genres/jazz/jazz.00000.wav").write_bytes((root / "genres/blues/blues.00000.wav").read_bytes())
    table, _, warnings = run("gtzan", root)
    assert len(table) == 12
    assert warnings[1:] == [
        "'genres/blues/blues.00000.wav' and 'genres/jazz/jazz.00000.wav' hold the same bytes, but are labelled 'blues' "
        "and 'jazz'; both are kept, as the corpus has them, and one of them cannot be right."
    ]


def test_gtzan_by_links_and_with_what_does_not_belong_there(tmp_path):
    root = gtzan_tree(tmp_path / "gtzan", 2)
    (root / "genres/jazz").rename(tmp_path / "jazz")
    (root / "genres/jazz").symlink_to(tmp_path / "jazz")
    (root / "genres/blues/again.wav").symlink_to(root / "genres/blues/blues.00000.wav")
    sound(root, "genres/loose.wav", "genres/blues/.ipynb_checkpoints/a.wav")
    rows, warnings = read("gtzan", root)
    assert [row[1] for row in rows] == [f"genres/{y}/{y}.0000{i}.wav" for y in ("blues", "jazz") for i in (0, 1)]
    assert [text.partition(" below ")[0] for text in warnings[:3]] == ["left out 1 recording"] * 3
    assert "of other programs (genres/blues/.ipynb_checkpoints)" in warnings[0]
    assert "not lying 1 folder deep, as the corpus's own do (genres/loose.wav)" in warnings[1]
    assert ", reached a second time through links (genres/blues/again.wav)" in warnings[2]


# The lists' form: https://github.com/jongpillee/music_dataset_split (GTZAN_split).
FILTERED = {
    "train_filtered.txt": "blues/blues.00001.wav\njazz/jazz.00000.wav\n",
    "valid_filtered.txt": "blues/blues.00002.wav\n\njazz/jazz.00003.wav\n",
    "test_filtered.txt": "jazz/jazz.00002.wav\nblues/blues.00005.wav\njazz/jazz.00099.wav\n",
}


@pytest.mark.parametrize("suffix", ["wav", "au"])
def test_gtzan_fault_filtered(tmp_path, suffix):
    root = gtzan_tree(tmp_path, suffix=suffix)
    for name, text in FILTERED.items():
        put(root, name, text)
    rows, warnings = read("gtzan", root)
    expected = [
        ("train_filtered.txt, line 1", "blues/blues.00001", "train"),
        ("train_filtered.txt, line 2", "jazz/jazz.00000", "train"),
        ("valid_filtered.txt, line 1", "blues/blues.00002", "val"),
        ("valid_filtered.txt, line 3", "jazz/jazz.00003", "val"),
        ("test_filtered.txt, line 1", "jazz/jazz.00002", "test"),
        ("test_filtered.txt, line 2", "blues/blues.00005", "test"),
    ]
    paths = [f"genres/{stem}.{suffix}" for _, stem, _ in expected]
    assert rows[:6] == [
        (where, path, stem.split("/")[0], path, split)
        for (where, stem, split), path in zip(expected, paths, strict=True)
    ]
    gone = "genres/jazz/jazz.00099.wav"
    assert rows[6:] == [("test_filtered.txt, line 3", gone, "jazz", gone, "test")]
    assert warnings == [
        "GTZAN's fault-filtered split: 7 recordings; 6 on disk are in none of its lists: left out.",
    ]
    table, quarantined, _ = run("gtzan", root, max_quarantined=0.2)
    assert list(quarantined.path) == [gone]
    assert table["split"].tolist() == [split for _, _, split in expected]


def test_gtzan_mistakes(tmp_path):
    assert "holds no genres; set tasks.*.data.root" in error("gtzan", tmp_path)
    (tmp_path / "genres").mkdir()
    assert "genres holds no audio" in error("gtzan", tmp_path)
    root = gtzan_tree(tmp_path)
    put(root, "train_filtered.txt", FILTERED["train_filtered.txt"])
    put(root, "test_filtered.txt", FILTERED["test_filtered.txt"])
    assert "no valid_filtered.txt; put all three there, or none" in error("gtzan", root)
    put(root, "valid_filtered.txt", "          30\n          31\n")  # the authors' own lists hold numbers
    assert "valid_filtered.txt, line 1: '30' is not a path such as blues/blues.00029.wav" in error("gtzan", root)
    put(root, "valid_filtered.txt", FILTERED["train_filtered.txt"])
    text = error("gtzan", root)
    assert "train_filtered.txt, line 1: 'genres/blues/blues.00001.wav' is listed again in valid_filtered.txt" in text


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("esc10", "meta/esc50.csv"),
        ("esc50", "meta/esc50.csv"),
        ("urbansound8k", "metadata/UrbanSound8K.csv"),
        ("fsdkaggle2018", "FSDKaggle2018.meta/train_post_competition.csv"),
    ],
)
def test_wrong_folder_and_wrong_table(tmp_path, source, name):
    with pytest.raises(EarmarkError, match="nowhere does not exist; set tasks"):
        run(source, tmp_path / "nowhere")
    assert f"holds no {name}; set tasks.*.data.root to the folder that does." in error(source, tmp_path)
    text = error(source, put(tmp_path, name, "fnme,filenme,fsid,fold,esc10,category\na,b,c,1,True,x\n"))
    assert f"{name} has no column '" in text


def test_missing_and_empty_cells_name_column_and_line(tmp_path):
    text = error("esc50", put(tmp_path, "meta/esc50.csv", ESC.replace("src_file", "source_file")))
    assert "meta/esc50.csv has no column 'src_file'; add it (did you mean 'source_file'?)" in text
    text = error("esc50", put(tmp_path, "meta/esc50.csv", ESC.replace(",2,0,dog,True,114280,B", ",2,0,,True,114280,B")))
    assert "meta/esc50.csv, line 5: 'category' is empty" in text
    text = error("esc50", put(tmp_path, "meta/esc50.csv", ESC.replace("2-114280-B", "2-114280-A")))
    assert "meta/esc50.csv, line 4: 'audio/2-114280-A-0.wav' is listed again in meta/esc50.csv, line 5" in text


def test_audiofolder_end_to_end(tmp_path):
    """Splits by its folders, and of train a share for validation, as nothing else is said."""
    for split, n in {"train": 4, "test": 2}.items():
        rows = [f"{label}{i}.wav,{label},{label}{i}" for label in ("x", "y") for i in range(n)]
        (tmp_path / split).mkdir()
        (tmp_path / split / "metadata.csv").write_text("\n".join(["file_name,label,group", *rows]))
    names = [f"{split}/{label}{i}.wav" for split, n in (("train", 4), ("test", 2)) for label in "xy" for i in range(n)]
    sound(tmp_path, *names)
    (tmp_path / "test/y1.wav").write_bytes(b"")
    (tmp_path / "test/metadata.csv").write_text(
        (tmp_path / "test/metadata.csv").read_text().replace("x1.wav,x,x1", "../../x1.wav,x,x1")
    )
    with pytest.raises(EarmarkError, match=r"test/metadata\.csv, line 3: 'test/\.\./\.\./x1\.wav' lies outside"):
        run("folder", tmp_path)
    (tmp_path / "test/metadata.csv").write_text(
        (tmp_path / "test/metadata.csv").read_text().replace("../../x1.wav", "x1.wav")
    )
    with pytest.raises(EarmarkError, match=r"Group 'x0' \(and 2 more\) is in the splits"):
        run("folder", tmp_path, max_quarantined=0.5)
    (tmp_path / "test/metadata.csv").write_text(
        "file_name,label,group\nx0.wav,x,t\nx1.wav,x,t\ny0.wav,y,u\ny1.wav,y,u\n"
    )
    table, quarantined, warnings = run("folder", tmp_path, max_quarantined=0.5)
    assert set(table.path[table["split"] == "test"]) == {"test/x0.wav", "test/x1.wav", "test/y0.wav"}
    assert {path.split("/")[0] for path in table.path[table["split"] != "test"]} == {"train"}
    assert list(quarantined.path) == ["test/y1.wav"]
    assert warnings == []
