"""AudioFolder's metadata.csv as a manifest: its places, columns, groups and splits, and what is refused."""

from pathlib import Path

import pytest

from earmark.data import audiofolder, folder, manifest
from earmark.errors import EarmarkError

ALONE = (
    "every file counts as a group of its own. If several files come from one source (an artist, an album, a "
    "take), the score will be too good; add a column 'group'."
)


def put(root: Path, name: str, text: str = "") -> Path:
    """A file with a text; recordings are empty ones, as nobody opens them here."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def recordings(root: Path, *names: str) -> Path:
    for name in names:
        put(root, name)
    return root


def read(root: Path, *truth: str, **options) -> tuple[dict[str, dict[str, str]] | None, list[str]]:
    """The rows by where they stand, and what was said with ROOT for the folder."""
    said: list[str] = []
    table = audiofolder.read(root, truth or ("label",), said.append, **options)
    return None if table is None else table.to_dict("index"), [text.replace(str(root), "ROOT") for text in said]


def error(root: Path, *truth: str) -> str:
    with pytest.raises(EarmarkError) as caught:
        audiofolder.read(root, truth or ("label",), lambda text: None)
    assert "\n" not in str(caught.value)
    return str(caught.value).replace(str(root), "ROOT")


def test_one_table_in_the_folder(tmp_path):
    recordings(tmp_path, "data/a.mp3", "data/b.mp3")
    put(tmp_path, "metadata.csv", "file_name,transcription,label,path\ndata/a.mp3,hello,NA,x\ndata/b.mp3,,y,\n")
    assert read(tmp_path) == (
        {
            "metadata.csv, line 2": {"path": "data/a.mp3", "label": "NA", "group": "data/a.mp3"},
            "metadata.csv, line 3": {"path": "data/b.mp3", "label": "y", "group": "data/b.mp3"},
        },
        [f"ROOT: metadata.csv has no column 'group': {ALONE}"],
    )


def test_groups_of_the_table_are_its_own(tmp_path):
    recordings(tmp_path, "a.wav", "b.wav")
    put(tmp_path, "metadata.csv", "group;File_Name;Label\n7;a.wav;x\n7;b.wav;y\n")
    rows, said = read(tmp_path)
    assert ([row["group"] for row in rows.values()], said) == (["7", "7"], [])


@pytest.mark.parametrize("base", ["", "data/"])
def test_a_table_in_every_folder_of_a_split(tmp_path, base):
    for split, label in {"train": "x", "Dev": "y", "test": "z"}.items():
        recordings(tmp_path, f"{base}{split}/0.wav")
        put(tmp_path, f"{base}{split}/metadata.csv", f"file_name,label,group\n0.wav,{label},{label}\n")
    rows, said = read(tmp_path)
    assert said == []
    assert {where: (row["path"], row["label"], row["split"]) for where, row in rows.items()} == {
        f"{base}train/metadata.csv, line 2": (f"{base}train/0.wav", "x", "train"),
        f"{base}Dev/metadata.csv, line 2": (f"{base}Dev/0.wav", "y", "val"),
        f"{base}test/metadata.csv, line 2": (f"{base}test/0.wav", "z", "test"),
    }


def splits(root: Path, *names: str) -> tuple[list[str] | None, list[str]]:
    """The splits of one table that names these files."""
    recordings(root, *names)
    put(root, "metadata.csv", "\n".join(["file_name,label,group", *(f"{name},x,{name}" for name in names)]))
    rows, said = read(root)
    return [row["split"] for row in rows.values()] if "split" in next(iter(rows.values())) else None, said


def test_folders_of_splits_in_one_table(tmp_path):
    names = "train/a.wav", "data/validation/x/b.wav", "evaluation/c.wav"
    assert splits(tmp_path, *names) == (["train", "val", "test"], [])


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["a.wav", "test.wav", "train", "test"], []),  # names of files are no folders
        (
            ["train/a.wav"],
            [("ROOT: the folders of train do not form a split without both train and test, and are ignored.")],
        ),
        (
            ["train/a.wav", "dev/b.wav"],
            ["ROOT: the folders of train and val do not form a split without both train and test, and are ignored."],
        ),
    ],
)
def test_folders_that_are_no_whole_split(tmp_path, names, said):
    assert splits(tmp_path, *names) == (None, said)


def test_a_file_beside_the_folders_of_splits_is_refused(tmp_path):
    with pytest.raises(
        EarmarkError, match=r"metadata\.csv, line 4: 'c\.wav' is not in the folder of a split, as others"
    ):
        splits(tmp_path, "train/a.wav", "test/b.wav", "c.wav")


@pytest.mark.parametrize(("column", "values", "found"), [("split", "train dev", "train val"), ("fold", "1 2", "1 2")])
def test_a_column_says_the_split_before_the_folders(tmp_path, column, values, found):
    recordings(tmp_path, "train/a.wav", "test/b.wav")
    one, two = values.split()
    put(tmp_path, "metadata.csv", f"file_name,label,group,{column}\ntrain/a.wav,x,1,{one}\ntest/b.wav,x,2,{two}\n")
    rows, _ = read(tmp_path)
    assert [row["split"] for row in rows.values()] == found.split()
    assert all("fold" not in row for row in rows.values())


def test_a_manifest_wins_and_that_is_said(tmp_path):
    recordings(tmp_path, "a.wav", "b.wav")
    put(tmp_path, "metadata.csv", "file_name,label\na.wav,x\n")
    put(tmp_path, "manifest.csv", "path,label,group\nb.wav,y,1\n")
    said: list[str] = []
    assert list(folder.read(tmp_path, said.append).path) == ["b.wav"]
    assert said == [
        f"{tmp_path} has manifest.csv and metadata.csv: manifest.csv is read, and no other table.",
        f"1 recording below {tmp_path} is not listed in manifest.csv (a.wav): left out.",
    ]


def test_a_table_of_another_kind_is_none(tmp_path):
    recordings(tmp_path, "rock/a.wav", "jazz/b.wav")
    put(tmp_path, "metadata.csv", "a|one|ONE\nb|two, three\n")
    said: list[str] = []
    assert list(folder.read(tmp_path, said.append).label) == ["jazz", "rock"]
    assert said[0] == (
        f"{tmp_path}/metadata.csv has no column 'file_name', so it is not an AudioFolder table and is not read."
    )


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("metadata.jsonl", "pd.read_json('metadata.jsonl', lines=True)"),
        ("train/metadata.parquet", "pd.read_parquet('metadata.parquet')"),
    ],
)
def test_other_formats_are_not_read_and_how_to_convert_them(tmp_path, name, call):
    put(tmp_path, name)
    convert = f"{call}.to_csv('metadata.csv', index=False)"
    assert read(tmp_path) == (
        None,
        [
            f"ROOT: {name} cannot be read; make metadata.csv in the same folder: python -c "
            f'"import pandas as pd; {convert}".'
        ],
    )


def test_the_conversion_that_is_shown_converts(tmp_path, monkeypatch):
    recordings(tmp_path, "a.wav")
    put(tmp_path, "metadata.jsonl", '{"file_name": "a.wav", "label": "x", "group": "g"}\n')
    _, (sentence,) = read(tmp_path)
    monkeypatch.chdir(tmp_path)
    exec(sentence.split('python -c "')[1].removesuffix('".'))
    assert read(tmp_path)[0] == {"metadata.csv, line 2": {"path": "a.wav", "label": "x", "group": "g"}}


def test_hidden_tables_and_those_far_below_are_none(tmp_path):
    for place in (".cache", "__MACOSX/train", "a/b/c"):
        put(tmp_path, f"{place}/metadata.csv", "file_name,label\na.wav,x\n")
    assert read(tmp_path) == (None, [])


def test_some_tables_have_groups_and_some_have_none(tmp_path):
    recordings(tmp_path, "train/a.wav", "test/a.wav", "more/a.wav")
    put(tmp_path, "train/metadata.csv", "file_name,label,group\na.wav,x,g\n")
    put(tmp_path, "test/metadata.csv", "file_name,label\na.wav,x\n")
    rows, said = read(tmp_path)
    assert {row["path"]: row["group"] for row in rows.values()} == {"train/a.wav": "g", "test/a.wav": "test/a.wav"}
    assert said[0] == f"ROOT: test/metadata.csv has no column 'group': {ALONE}"
    put(tmp_path, "more/metadata.csv", "file_name,label\n../train/a.wav,x\n")
    assert error(tmp_path) == (
        "ROOT/train/metadata.csv, line 2: 'train/a.wav' is already listed in more/metadata.csv, line 2; keep "
        "one row per recording."
    )


def test_what_is_not_listed_is_named(tmp_path):
    recordings(tmp_path, "a.wav", "b.wav", "more/c.wav")
    (tmp_path / "link.wav").symlink_to(tmp_path / "a.wav")
    put(tmp_path, "metadata.csv", "file_name,label,group\na.wav,x,1\n")
    assert read(tmp_path)[1] == [
        "2 recordings below ROOT are not listed in metadata.csv (b.wav, more/c.wav): left out."
    ]


def test_the_likeliest_of_several_columns(tmp_path):
    recordings(tmp_path, "a.wav")
    put(tmp_path, "metadata.csv", "file_name,label,speaker_id,group\na.wav,yes,007,1\n")
    rows, said = read(tmp_path, "speaker_id", "speaker", "label")
    assert rows["metadata.csv, line 2"] == {"path": "a.wav", "label": "007", "group": "1"}
    assert said == ["ROOT/metadata.csv has the columns speaker_id and label: speaker_id is read."]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("file_name,lable\na.wav,x\n", "ROOT/metadata.csv has no column 'label'; add it (did you mean 'lable'?)."),
        ("file_name,label\n", "ROOT/metadata.csv lists no recordings; add a row for each."),
        ("file_name,label\na.wav,\n", "ROOT/metadata.csv, line 2: 'label' is empty; fill it in."),
        ("file_name,label\n,x\n", "ROOT/metadata.csv, line 2: 'file_name' is empty; fill it in."),
        ("file_name,label,group\na.wav,x,\n", "ROOT/metadata.csv, line 2: 'group' is empty; fill it in."),
        (
            "file_name,label\na.wav,x\nb.wav,x\n./a.wav,y\n",
            "ROOT/metadata.csv, line 4: 'a.wav' is already listed in metadata.csv, line 2; keep one row per recording.",
        ),
    ],
)
def test_mistakes_are_named_by_table_and_line(tmp_path, text, said):
    recordings(tmp_path, "a.wav", "b.wav")
    put(tmp_path, "metadata.csv", text)
    assert error(tmp_path) == said


def test_a_recording_in_two_tables(tmp_path):
    recordings(tmp_path, "train/a.wav")
    put(tmp_path, "metadata.csv", "file_name,label\ntrain/a.wav,x\n")
    put(tmp_path, "train/metadata.csv", "file_name,label\na.wav,x\n")
    assert error(tmp_path) == (
        "ROOT/train/metadata.csv, line 2: 'train/a.wav' is already listed in metadata.csv, line 2; keep one row "
        "per recording."
    )


def test_a_path_that_leaves_the_folder_is_refused_by_its_table(tmp_path):
    root = recordings(tmp_path / "root", "train/a.wav", "b.wav")
    put(root, "train/metadata.csv", "file_name,label,group\n../b.wav,x,1\n../../c.wav,x,2\n")
    table = audiofolder.read(root, ("label",), lambda text: None)
    assert list(table.path) == ["b.wav", "train/../../c.wav"]
    with pytest.raises(EarmarkError) as caught:
        [manifest.below(root, path, where) for where, path in table.path.items()]
    assert str(caught.value) == (
        f"{root}/train/metadata.csv, line 3: 'train/../../c.wav' lies outside {root}; give a path below that folder."
    )


def test_columns_that_name_files_are_relative_to_the_table(tmp_path):
    recordings(tmp_path, "train/a.wav", "train/chords/a.lab")
    put(tmp_path, "train/metadata.csv", "file_name,lab,key_lab,key,group\na.wav,chords/a.lab,,C:maj,1\n")
    rows, _ = read(tmp_path, "lab")
    assert rows["train/metadata.csv, line 2"] == {
        **{"path": "train/a.wav", "lab": "train/chords/a.lab", "key_lab": "", "key": "C:maj", "group": "1"}
    }
