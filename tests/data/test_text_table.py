"""CSV as pandas, R, spreadsheets and people write it: what is read as what, and the line that is named."""

import codecs
from pathlib import Path

import pytest

from earmark.data import text_table
from earmark.errors import EarmarkError

REQUIRED = ("path", "label", "group")
ROWS = [["a.wav", "x", "1"], ["b.wav", "y", "2"]]
PLAIN = "path,label,group\na.wav,x,1\nb.wav,y,2\n"


def read(tmp_path: Path, raw: bytes | str, required: tuple[str, ...] = REQUIRED) -> tuple[list[str], dict]:
    path = tmp_path / "t.csv"
    path.write_bytes(raw.encode() if isinstance(raw, str) else raw)
    return text_table.read(path, required)


def refused(tmp_path: Path, raw: bytes | str) -> str:
    with pytest.raises(EarmarkError) as caught:
        read(tmp_path, raw)
    assert "\n" not in str(caught.value)
    return str(caught.value).removeprefix(f"{tmp_path / 't.csv'}")


@pytest.mark.parametrize(
    "raw",
    [
        PLAIN,
        PLAIN.removesuffix("\n"),
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace("\n", "\r"),
        PLAIN.replace(",", ";"),
        PLAIN.replace(",", "\t"),
        PLAIN.replace(",", "|"),
        PLAIN.replace(",", ", "),
        PLAIN.replace(",", " , "),
        PLAIN.replace("path,label,group", "Path, label ,GROUP"),
        PLAIN.replace("path,label,group", '"path","label","group"').replace("a.wav", '"a.wav"'),
        ",path,label,group\n0,a.wav,x,1\n1,b.wav,y,2\n",  # pandas' index
        '"","path","label","group"\n"1","a.wav","x",1\n"2","b.wav","y",2\n',  # R's
        "Unnamed: 0,path,label,group\n0,a.wav,x,1\n1,b.wav,y,2\n",
        "Unnamed: 0.1,Unnamed: 0,path,label,group\n0,0,a.wav,x,1\n1,1,b.wav,y,2\n",
        "path,label,group,\na.wav,x,1,\nb.wav,y,2,\n",
        "path,label,group,,\na.wav,x,1\nb.wav,y,2,,\n",
        "path,label,group\na.wav,x,1,\nb.wav,y,2,,\n",
        "path,,label,group\na.wav,,x,1\nb.wav,?,y,2\n",
        "sep=;\n" + PLAIN.replace(",", ";"),
        "# written by hand\n\n" + PLAIN,
        "#" + PLAIN,
        codecs.BOM_UTF8 + PLAIN.encode(),
        PLAIN.encode("utf-16"),
        codecs.BOM_UTF16_BE + PLAIN.encode("utf-16-be"),
        PLAIN.replace(",", "\t").encode("utf-16"),  # Excel's Unicode text
        PLAIN.encode("utf-32"),
    ],
)
def test_one_table_in_many_hands(tmp_path, raw):
    columns, rows = read(tmp_path, raw)
    assert (columns, list(rows.values())) == (list(REQUIRED), ROWS)


def test_rows_are_numbered_by_line(tmp_path):
    text = '# a comment\npath,label,group\n\na.wav,"x\ny",1\n,,\n  \n"b, c.wav",y,2\n'
    _, rows = read(tmp_path, text)
    assert rows == {5: ["a.wav", "x\ny", "1"], 8: ["b, c.wav", "y", "2"]}


def test_other_columns_keep_their_names(tmp_path):
    columns, rows = read(tmp_path, "Path,Label,group,Artist,SPLIT,Lab\na.wav,x,1,Elvis,train,\n")
    assert columns == ["path", "label", "group", "Artist", "split", "lab"]
    assert rows == {2: ["a.wav", "x", "1", "Elvis", "train", ""]}
    assert read(tmp_path, "fsid,Class\n1,x\n", ("fsID", "class"))[0] == ["fsID", "class"]


def test_semicolons_between_paths_are_none_between_fields(tmp_path):
    text = "utterance,label,paths\nu,a,1.wav;2.wav;3.wav;4.wav\n"
    assert read(tmp_path, text, ("utterance", "label", "paths"))[1] == {2: ["u", "a", "1.wav;2.wav;3.wav;4.wav"]}


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ("path,label,label,group\na.wav,x,x,1\n", ", line 1 names the column 'label' twice; keep one."),
        ("path,label,group,Label\na.wav,x,1,x\n", ", line 1 names the column 'label' twice; keep one."),
        ("\npath,label,group,note,note\na.wav,x,1,,\n", ", line 2 names the column 'note' twice; keep one."),
        ("a.wav,x,1\nb.wav,y,2\n", " has no column 'path'; add it (its columns are: 1, a.wav, x)."),
        (PLAIN + "c.wav,x,3,4\n", ", line 4 has more fields than the header; quote fields that hold a comma."),
        (
            PLAIN.replace(",", ";") + "c.wav;x;3;4\n",
            ", line 4 has more fields than the header; quote fields that hold a semicolon.",
        ),
        (
            PLAIN + "c.wav,x\n",
            ", line 4: 'group' is empty, as the line has 2 of the header's 3 fields; fill it in.",
        ),
        (
            "path,label,group,split\na.wav,x,train\n",
            ", line 2: 'split' is empty, as the line has 3 of the header's 4 fields; fill it in.",
        ),
        (
            PLAIN + '\n"c.wav,x,3\n',
            " cannot be read as CSV: the row on line 5 is broken (unexpected end of data); write quotes inside a "
            "quoted field twice.",
        ),
        (
            PLAIN + '"c" d.wav,x,3\n',
            " cannot be read as CSV: the row on line 4 is broken (',' expected after '\"'); write quotes inside a "
            "quoted field twice.",
        ),
        (
            (PLAIN + "café.wav,x,3\n").encode("latin-1"),
            " cannot be read as CSV in UTF-8: line 4 holds the byte 0xe9 ('é' in Latin-1); save it as UTF-8.",
        ),
        (PLAIN.encode("utf-16-le"), " cannot be read as CSV in UTF-8: line 1 holds a NUL; save it as UTF-8."),
    ],
)
def test_what_is_not_plain_is_refused_by_its_line(tmp_path, raw, said):
    assert refused(tmp_path, raw) == said


def test_a_folder_in_the_place_of_the_table(tmp_path):
    with pytest.raises(EarmarkError, match="cannot be read \\(Is a directory\\); put a readable table there"):
        text_table.read(tmp_path, REQUIRED)
