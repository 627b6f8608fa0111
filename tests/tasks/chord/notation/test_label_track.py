"""Audacity's label tracks as they are exported: regions, points, frequencies, decimal commas, and what is refused."""

import pytest

from earmark.errors import EarmarkError
from earmark.tasks.chord import annotations
from earmark.tasks.chord.notation import label_track


def put(tmp_path, text: str, name: str = "song.txt"):
    (tmp_path / name).write_bytes(text.encode("utf-8"))
    return tmp_path / name


def chords(tmp_path, text: str, duration_s: float | None = 10.0) -> list[tuple[float, float, str]]:
    found = annotations.chords(put(tmp_path, text), duration_s)
    return [(s.start_s, s.end_s, s.label) for s in found]


def error(tmp_path, text: str, duration_s: float | None = 10.0) -> str:
    with pytest.raises(EarmarkError) as caught:
        chords(tmp_path, text, duration_s)
    assert "\n" not in str(caught.value)
    return str(caught.value).removeprefix(f"{tmp_path}/song.txt")


@pytest.mark.parametrize(
    "text",
    [
        "0.000000\t2.500000\tC:maj\n2.500000\t4.000000\tAm7\n4.000000\t10.000000\tN.C.\n",
        "0,000000\t2,500000\tC:maj\n2,500000\t4,000000\tAm7\n4,000000\t10,000000\tN.C.\n",  # a locale of commas
        "0\t2.5\t C:maj \r\n2.5\t4\tAm7\r\n4\t1e1\tno chord\r\n",
        # With frequencies, as https://manual.audacityteam.org/man/importing_and_exporting_labels.html shows them.
        "0.0\t2.5\tC:maj\n\\\t6928.456055\t6928.456055\n2.5\t4.0\tAm7\n\\\t-1.000000\t6334.588867\n4.0\t10.0\tN\n",
        "\ufeff0.0\t2.5\tC:maj\n\n2.5\t4.0\tAm7\n4.0\t10.0\tN\n",
    ],
)
def test_regions(tmp_path, text):
    assert chords(tmp_path, text) == [(0.0, 2.5, "C:maj"), (2.5, 4.0, "A:min7"), (4.0, 10.0, "N")]


def test_points_last_until_the_next_and_the_last_one_until_the_end(tmp_path):
    text = "1.000000\t1.000000\tC\n2.250000\t2.250000\tG7\n6.000000\t6.000000\tN\n"
    assert chords(tmp_path, text) == [(1.0, 2.25, "C"), (2.25, 6.0, "G:7"), (6.0, 10.0, "N")]
    assert chords(tmp_path, "3\t3\tC\n") == [(3.0, 10.0, "C")]


@pytest.mark.parametrize("last", ["10", "10.4"])
def test_a_point_at_the_very_end_ends_the_chord_before_it(tmp_path, last):
    assert chords(tmp_path, f"1\t1\tC\n{last}\t{last}\t\n") == [(1.0, 10.0, "C")]


def test_a_label_without_a_text_is_unknown(tmp_path):
    assert chords(tmp_path, "0\t1\tC\n1\t2\t\n2\t3\n3\t4\tG\n") == [
        *((0, 1, "C"), (1, 2, "X"), (2, 3, "X"), (3, 4, "G")),
    ]
    assert chords(tmp_path, "0\t0\tC\n4\t4\t\n") == [(0, 4, "C"), (4, 10, "X")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "0\t1\tC\n\\\t1\t2\n1\t1\tG\n",
            (
                ", row 3 is a label at a point, but others are labels of a region; give each chord a region, or "
                "mark every change with a point."
            ),
        ),
        ("0\t1\t\n1\t2\t \n", ": no label has any text; write chords into the labels, as in C:maj, Am7 or N."),
        ("0\t1\tC\n1 2 G\n", ", row 2: '1 2 G' is not 'START END LABEL' separated by tabs, times in seconds."),
        ("0\t1\tC\n1\tG\n", ", row 2: '1\tG' is not 'START END LABEL' separated by tabs, times in seconds."),
        ("1\t1\tC\n1\t1\tG\n", ", row 2: the label at 1 s must lie after the one at 1 s."),
        ("2\t2\tC\n1\t1\tG\n", ", row 2: the label at 1 s must lie after the one at 2 s."),
        (
            "0\t3\tC\n2\t4\tG\n",
            ", row 2 starts at 2 s, but the row before ends at 3 s; rows must follow one another without overlap.",
        ),
        ("3\t2\tC\n", ", row 1 runs from 3 to 2 s; the start must be at least 0, and the end after it."),
        (
            "0\t1\tC or so\n",
            (
                ", row 1: 'C or so' is not a chord in Harte's notation, such as C:maj, A:min7/b3 or N; correct the "
                "label, or write X for a chord that is unknown."
            ),
        ),
        (
            "1\t1\tC\n12\t12\tG\n",
            ", last row ends at 12.00 s, but the audio lasts 10.00 s; does the annotation belong to another recording?",
        ),
    ],
)
def test_mistakes(tmp_path, text, said):
    assert error(tmp_path, text) == said


def test_how_long_the_last_point_lasts_must_be_known(tmp_path):
    assert "so it is not known how long the last one lasts; give regions" in error(tmp_path, "1\t1\tC\n", None)
    assert chords(tmp_path, "1\t2\tC\n", None) == [(1, 2, "C")]


@pytest.mark.parametrize(
    ("text", "one"),
    [
        ("0.5\t1.5\tC\n", True),
        ("\n\n0,5\t0,5", True),
        ("-0.5\t1.5\tC\n", True),
        ("0.5 1.5 C\n", False),
        ("[Verse]\nC  G\n", False),
        ("", False),
        ("\\\t1\t2\n", False),
    ],
)
def test_which_text_is_one(tmp_path, text, one):
    assert label_track.is_one(put(tmp_path, text)) is one


def test_what_is_no_text_is_none(tmp_path):
    (tmp_path / "song.txt").write_bytes(b"0.5\t1.5\t\xff\n")
    assert not label_track.is_one(tmp_path / "song.txt")
    assert not label_track.is_one(tmp_path)
    assert not label_track.is_one(tmp_path / "none.txt")


def test_another_text_is_read_as_lab_as_ever(tmp_path):
    assert chords(tmp_path, "0 1 C\n1 2 G:7\n") == [(0, 1, "C"), (1, 2, "G:7")]
    with pytest.raises(EarmarkError, match="the start must be at least 0, and the end after it"):
        annotations.chords(put(tmp_path, "1\t1\tC\n", "song.lab"), 10.0)  # .lab stays strict
