"""Chord names of popular music, against notes written down by hand and encoded by mir_eval."""

import mir_eval
import pytest

from earmark.tasks.chord.notation import harte, lab, pop
from earmark.tasks.chord.notation.vocabulary import WIDE

# Names, and the semitones above the root that they mean.
SPELLINGS = {
    (0, 4, 7): "CM Cmaj Cma Cmajor CMaj",
    (0, 3, 7): "Cm Cmin Cmi C- C− CMI Cminor",
    (0, 4, 7, 11): "Cmaj7 CM7 Cma7 CMA7 CΔ CΔ7 C△7 C^7 C^ C7M Cj7 C(maj7)",
    (0, 4, 7, 10): "C7 Cdom7 C(b7)",
    (0, 3, 7, 10): "Cm7 Cmin7 C-7 Cmi7 CMI7 CMin7",
    (0, 3, 7, 11): "CmM7 Cm(maj7) Cmmaj7 CminMaj7 C-Δ C-Δ7 Cm/maj7 Cm(M7) Cm+7 Cm#7 Cm7M",
    (0, 3, 6): "Cdim C° Co Cdiminished Cm(b5) Cmb5 C-b5",
    (0, 3, 6, 9): "Cdim7 C°7 Co7",
    (0, 3, 6, 10): "Cø Cø7 CØ7 Cm7b5 Cm7(b5) Cm7♭5 Cm7-5 C-7b5 Chdim7 Cmin7b5",
    (0, 3, 6, 11): "Cdim(maj7) C°M7",
    (0, 4, 8): "C+ Caug C(#5) C+5 Caugmented",
    (0, 4, 8, 10): "C+7 Caug7 C7#5 C7+5 C7+ C7(#5) C7♯5 C7aug",
    (0, 4, 8, 11): "C+M7 Caugmaj7 Cmaj7#5 CΔ#5 Cmaj7(#5)",
    (0, 4, 6): "C(b5) C-5 C(♭5)",
    (0, 4, 6, 10): "C7b5 C7-5 C7(b5)",
    (0, 7): "C5 C(no3) Comit3 Cno3rd",
    (0, 4, 10): "C7(no5) C7omit5",
    (0, 5, 7): "Csus Csus4 C4",
    (0, 2, 7): "Csus2",
    (0, 2, 5, 7): "Csus2sus4 Csus24 Csus4(9) Csus4add9",
    (0, 5, 7, 10): "C7sus4 C7sus Csus7 C7(sus4)",
    (0, 2, 5, 7, 10): "C9sus4 C9sus Csus9",
    (0, 2, 5, 7, 9, 10): "C13sus4 C13sus",
    (0, 4, 7, 9): "C6 Cmaj6 CM6 Cadd6",
    (0, 3, 7, 9): "Cm6 C-6 Cmin6",
    (0, 2, 4, 7, 9): "C6/9 C69 C6(9) C6add9",
    (0, 2, 3, 7, 9): "Cm6/9 Cm69 C-69",
    (0, 2, 4, 7): "Cadd9 C2 Cadd2 C(add9) C(9) CMadd9",
    (0, 2, 3, 7): "Cmadd9 Cm(add9) C-add9 Cm(9)",
    (0, 4, 5, 7): "Cadd11 Cadd4",
    (0, 2, 4, 7, 10): "C9 C7(9) Cdom9",
    (0, 2, 4, 7, 11): "Cmaj9 CM9 CΔ9 Cmaj7(9)",
    (0, 2, 3, 7, 10): "Cm9 C-9 Cmin9 Cm7(9)",
    (0, 2, 3, 7, 11): "Cm(maj9) CmM9",
    (0, 1, 4, 7, 10): "C7b9 C7-9 C7(b9) C7♭9",
    (0, 3, 4, 7, 10): "C7#9 C7+9 C7(#9)",
    (0, 4, 6, 7, 10): "C7#11 C7(#11) C7+11",
    (0, 4, 7, 8, 10): "C7b13 C7(b13) C7-13",
    (0, 4, 6, 7, 11): "Cmaj7#11 CΔ#11",
    (0, 1, 4, 7, 8, 10): "C7(b9,b13) C7b9b13 C7(b9/b13)",
    (0, 3, 4, 8, 10): "C7#5#9 C7(#5,#9) C+7#9",
    (0, 4, 7, 9, 10): "C7(13) C7add13",
    (0, 1, 4, 7, 9, 10): "C13b9 C7(b9,13)",
    (0, 2, 4, 6, 7, 9, 10): "C13#11",
    (0, 2, 4, 5, 7, 10): "C11",
    (0, 2, 3, 5, 7, 10): "Cm11 C-11",
    (0, 2, 4, 5, 7, 11): "Cmaj11",
    (0, 2, 4, 5, 7, 9, 10): "C13",
    (0, 2, 3, 5, 7, 9, 10): "Cm13",
    (0, 2, 4, 5, 7, 9, 11): "Cmaj13 CM13",
    (0, 5, 7, 11): "Cmaj7sus4",
}
NAMES = [(name, intervals) for intervals, names in SPELLINGS.items() for name in names.split()]


def encoded(label: str) -> tuple[int, tuple[int, ...], int]:
    """Root, semitones above it that sound, and the bass's, by mir_eval."""
    root, bitmap, bass = mir_eval.chord.encode(label, reduce_extended_chords=True)
    return root, tuple(i for i in range(12) if bitmap[i]), bass


