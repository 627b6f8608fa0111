"""prepare where the truth is chords: a folder with a manifest, pairs of files, what is written, what is refused."""

import json
from pathlib import Path

import pandas as pd
import pytest

from builders import data_settings, prepared, tone
from earmark.data import manifest, reading
from earmark.errors import EarmarkError
from earmark.pipeline import prepare
from earmark.tasks.chord import chord_files
from earmark.tasks.chord.corpora import CORPORA

HEADER = "path,lab,group,key\n"


def songs(root: Path, n: int = 6) -> Path:
    """`n` songs of 2 s, two to a group, with chords below chords/ and the key of the first."""
    rows = [HEADER.strip()]
    (root / "chords").mkdir(parents=True)
    for i in range(n):
        tone(root / f"{i}.wav", 200.0 + 10 * i, 2.0, 8000)
        (root / f"chords/{i}.lab").write_text(f"0 1 C:maj\n1 2 {'CDEFGAB'[i % 7]}:min7\n")
        rows.append(f"{i}.wav,chords/{i}.lab,{i // 2},{'C:maj' if i == 0 else ''}")
    (root / "manifest.csv").write_text("\n".join(rows) + "\n")
    return root


def run(root: Path, **changes) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    warnings: list[str] = []
    data = data_settings(**changes)
    table, quarantined = prepared("chord", data, root, warnings.append)
    return table, quarantined, warnings


def refused(root: Path, **changes) -> str:
    with pytest.raises(EarmarkError) as caught:
        run(root, **changes)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def add(root: Path, row: str) -> None:
    with (root / "manifest.csv").open("a") as file:
        file.write(f"{row}\n")


def test_a_task_of_chords_needs_lab_and_no_label(tmp_path):
    root = songs(tmp_path / "a")
    table, quarantined, warnings = run(root)
    assert (len(table), len(quarantined), warnings) == (6, 0, [])
    assert "label" not in table
    assert table.chords[1] == "0.000000\t1.000000\tC:maj\n1.000000\t2.000000\tD:min7\n"
    assert list(table.key) == ["C:maj", "", "", "", "", ""]
    assert (table.groupby("group")["split"].nunique() == 1).all()
    assert sorted(table.groupby("split").group.nunique()) == [1, 1, 1]


def test_the_other_task_needs_label_and_no_lab(tmp_path):
    root = songs(tmp_path / "a")
    with pytest.raises(EarmarkError, match=r"manifest\.csv has no column 'label'"):
        prepared("genre", data_settings(), root, print)
    text = (root / "manifest.csv").read_text().replace("path,lab,", "path,label,")
    (root / "manifest.csv").write_text(text)
    assert "manifest.csv has no column 'lab'; add it" in refused(root)


def test_a_label_beside_lab_is_no_class(tmp_path):
    """The column may hold anything, such as the key: nothing is dealt or refused by it."""
    root = songs(tmp_path / "a")
    text = (root / "manifest.csv").read_text().splitlines()
    (root / "manifest.csv").write_text(
        "\n".join(f"{row},{'label' if i == 0 else i}" for i, row in enumerate(text)) + "\n"
    )
    table, _, _ = run(root)
    assert "label" not in table
    pd.testing.assert_frame_equal(table, run(songs(tmp_path / "b"))[0])


def test_written_files(tmp_path):
    root, out = songs(tmp_path / "a"), tmp_path / "out"
    table, quarantined, _ = run(root)
    (out / "lab").mkdir(parents=True)
    (out / "lab/stale.lab").write_text("of a run before")
    prepare.write(CORPORA, out, reading.PreparedRecordings(table, quarantined, {}))
    assert sorted(p.relative_to(out).as_posix() for p in out.rglob("*.lab")) == ["key/0.lab"] + [
        f"lab/{i}.lab" for i in range(6)
    ]
    written = manifest.load(out / "manifest.csv")
    assert list(written.lab) == [f"lab/{i}.lab" for i in range(6)]
    assert list(written.key_lab) == ["key/0.lab", "", "", "", "", ""]
    assert not {"chords", "keys", "label"} & set(written)
    assert (out / "lab/1.lab").read_text() == "0.000000\t1.000000\tC:maj\n1.000000\t2.000000\tD:min7\n"
    assert (out / "key/0.lab").read_text() == "0.000000\t2.000000\tC:maj\n"
    assert json.loads((out / "data.json").read_text())["data_sha256"] == manifest.digest(table)
    assert manifest.digest(written) == manifest.digest(table)
    summary = pd.read_csv(out / "summary.csv")
    assert summary.recordings.tolist() == [2, 2, 2]
    assert set(summary.label) == {"(all)"}


def test_the_digest_follows_the_chords(tmp_path):
    root = songs(tmp_path / "a")
    before = manifest.digest(run(root)[0])
    (root / "chords/3.lab").write_text("0 1 C:maj\n1 2 F:min\n")
    assert manifest.digest(run(root)[0]) != before


