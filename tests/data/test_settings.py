"""Settings of recordings: which table of the folder is read."""

import pytest

from builders import data_settings, plain_progress, small_folder
from earmark.data import reading
from earmark.errors import EarmarkError
from earmark.tasks import catalog


@pytest.mark.parametrize("name", ["", ".", "..", "a/b.csv", "/a.csv", "a\\b.csv", "a\0.csv"])
def test_a_manifest_is_a_plain_name(name):
    with pytest.raises(ValueError, match=r"^manifest must be the plain name of a file in data.root, without folders$"):
        data_settings(manifest=name)


@pytest.mark.parametrize("source", ["demo", "esc50"])
def test_another_manifest_is_read_of_a_folder_alone(source):
    assert data_settings(source=source).manifest == "manifest.csv"
    with pytest.raises(ValueError, match=r"^manifest applies to source folder alone; remove the key$"):
        data_settings(source=source, manifest="mine.csv")


FACTS = {"genre": "label", "speaker": "label", "chord": "lab"}


@pytest.mark.parametrize("task", FACTS)
def test_every_task_reads_the_manifest_that_is_named(task, tmp_path):
    corpora = catalog.task(task).room("corpora").CORPORA
    (tmp_path / "manifest.csv").write_text(f"path,{FACTS[task]},group\na.wav,1,g\nb.wav,2,h\n")
    (tmp_path / "mine.csv").write_text(f"path,{FACTS[task]},group\nb.wav,3,h\n")
    assert list(reading.list_recordings(corpora, data_settings(), tmp_path, pytest.fail).path) == ["a.wav", "b.wav"]
    found = reading.list_recordings(corpora, data_settings(manifest="mine.csv"), tmp_path, pytest.fail)
    assert found.to_dict() == {
        column: {"mine.csv, line 2": value} for column, value in (("path", "b.wav"), (FACTS[task], "3"), ("group", "h"))
    }
    with pytest.raises(EarmarkError, match=r"holds no other\.csv, which tasks\.\*\.data\.manifest names"):
        reading.list_recordings(corpora, data_settings(manifest="other.csv"), tmp_path, pytest.fail)


def test_a_line_of_another_manifest_is_named_with_it(tmp_path):
    root = small_folder(tmp_path / "audio")
    (root / "mine.csv").write_text("path,label,group\nlow/0.wav,low,g\n../a.wav,low,h\n")
    said: list[str] = []
    with pytest.raises(EarmarkError, match=r"mine\.csv, line 3: '\.\./a\.wav' lies outside"):
        reading.read(
            catalog.task("genre").room("corpora").CORPORA,
            data_settings(manifest="mine.csv"),
            root,
            said.append,
            plain_progress,
        )
    unlisted = "(high/0.wav, high/1.wav, high/2.wav and 14 more)"
    assert said == [f"17 recordings below {root} are not listed in mine.csv {unlisted}: left out."]