@pytest.mark.parametrize(("name", "intervals"), NAMES)
def test_a_name_means_its_notes(name, intervals):
    assert encoded(pop.to_harte(name)) == (0, intervals, 0)
    assert encoded(pop.to_harte(f"F#{name[1:]}/A#")) == (6, tuple(sorted({*intervals, 4})), 4)


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("Cmaj7", "C:maj7"),
        ("Am", "A:min"),
        ("Bb", "Bb"),
        ("B♭m7", "Bb:min7"),
        ("F♯", "F#:maj"),
        ("C/E", "C:maj/3"),
        ("Am7/G", "A:min7/b7"),
        ("C/Bb", "C:maj/b7"),
        ("F/G", "F:maj/2"),
        ("C/C", "C:maj"),
        ("C6/9/E", "C:maj6(9)/3"),
        ("C+/G#", "C:aug/#5"),
        ("A:min/G", "A:min/b7"),
        ("Cm7b5", "C:hdim7"),
        ("C7sus4", "C:sus4(b7)"),
        ("Cb5", "Cb:5"),  # a sign behind the letter is the root's
        ("Bbb5", "Bb:maj(*5,b5)"),
        ("Bbbm7", "Bbb:min7"),
        ("C#9", "C#:9"),
    ],
)
def test_labels(name, label):
    assert pop.to_harte(name) == label


@pytest.mark.parametrize("name", ["N.C.", "NC", "n.c.", "N.C", "nc", "N/C", "no chord", "No_Chord"])
def test_no_chord(name):
    assert pop.to_harte(name) == "N"


@pytest.mark.parametrize(
    "label", ["N", "X", "C", "Bbb", "C/5", "C/9", "C/b7", "C:7", "C:maj/3", "G:sus4(b7,9)", "A:(1,b3)", "C:maj7(*5)"]
)
def test_what_is_harte_stays(label):
    assert pop.to_harte(label) == label


@pytest.mark.parametrize(
    "name",
    [
        *(
            "",
            "H",
            "Hm7",
            "am",
            "c",
            "Cfoo",
            "C7alt",
            "C7/9",
            "Am7/5",
            "C/H",
            "C/e",
            "C//E",
            "C/E/G",
            "C((b5))",
            "C(b5",
        ),
        *("C)", "C,E", "X/E", "N7", "C:m", "C:Maj7", "C:maj/3/E", "C7maj7", "Cmaj7maj7", "C7sus4sus7", "Cm5", "Cm/9"),
        *("None", "nan", "silence", "?", "C7b913", "Cno3no3", "C m"),
    ],
)
def test_what_readers_would_disagree_on_is_refused(name):
    with pytest.raises(harte.ChordError, match="is not a chord in Harte's notation"):
        pop.to_harte(name)


SAID = [
    harte.label_of(index, bass, WIDE)
    for index in range(WIDE.n_classes)
    for bass in (range(12) if index < WIDE.none else [None])
]


def test_everything_a_model_says_has_a_name_that_means_the_same():
    assert len(SAID) == 12 * 12 * len(WIDE.qualities) + 1
    for label in SAID:
        name = pop.of_harte(label)
        again = pop.to_harte(name)
        assert harte.parse(again) == harte.parse(label), (label, name)
        assert pop.of_harte(again) == name
        mir_eval.chord.validate_chord_label(again)
        assert encoded(again) == encoded(label)
    assert len({pop.of_harte(label) for label in SAID}) == len(SAID)


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("N", "N.C."),
        ("C:maj", "C"),
        ("C:maj/3", "C/E"),
        ("E:maj/3", "E/G#"),
        ("Ab:min/b3", "Abm/Cb"),
        ("F#:7/b7", "F#7/E"),
        ("Eb:dim/b5", "Ebdim/A"),  # Bbb
        ("A:min7", "Am7"),
        ("B:hdim7", "Bm7b5"),
        ("G:sus4(b7)", "G7sus4"),
        ("C:aug/#5", "Caug/G#"),
        ("D:7(#9)/#9", "D7#9/E#"),
        ("C:maj(11)", "C:maj(11)"),  # what no model says
        ("X", "X"),
    ],
)
def test_names(label, name):
    assert pop.of_harte(label) == name


def test_files_are_converted_and_counted(tmp_path):
    path = tmp_path / "song.lab"
    path.write_text("0 1 N.C.\n1 2 no chord\n2 3 Am7\n3 4 Am7\n4 5 C:maj\n5 6 C/E\n6 7 C:aug7\n")
    converted = pop.Converted()
    found = lab.read(path, converted=converted)
    assert [s.label for s in found] == ["N", "N", "A:min7", "A:min7", "C:maj", "C:maj/3", "C:aug(b7)"]
    assert converted == {("N.C.", "N"): 1, ("no_chord", "N"): 1, ("Am7", "A:min7"): 2, ("C/E", "C:maj/3"): 1}


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        ([], None),
        (
            ["Am"],
            "1 chord name is not in Harte's notation, and is read as in lead sheets of popular music: Am as A:min.",
        ),
        (
            ["C7", "Am", "Am", "Dm", "Em", "Fm", "Gm"],
            (
                "7 chord names are not in Harte's notation, and are read as in lead sheets of popular music: Am as "
                "A:min, C7 as C:7, Dm as D:min, Em as E:min, Fm as F:min and 1 more."
            ),
        ),
    ],
)
def test_what_was_converted_is_told(names, sentence):
    assert pop.conversion_note(pop.Converted((name, pop.to_harte(name)) for name in names)) == sentence
