"""The prepare stage on small folders: what is kept, what is quarantined and why, what is refused."""

import hashlib
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile as sf

from builders import data_settings, noise, plain_progress, prepared, tone
from earmark.cli import pipeline
from earmark.data import manifest, reading, splits
from earmark.data.reading import PreparedRecordings
from earmark.errors import EarmarkError
from earmark.pipeline import prepare
from earmark.tasks.genre.corpora import CORPORA
from project import write_params


def run(root, **changes):
    """(table, quarantined, warnings)."""
    warnings: list[str] = []
    table, quarantined = prepared("genre", data_settings(**changes), root, warnings.append)
    return table, quarantined, warnings


def add(root, name: str, label: str = "low", group: str | None = None) -> None:
    with (root / "manifest.csv").open("a") as file:
        file.write(f"{name},{label},{group or name}\n")


def test_facts_and_splits(folder):
    table, quarantined, warnings = run(folder)
    assert len(table) == 18
    assert quarantined.empty
    assert warnings == []
    assert set(table.duration_s) == {1.5}
    assert set(table.sample_rate) == {8000}
    assert set(table.channels) == {1}
    tones = table.label != "noise"
    np.testing.assert_allclose(table.peak[tones], 0.5, atol=1e-3)
    first = table.iloc[0]
    assert first.sha256 == hashlib.sha256((folder / first.path).read_bytes()).hexdigest()
    assert (table.groupby("group")["split"].nunique() == 1).all()
    assert table.groupby(["label", "split"]).size().to_dict() == {
        (y, s): 2 for y in ("low", "high", "noise") for s in splits.SPLITS
    }


def test_write(folder, tmp_path):
    table, quarantined, _ = run(folder)
    out = tmp_path / "out"
    prepare.write(CORPORA, out, PreparedRecordings(table, quarantined, {}))
    pd.testing.assert_frame_equal(manifest.load(out / "manifest.csv"), table, check_dtype=False)
    assert list(pd.read_csv(out / "quarantine.csv").columns) == ["path", "reason"]
    assert len(pd.read_csv(out / "summary.csv")) == 12
    pd.testing.assert_frame_equal(pd.read_csv(out / "clip_lengths.csv"), manifest.clip_lengths(table))
    assert json.loads((out / "data.json").read_text()) == {
        "n_recordings": 18,
        "n_quarantined": 0,
        "data_sha256": manifest.digest(table),
    }


