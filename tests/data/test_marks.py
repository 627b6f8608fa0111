"""What people say of labels: review.csv, written and read."""

import pytest

from earmark.data import marks
from earmark.data.marks import Mark
from earmark.errors import EarmarkError

MARKS = [
    Mark("a.wav", "low", status="corrected", corrected="Café", note='she said "so",\n', by="Ada", at="2026-01-02"),
    Mark("b.wav", "C:maj", 1.5, 2.25, "wrong", manifest_sha256="12ab"),
    Mark("b.wav", "G:maj", 2.25, 3.0),
]
HEAD = "path,start_s,end_s,label,status,corrected,note,by,at,manifest_sha256\n"


def test_written_and_read_again(tmp_path):
    path = tmp_path / "new/review.csv"
    marks.write(path, MARKS)
    assert path.read_bytes().decode() == (
        f"{HEAD}"
        'a.wav,,,low,corrected,Café,"she said ""so"",\n",Ada,2026-01-02,\n'
        "b.wav,1.500000,2.250000,C:maj,wrong,,,,,12ab\n"
        "b.wav,2.250000,3.000000,G:maj,,,,,,\n"
    )
    assert marks.read(path) == [Mark(**vars(MARKS[0]) | {"note": 'she said "so",'}), *MARKS[1:]]
    assert [p.name for p in path.parent.iterdir()] == ["review.csv"]


def test_read_as_a_spreadsheet_saves_it(tmp_path):
    path = tmp_path / "review.csv"
    path.write_bytes(b"\xef\xbb\xbfpath;label;status;corrected\r\na.wav;low;Corrected;Cafe\xcc\x81\r\nb.wav;low;;\r\n")
    assert marks.read(path) == [Mark("a.wav", "low", status="corrected", corrected="Café"), Mark("b.wav", "low")]


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("a.wav,,,low,right,,,,,", r"line 3: 'right' is not a status; known: corrected, doubtful, wrong\."),
        ("a.wav,,,low,wrng,,,,,", r"line 3: 'wrng' is not a status; did you mean 'wrong'\?"),
        (
            "a.wav,,,low,corrected,,,,,",
            "line 3: fill in the column 'corrected' if, and only if, the status is corrected",
        ),
        (
            "a.wav,,,low,wrong,high,,,,",
            "line 3: fill in the column 'corrected' if, and only if, the status is corrected",
        ),
        ("a.wav,,,low,,high,,,,", "line 3: fill in the column 'corrected' if, and only if, the status is corrected"),
        ("a.wav,1,,low,wrong,,,,,", "line 3 has only one of start_s and end_s; give both"),
        ("a.wav,one,2,low,wrong,,,,,", "line 3: 'start_s' must be a number of seconds, not 'one'"),
        ("b.wav,,,low,wrong,,,,,", r"line 3 marks 'b\.wav' again; keep one row for each"),
    ],
)
def test_refused_by_line(tmp_path, row, says):
    path = tmp_path / "review.csv"
    path.write_text(f"{HEAD}b.wav,,,low,,,,,,\n{row}\n")
    with pytest.raises(EarmarkError, match=says) as caught:
        marks.read(path)
    assert str(caught.value).startswith(f"{path}, line 3")


def test_a_table_without_a_status_is_none(tmp_path):
    (tmp_path / "review.csv").write_text("path,label\na.wav,low\n")
    with pytest.raises(EarmarkError, match=r"review\.csv has no column 'status'; add it"):
        marks.read(tmp_path / "review.csv")
