"""`earmark render genres`: a folder of labelled songs, as long as asked for."""

import pandas as pd
import pytest
import soundfile as sf


def test_songs_of_the_genres_and_length_that_are_asked_for(workplace, earmark):
    code, _, _ = earmark("render", "genres", "songs", "--genre", "waltz", "--songs", "2", "--seconds", "12")
    assert code == 0
    table = pd.read_csv("songs/manifest.csv")
    assert table.label.tolist() == ["waltz", "waltz"]
    assert table.group.tolist() == ["waltz_000", "waltz_001"]
    for path, lab in zip(table.path, table.lab, strict=True):
        seconds = sf.info(workplace / "songs" / path).duration
        assert 12 <= seconds < 22
        assert float((workplace / "songs" / lab).read_text().split("\n")[-2].split("\t")[1]) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--genre", "walz"), "earmark: --genre 'walz' is not one of the demo's genres; did you mean 'waltz'?"),
        (
            ("--genre", "xyz"),
            "earmark: --genre 'xyz' is not one of the demo's genres; known: blues, bossa, rock, waltz.",
        ),
    ],
)
def test_a_genre_that_the_demo_lacks_is_one_sentence(workplace, earmark, options, sentence):
    assert earmark("render", "genres", "songs", *options) == (1, "", [sentence])
    assert not (workplace / "songs").exists()


def test_a_folder_with_files_is_left_alone(workplace, earmark):
    (workplace / "songs").mkdir()
    (workplace / "songs/mine.wav").touch()
    code, _, said = earmark("render", "genres", "songs")
    assert (code, said[-1]) == (
        1,
        f"earmark: {workplace / 'songs'} already exists; remove it, or name another folder for the demo data.",
    )