def test_quarantine_says_why(folder, tmp_path):
    sf.write(folder / "long.wav", noise(2.0, 8000), 8000)
    data = (folder / "long.wav").read_bytes()
    nan = noise(1.0, 8000)
    nan[3] = np.nan
    (folder / "empty.wav").write_bytes(b"")
    (folder / "cut.wav").write_bytes(data[: len(data) // 2])
    (folder / "text.wav").write_text("no audio at all " * 20)
    sf.write(folder / "nan.wav", nan, 8000, subtype="FLOAT")
    sf.write(folder / "silent.wav", np.zeros(8000), 8000)
    voice = noise(1.0, 8000)
    sf.write(folder / "against.wav", np.stack([voice, -voice], 1), 8000)
    sf.write(folder / "offset.wav", np.full(8000, 0.25), 8000)
    sf.write(folder / "none.wav", np.zeros(0), 8000)
    (folder / "dir.wav").mkdir()
    expected = {
        "empty.wav": "the file is empty",
        "cut.wav": "truncated",
        "text.wav": "cannot be decoded as audio",
        "nan.wav": "not finite",
        "silent.wav": "digital silence",
        "against.wav": "its channels cancel out when averaged; read one of them, with data.channels",
        "offset.wav": "it is silent: every sample is 0.25",
        "none.wav": "holds no samples",
        "dir.wav": "",
        "gone.wav": "does not exist",
    }
    for name in expected:
        add(folder, name)
    table, quarantined, _ = run(folder, max_quarantined=0.5)
    reasons = dict(zip(quarantined.path, quarantined.reason, strict=True))
    assert list(reasons) == list(expected)
    for name, reason in expected.items():
        assert reason in reasons[name], name
        assert reasons[name]
    assert len(table) == 18
    assert not set(table.path) & set(reasons)
    assert (table.sha256.str.len() == 64).all()
    prepare.write(CORPORA, tmp_path / "out", PreparedRecordings(table, quarantined, {}))
    assert len(pd.read_csv(tmp_path / "out" / "quarantine.csv")) == len(expected)
    assert json.loads((tmp_path / "out" / "data.json").read_text())["n_quarantined"] == len(expected)


def test_too_many_unusable(folder):
    for i in range(2):
        add(folder, f"gone{i}.wav")
    assert len(run(folder, max_quarantined=0.1)[1]) == 2  # 2 of 20
    add(folder, "gone2.wav")
    with pytest.raises(EarmarkError) as error:
        run(folder, max_quarantined=0.1)
    assert "3 of 21 recordings cannot be used" in str(error.value)
    assert "max_quarantined (0.1)" in str(error.value)
    assert "'gone0.wav': the file does not exist" in str(error.value)


def test_every_recording_unusable(tmp_path):
    (tmp_path / "manifest.csv").write_text("path,label,group\na.wav,x,1\nb.wav,y,2\n")
    with pytest.raises(EarmarkError):
        run(tmp_path, max_quarantined=1.0)


def test_path_outside_the_folder(folder):
    tone(folder.parent / "other.wav")
    add(folder, "../other.wav")
    with pytest.raises(EarmarkError, match=r"line 20: '\.\./other\.wav' lies outside"):
        run(folder)


def test_subfolders_without_a_manifest(folder):
    (folder / "manifest.csv").unlink()
    (folder / "low" / "notes.txt").write_text("no audio")
    tone(folder / "loose.wav")
    table, _, warnings = run(folder)
    assert set(table.label) == {"low", "high", "noise"}
    assert (table.label == table.path.str.split("/").str[0]).all()
    assert table.group.is_unique
    assert len(table) == 18
    assert len(warnings) == 2
    assert warnings[0] == (
        f"1 recording lies in {folder} itself and has no label (loose.wav): left out; move each into the folder of its "
        "label."
    )
    assert "group of its own" in warnings[1]
    assert "the score will be too good" in warnings[1]


def test_classes_and_files_may_be_links_into_a_cache(folder, tmp_path):
    """What DVC makes of a folder with cache.type symlink, and a class that lies on another disk."""
    plain, _, _ = run(folder)
    (folder / "high").rename(tmp_path / "elsewhere")
    (folder / "high").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "cache").mkdir()
    for i, path in enumerate(sorted((folder / "low").iterdir())):
        path.rename(tmp_path / f"cache/{i}")
        path.symlink_to(tmp_path / f"cache/{i}")
    table, quarantined, warnings = run(folder)
    pd.testing.assert_frame_equal(table, plain)
    (folder / "manifest.csv").unlink()
    (folder / "low/again.wav").symlink_to(tmp_path / "cache/0")
    (folder / "low/gone.wav").symlink_to("/nowhere/gone.wav")
    table, quarantined, warnings = run(folder)
    assert sorted(table.path) == sorted(plain.path)
    reason = "it is a link to /nowhere/gone.wav, which does not exist"
    assert quarantined.to_numpy().tolist() == [["low/gone.wav", reason]]
    assert warnings[0] == (
        f"left out 1 recording below {folder}, reached a second time through links (low/again.wav); each is read once."
    )
    assert "has no manifest.csv" in warnings[1]
    assert len(warnings) == 2


def test_the_manifest_holds_paths_that_open(folder, tmp_path):
    """Whatever it was made with: decomposed names, backslashes, absolute paths, detours."""
    nfc, nfd = "Caf\u00e9", "Cafe\u0301"
    (folder / "low").rename(folder / nfd)
    text = (folder / "manifest.csv").read_text().replace("low/", f"{nfc}/").replace("high/0", "noise/../high/0")
    (folder / "manifest.csv").write_text(text.replace("noise/1", "noise\\1").replace("noise/2", f"{folder}/noise/2"))
    table, quarantined, _ = run(folder)
    assert quarantined.empty
    expected = [f"{y}/{i}.wav" for y in (nfd, "high", "noise") for i in range(6)]
    assert list(table.path) == expected
    prepare.write(CORPORA, tmp_path / "out", PreparedRecordings(table, quarantined, {}))
    assert all((folder / path).is_file() for path in manifest.load(tmp_path / "out/manifest.csv").path)


def test_a_class_in_two_unicode_forms_is_one(folder):
    (folder / "manifest.csv").unlink()
    (folder / "low").rename(folder / "Cafe\u0301")
    tone(folder / "Caf\u00e9/0.wav", 300.0, 1.5, 8000)
    table, _, _ = run(folder)
    assert set(table.label) == {"Caf\u00e9", "high", "noise"}
    assert (table.label == "Caf\u00e9").sum() == 7
    assert {"Caf\u00e9/0.wav", "Cafe\u0301/0.wav"} < set(table.path)  # two recordings


@pytest.mark.parametrize("how", ["copy", "link", "hard link", "folder"])
@pytest.mark.parametrize("listed", [True, False])
def test_one_file_under_two_labels_is_refused(folder, how, listed):
    first, again = folder / "low/0.wav", folder / "high/again.wav"
    if how == "folder":
        (folder / "lower").symlink_to(folder / "low")
        again = folder / "lower/0.wav"
    else:
        {"copy": shutil.copy, "link": os.symlink, "hard link": os.link}[how](first, again)
    again = again.relative_to(folder)
    if listed:
        add(folder, str(again), again.parts[0], "low0")
    else:
        (folder / "manifest.csv").unlink()
    with pytest.raises(EarmarkError) as error:
        run(folder)
    pair = [("high/again.wav", "high"), ("low/0.wav", "low")] if again.parts[0] == "high" else [("low/0.wav", "low")]
    pair = (pair[::-1] if listed else pair) + ([("lower/0.wav", "lower")] if how == "folder" else [])
    (one, its), (other, others) = pair
    more = "" if listed or how != "folder" else " (and 5 more such pairs)"
    assert str(error.value) == (
        f"'{one}' and '{other}' hold the same bytes, but are labelled '{its}' and '{others}'{more}; remove one, or "
        "correct its label."
    )


def test_one_file_twice_in_a_class_cannot_leak_without_groups_and_is_said(folder):
    (folder / "manifest.csv").unlink()
    for name in ("a", "b", "c"):
        (folder / f"low/more{name}").mkdir()
        shutil.copy(folder / "low/0.wav", folder / f"low/more{name}/x.wav")
    table, _, warnings = run(folder)
    same = table[table.sha256 == table.sha256[table.path == "low/0.wav"].iloc[0]]
    assert list(same.path) == ["low/0.wav", *(f"low/more{name}/x.wav" for name in "abc")]
    assert list(same.group) == ["low/0.wav"] * 4
    assert same["split"].nunique() == 1
    assert (table.group == table.path)[~table.path.isin(same.path)].all()
    assert warnings[1:] == [
        "'low/0.wav' and 'low/morea/x.wav' hold the same bytes (and 2 more such pairs): they are in one split and "
        "count twice; remove one."
    ]


@pytest.fixture
def collection(folder, tmp_path, monkeypatch, capsys):
    """Prepares a growing folder as the pipeline's first stage does: (the manifest's split by path, what was said)."""
    project = tmp_path / "project"
    project.mkdir()
    write_params(project, **{"data.root": str(folder)})
    monkeypatch.chdir(project)
    monkeypatch.delenv("DVC_ROOT", raising=False)

    def prepared() -> tuple[dict[str, str], list[str]]:
        pipeline.prepare("genre")
        table = manifest.load(project / "data/genre/manifest.csv")
        said = capsys.readouterr().out.splitlines()
        return dict(zip(table.path, table["split"], strict=True)), [line for line in said if "group" in line][1:]

    return prepared


RECORDED = "splits/genre.csv records in which split each group is."


def test_a_growing_collection_stays_where_it_was(folder, collection):
    first, said = collection()
    assert said == ["9 groups were assigned to splits, and stay there as the collection grows.", RECORDED]
    written, table = Path("splits/genre.csv").read_bytes(), Path("data/genre/manifest.csv").read_bytes()
    assert collection() == (first, [])
    assert Path("splits/genre.csv").read_bytes() == written
    assert Path("data/genre/manifest.csv").read_bytes() == table
    for i in range(6, 10):
        sf.write(folder / f"noise/{i}.wav", noise(1.5, 8000, seed=100 + i), 8000)
        add(folder, f"noise/{i}.wav", "noise")
    now, said = collection()
    assert {path: now[path] for path in first} == first
    assert len(now) == 22
    assert said[0].startswith("New groups assigned to splits: 4 (")
    assert said[0].endswith("; 9 stay where they were.")
    assert said[-1] == RECORDED
    lines = (folder / "manifest.csv").read_text().splitlines()
    (folder / "manifest.csv").write_text("\n".join([lines[0], *reversed(lines[1:])]) + "\n")
    assert collection() == (now, [])


def test_an_official_split_has_no_record(folder, collection):
    lines = (folder / "manifest.csv").read_text().splitlines()
    rows = [f"{row},{('train', 'val', 'test')[int(row[-1])]}" for row in lines[1:]]
    (folder / "manifest.csv").write_text("\n".join([f"{lines[0]},split", *rows]))
    assert collection()[1] == []
    assert Path("splits/genre.csv").read_text() == "group,split,seed,test_share,val_share\n"


def test_a_broken_record_stops_before_anything_is_read(folder, collection):
    Path("splits").mkdir()
    Path("splits/genre.csv").write_text("<<<<<<< HEAD\n")
    with pytest.raises(EarmarkError, match=r"^splits/genre.csv, which says what is in which split, cannot be used"):
        collection()
    assert not Path("data").exists()


def test_the_demo_is_no_growing_collection(folder):
    found = reading.prepare(CORPORA, data_settings(source="demo"), folder, lambda text: None, plain_progress)
    assert found.dealt == {}
    assert len(reading.prepare(CORPORA, data_settings(), folder, lambda text: None, plain_progress).dealt) == 9


def test_fold_alone_names_the_folds(folder):
    lines = (folder / "manifest.csv").read_text().splitlines()
    rows = [f"{row},{int(row.split('/')[1][0]) // 2}" for row in lines[1:]]
    (folder / "manifest.csv").write_text("\n".join([f"{lines[0]},fold", *rows]))
    table, _, warnings = run(folder, test_fold=2)
    assert set(table.path[table["split"] == "test"]) == {
        f"{y}/{i}.wav" for y in ("low", "high", "noise") for i in (4, 5)
    }
    assert sorted(table.fold.unique()) == ["0", "1", "2"]
    assert warnings == []


def test_folder_that_cannot_be_read(tmp_path):
    with pytest.raises(EarmarkError, match="does not exist; set tasks"):
        run(tmp_path / "nowhere")
    with pytest.raises(EarmarkError, match=r"neither manifest\.csv nor sub-folders"):
        run(tmp_path)


def test_same_bytes_in_two_splits_are_warned_of(folder):
    table, _, _ = run(folder)
    one = table.path[(table["split"] == "train") & (table.label == "low")].iloc[0]
    other = table.path[(table["split"] == "test") & (table.label == "low")].iloc[0]
    (folder / other).write_bytes((folder / one).read_bytes())
    _, _, warnings = run(folder)
    assert len(warnings) == 1
    assert one in warnings[0]
    assert other in warnings[0]
    assert "same bytes" in warnings[0]
