"""A review applied: what a source's table says, and the new manifest that corrected labels make."""

import hashlib

import pytest

from builders import data_settings
from earmark.data import review
from earmark.errors import EarmarkError
from earmark.tasks import catalog

ROWS = ["path,label,group,split", "b.wav,low,g,train", "a.wav,high,h,test"]


def corpora(task="genre"):
    return catalog.task(task).room("corpora").CORPORA


def fingerprint(root, rows, task="genre", **data) -> str:
    (root / data.get("manifest", "manifest.csv")).write_text("\n".join(rows))
    return review.fingerprint(corpora(task), data_settings(**data), root)


def test_the_fingerprint_is_of_what_a_row_says_and_not_of_order_columns_or_the_tables_name(tmp_path):
    found = fingerprint(tmp_path, ROWS)
    assert found == hashlib.sha256(b"path,label,group,split\na.wav,high,h,test\nb.wav,low,g,train\n").hexdigest()
    assert fingerprint(tmp_path, [ROWS[0], *reversed(ROWS[1:])]) == found
    assert fingerprint(tmp_path, [f"{row},note" for row in ROWS]) == found
    assert fingerprint(tmp_path, ROWS, manifest="mine.csv") == found
    (tmp_path / "a.wav").write_bytes(b"audio is not looked at")
    assert fingerprint(tmp_path, ROWS) == found


@pytest.mark.parametrize("other", ["c.wav,low,g,train", "b.wav,high,g,train", "b.wav,low,i,train", "b.wav,low,g,val"])
def test_the_fingerprint_changes_with_path_label_group_and_split(tmp_path, other):
    assert fingerprint(tmp_path, [ROWS[0], other, ROWS[2]]) != fingerprint(tmp_path, ROWS)


def test_the_fingerprint_of_chords_is_of_what_their_files_hold(tmp_path):
    rows = ["path,lab,group", "a.wav,a.lab,g", "b.wav,b.lab,h"]
    for name in "ab":
        (tmp_path / f"{name}.lab").write_text("0 1 C\n")
    found = fingerprint(tmp_path, rows, "chord")
    (tmp_path / "c.lab").write_text("0 1 C\n")
    assert fingerprint(tmp_path, [*rows[:2], "b.wav,c.lab,h"], "chord") == found  # a copy says the same
    (tmp_path / "b.lab").write_text("0 1 C:min\n")
    assert fingerprint(tmp_path, rows, "chord") != found
    (tmp_path / "b.lab").unlink()  # prepare puts that song aside
    assert fingerprint(tmp_path, rows, "chord") != found
    with pytest.raises(EarmarkError, match=r"line 2: '\.\./a\.lab' lies outside"):
        fingerprint(tmp_path, [rows[0], "a.wav,../a.lab,g"], "chord")


def test_the_fingerprint_of_a_folder_without_a_manifest_is_that_of_the_manifest_it_stands_for(tmp_path):
    for name in ("low/a.wav", "high/b.wav"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(b"")
    found = review.fingerprint(corpora(), data_settings(), tmp_path)
    rows = ["path,label,group", "low/a.wav,low,low/a.wav", "high/b.wav,high,high/b.wav"]
    assert fingerprint(tmp_path, rows) == found