def test_annotations_that_cannot_be_used_are_quarantined(tmp_path):
    root = songs(tmp_path / "a", 12)
    bad = {
        0: ("0 1.5 C\n1 2 G\n", "chords/0.lab, row 2 starts at 1 s, but the row before ends at 1.5 s"),
        1: ("0 1 C\n1 2 C:mjr\n", "chords/1.lab, row 2: 'C:mjr' is not a chord"),
        2: ("0 1 C\n1 4 G\n", "chords/2.lab, last row ends at 4.00 s, but the audio lasts 2.00 s"),
        3: ("", "chords/3.lab has no rows"),
        4: (None, "There is no chord file chords/4.lab"),
    }
    for i, (text, _) in bad.items():
        (root / f"chords/{i}.lab").write_text(text) if text is not None else (root / f"chords/{i}.lab").unlink()
    (root / "5.wav").write_bytes(b"")
    add(root, "6.flac,chords/6.lab,3,")
    text = (root / "manifest.csv").read_text().replace("7.wav,chords/7.lab,3,", "7.wav,chords/7.lab,3,Am")
    (root / "manifest.csv").write_text(text)
    table, quarantined, _ = run(root, max_quarantined=0.9)
    reasons = dict(zip(quarantined.path, quarantined.reason, strict=True))
    assert set(table.path) == {f"{i}.wav" for i in (6, 8, 9, 10, 11)}
    for i, (_, reason) in bad.items():
        assert reasons[f"{i}.wav"].startswith(reason)
    assert reasons["5.wav"] == "the file is empty"
    assert reasons["6.flac"] == "the file does not exist"
    assert reasons["7.wav"] == "the key 'Am' is not known; write it as C:maj or A:min, or N for none"
    assert "7 of 12 recordings" not in refused(root, max_quarantined=0.1)
    assert "8 of 13 recordings cannot be used" in refused(root, max_quarantined=0.1)


def test_a_lab_outside_of_the_folder_is_refused(tmp_path):
    root = songs(tmp_path / "a")
    (tmp_path / "other.lab").write_text("0 1 C\n")
    tone(root / "x.wav", 900.0, 2.0, 8000)
    add(root, "x.wav,../other.lab,9,")
    assert f"{root}/manifest.csv, line 8: '../other.lab' lies outside {root}" in refused(root)


def test_pairs_of_files_without_a_manifest(tmp_path):
    root = songs(tmp_path / "a")
    for i in range(6):
        (root / f"chords/{i}.lab").rename(root / f"{i}.lab")
    (root / "manifest.csv").unlink()
    tone(root / "sub/alone.wav", 900.0, 2.0, 8000)
    table, _, warnings = run(root)
    assert list(table.path) == [f"{i}.wav" for i in range(6)]
    assert table.group.is_unique
    assert warnings[0] == f"1 recording in {root} has no file of chords beside it (sub/alone.wav): left out."
    assert "every file counts as a group of its own" in warnings[1]
    assert "neither manifest.csv nor recordings with a file of chords beside them" in refused(root / "sub")


def test_a_source_without_chords_is_refused(tmp_path):
    assert (
        "The source 'esc10' does not have a lab for each of its recordings, which this task needs; set "
        "tasks.*.data.source to one of demo, folder"
    ) in refused(tmp_path, source="esc10")
    with pytest.raises(
        EarmarkError,
        match="The source 'guitarset' does not have a label for each of its recordings, which this task needs",
    ):
        prepared("genre", data_settings(source="guitarset"), tmp_path, print)


def test_too_few_groups(tmp_path):
    assert "recordings of only 2 group(s); train, val and test need one each: add others." in refused(
        songs(tmp_path / "a", 4)
    )


def test_official_splits_are_kept_and_leaks_refused(tmp_path):
    root = songs(tmp_path / "a")
    rows = (root / "manifest.csv").read_text().splitlines()
    splits = ["split", "test", "test", "train", "train", "val", "val"]
    (root / "manifest.csv").write_text("\n".join(f"{r},{s}" for r, s in zip(rows, splits, strict=True)) + "\n")
    assert list(run(root)[0]["split"]) == splits[1:]
    (root / "manifest.csv").write_text(
        "\n".join(f"{r},{s}" for r, s in zip(rows, splits[:2] + splits[1:-1], strict=True))
    )
    assert "Group '1' (and 1 more) is in the splits test and train" in refused(root)


def test_chords_may_be_called_as_on_charts_of_popular_music(tmp_path, capsys):
    root = songs(tmp_path / "a")
    (root / "chords/1.lab").write_text("0 0.5 N.C.\n0.5 1 C/E\n1 2 Cm7\n")
    table, quarantined, _ = run(root)
    assert len(quarantined) == 0
    assert table.chords[table.path == "1.wav"].item() == (
        "0.000000\t0.500000\tN\n0.500000\t1.000000\tC:maj/3\n1.000000\t2.000000\tC:min7\n"
    )
    assert capsys.readouterr().err == (
        "earmark: 3 chord names are not in Harte's notation, and are read as in lead sheets of popular music: "
        "N.C. as N, C/E as C:maj/3, Cm7 as C:min7.\n"
    )


def test_names_of_files():
    paths = pd.Series(["a/x.wav", "a/y.wav", "b/y.wav", "c/z.wav", "c/z.flac", "d/Y.wav"])
    assert chord_files._ids(paths) == ["x", "a-y", "b-y", "c-z.wav", "c-z.flac", "d-Y"]


def test_an_audiofolder_of_songs(tmp_path):
    root = songs(tmp_path / "a")
    rows = [f"{i}.wav,chords/{i}.lab,{i},{'C:maj' if i == 0 else ''}" for i in range(6)]
    (root / "metadata.csv").write_text("\n".join(["file_name,lab,group,key", *rows]))
    assert f"{root} has manifest.csv and metadata.csv: manifest.csv is read, and no other table." in run(root)[2]
    expected = run(root)[0].set_index("path").truth_sha256
    (root / "manifest.csv").unlink()
    table, quarantined, warnings = run(root)
    assert len(quarantined) == 0
    assert dict(table.set_index("path").truth_sha256) == dict(expected)
    assert not [text for text in warnings if "metadata" in text]
    (root / "metadata.csv").write_text("file_name,label,group\n0.wav,x,0\n")
    assert refused(root).startswith(f"{root}/metadata.csv has no column 'lab'; add it")
