"""Which file beside a recording has its chords."""

import json
from pathlib import Path

from builders import data_settings, prepared, tone
from earmark.data.walking import walk
from earmark.tasks.chord import beside, corpora

LAB, TRACK = "0 2 C\n", "0.000000\t0.000000\tF\n"
JAMS = json.dumps(
    {
        "annotations": [
            {"namespace": "chord", "data": [{"time": 0, "duration": 2, "value": "G:7"}]},
            {"namespace": "key_mode", "data": [{"time": 0, "duration": 2, "value": "C:major"}]},
        ]
    }
)


def put(root: Path, **files: str) -> Path:
    for name, text in files.items():
        (root / name.replace("_", ".")).write_text(text)
    return root


def read(root: Path) -> tuple[dict[str, str], list[str]]:
    said: list[str] = []
    found = beside.chords(walk(root), said.append)
    return {str(path): str(file) for path, file in found.items()}, said


def test_lab_before_jams_before_a_label_track(tmp_path):
    put(tmp_path, a_wav="", b_wav="", c_wav="", a_lab=LAB, a_jams=JAMS, a_txt=TRACK, b_jams=JAMS, b_txt=TRACK)
    put(tmp_path, c_TXT=TRACK)
    assert read(tmp_path) == (
        {"a.wav": "a.lab", "b.wav": "b.jams", "c.wav": "c.TXT"},
        [
            (
                f"2 recordings in {tmp_path} have more than one file of chords: .lab comes before .jams, and both "
                "before .txt (a.lab is read here, a.jams is not)."
            )
        ],
    )


def test_a_text_that_is_no_label_track_is_no_chords(tmp_path):
    put(tmp_path, a_wav="", b_wav="", a_lab=LAB, a_txt="[Verse]\nC G\n", b_txt="lyrics\n")
    assert read(tmp_path) == ({"a.wav": "a.lab"}, [])


def test_a_folder_of_songs_in_all_formats(tmp_path):
    """The chords, and of JAMS the key."""
    for i, name in enumerate("abcdef"):
        tone(tmp_path / f"{name}.wav", 200.0 + 10 * i, 2.0, 8000)
    put(tmp_path, a_lab=LAB, b_jams=JAMS, c_txt=TRACK, d_lab=LAB, e_jams=JAMS, f_txt="0,5\t1,5\tAm\n")
    said: list[str] = []
    table, quarantined = prepared("chord", data_settings(source="folder"), tmp_path, said.append)
    assert quarantined.empty
    assert list(table[["path", "chords", "key"]].itertuples(index=False, name=None)) == [
        ("a.wav", "0.000000\t2.000000\tC\n", ""),
        ("b.wav", "0.000000\t2.000000\tG:7\n", "C:maj"),
        ("c.wav", "0.000000\t2.000000\tF\n", ""),
        ("d.wav", "0.000000\t2.000000\tC\n", ""),
        ("e.wav", "0.000000\t2.000000\tG:7\n", "C:maj"),
        ("f.wav", "0.500000\t1.500000\tA:min\n", ""),
    ]


def test_a_manifest_names_them_too(tmp_path):
    rows = []
    for i, kind in enumerate(("lab", "jams", "txt") * 2):
        tone(tmp_path / f"{i}.wav", 200.0 + 10 * i, 2.0, 8000)
        (tmp_path / f"{i}.{kind}").write_text({"lab": LAB, "jams": JAMS, "txt": TRACK}[kind])
        rows.append(f"{i}.wav,{i}.{kind},{i}")
    (tmp_path / "manifest.csv").write_text("\n".join(["path,lab,group", *rows]))
    table, quarantined = prepared("chord", data_settings(source="folder"), tmp_path, lambda text: None)
    assert quarantined.empty
    assert [text.split("\t")[2] for text in table.chords] == ["C\n", "G:7\n", "F\n"] * 2


def test_only_lab_files_make_no_column_of_keys(tmp_path):
    put(tmp_path, a_wav="", a_lab=LAB)
    assert list(corpora.folder(tmp_path, lambda text: None)) == ["path", "lab", "group"]
