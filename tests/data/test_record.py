"""The record of what was dealt: its file, what it refuses, and two writers."""

from pathlib import Path
from threading import Thread

import pytest

from builders import data_settings
from earmark.data import record
from earmark.data.record import Deal, Record
from earmark.errors import EarmarkError

HEAD = "group,split,seed,test_share,val_share\n"
DEAL = Deal(1, 0.2, 0.2)


def error(function, *args) -> str:
    with pytest.raises(EarmarkError) as caught:
        function(*args)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_written_sorted_and_read_again(tmp_path):
    path = tmp_path / "splits/genre.csv"
    said = {"b": "test", 'a, "1"': "train", "Caf\u00e9\n2": "val", " c": "train", "#d": "val"}
    assert record.keep(Record(path), data_settings(), said, tmp_path / "lock")
    deal = "1,0.2,0.2\n"
    rows = [" c,train,", "#d,val,", '"Caf\u00e9\n2",val,', '"a, ""1""",train,', "b,test,"]
    assert path.read_bytes().decode() == HEAD + "".join(row + deal for row in rows)
    assert record.read(path) == {DEAL: said}
    assert [p.name for p in path.parent.iterdir()] == ["genre.csv"]


def test_written_only_where_something_is_new(tmp_path):
    path, lock = tmp_path / "genre.csv", tmp_path / "lock"
    path.write_text(HEAD + "b,test,1,.2,0.20\r\na,train,1,0.2,0.2\r\n")  # as another program may write it
    before, text = record.find(path, tmp_path), path.read_bytes()
    assert not record.keep(before, data_settings(), {"a": "train", "b": "test"}, lock)
    assert path.read_bytes() == text
    assert record.keep(before, data_settings(), {"a": "train", "b": "test", "c": "val"}, lock)
    assert record.read(path) == {DEAL: {"a": "train", "b": "test", "c": "val"}}


def test_deals_stand_beside_each_other(tmp_path):
    path, lock = tmp_path / "genre.csv", tmp_path / "lock"
    record.keep(Record(path), data_settings(), {"a": "train"}, lock)
    record.keep(record.find(path, tmp_path), data_settings(seed=2, val_share=0), {"a": "test"}, lock)
    assert record.read(path) == {DEAL: {"a": "train"}, Deal(2, 0.2, 0.0): {"a": "test"}}
    assert path.read_text() == HEAD + "a,train,1,0.2,0.2\na,test,2,0.2,0.0\n"


def test_where_nothing_was_dealt_the_header_stands_alone(tmp_path):
    path, lock = tmp_path / "splits/genre.csv", tmp_path / "lock"
    assert not record.keep(Record(path), data_settings(), {}, lock)
    assert path.read_text() == HEAD
    assert record.find(path, tmp_path) == Record(path)
    assert record.keep(Record(path), data_settings(), {"a": "train"}, lock)
    assert not record.keep(Record(path), data_settings(), {}, lock)
    assert path.read_text() == HEAD + "a,train,1,0.2,0.2\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "its first line is not group,split,seed,test_share,val_share"),
        ("group,split\na,train\n", "its first line is not group,split,seed,test_share,val_share"),
        (HEAD + "a,trial,1,0.2,0.2\n", "line 2: 'trial' is not a split (train, val, test)"),
        (HEAD + "a,train,1,0.2,0.2\n<<<<<<< HEAD\n", "line 3 does not have 5 fields"),
        (HEAD + "a,train,one,0.2,0.2\n", "line 2: one,0.2,0.2 are not a seed and shares"),
        (HEAD + "a,train,1,0.2,0.2\na,test,1,0.2,0.2\n", "the group 'a' is in train and in test"),
        (HEAD + '"a,train,1,0.2,0.2\n', "unexpected end of data"),
        (b"group\xff", "it is not UTF-8 text"),
    ],
)
def test_a_broken_record_is_one_sentence(tmp_path, text, expected):
    path = tmp_path / "genre.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    assert error(record.find, path, tmp_path) == (
        f"{path}, which says what is in which split, cannot be used: {expected}; put it back as git has it (git "
        f"checkout {path}), or remove it, and `dvc repro` splits everything again."
    )


def test_a_folder_in_its_place(tmp_path):
    (tmp_path / "genre.csv").mkdir()
    assert "cannot be used: Is a directory; put it back" in error(record.find, tmp_path / "genre.csv", tmp_path)


def test_a_copy_of_the_project_reads_the_record_of_the_main_one_until_it_has_its_own(tmp_path, monkeypatch):
    main = tmp_path / "main"
    copy = tmp_path / "copy"
    place = Path("splits/genre.csv")
    (main / "splits").mkdir(parents=True)
    copy.mkdir()
    (main / place).write_text(HEAD + "a,train,1,0.2,0.2\n")
    monkeypatch.chdir(copy)
    found = record.find(place, main)
    assert found == Record(place, {DEAL: {"a": "train"}})
    assert record.keep(found, data_settings(), {"a": "train", "b": "test"}, tmp_path / "lock")
    assert (main / place).read_text() == HEAD + "a,train,1,0.2,0.2\n"
    assert record.find(place, main).deals == {DEAL: {"a": "train", "b": "test"}}
    assert record.find(Path("splits/chord.csv"), main) == Record(Path("splits/chord.csv"))


def test_what_another_process_added_meanwhile_stays(tmp_path):
    path, lock = tmp_path / "genre.csv", tmp_path / "lock"
    stale = Record(path)
    writers = [
        Thread(target=record.keep, args=(stale, data_settings(), {f"g{i}": "train", "same": "val"}, lock))
        for i in range(8)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert record.read(path) == {DEAL: {f"g{i}": "train" for i in range(8)} | {"same": "val"}}
    assert error(record.keep, stale, data_settings(), {"same": "test"}, lock) == (
        f"{path} has changed in the meantime, and 'same' is in val there; run the command again."
    )


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "splits").write_text("a file")
    path = tmp_path / "splits/genre.csv"
    assert error(record.keep, Record(path), data_settings(), {"a": "train"}, tmp_path / "lock") == (
        f"{path} cannot be written: File exists; make the project's folder writable."
    )
