"""`earmark bench chords` on small folders."""

import json
from pathlib import Path

import pytest

from chord_songs import LABELS, random_song
from earmark.tasks.chord import bench, scores
from earmark.tasks.chord.notation import lab
from project import REPOSITORY

DEV = REPOSITORY.parent / "shared/data/chd_mma_dev"


@pytest.fixture
def folders(workplace: Path) -> Path:
    """Three random songs: truth/, and estimates/ with the same names."""
    for seed in range(3):
        a = random_song(seed)
        for folder, segments in (("truth", a.truth), ("estimates", a.estimate)):
            (workplace / folder).mkdir(exist_ok=True)
            lab.write(workplace / folder / f"{a.name}.lab", segments)
    return workplace


def files(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


def test_json_holds_the_figures_of_the_folder_and_nothing_is_written(folders, earmark):
    before = files(folders)
    status, out, err = earmark("bench", "chords", "estimates", "--truth", "truth", "--json")
    found = json.loads(out)
    expected = scores.evaluate([random_song(i) for i in range(3)])
    assert (status, err, found["n_recordings"], found["missing"]) == (0, [], 3, [])
    for name, value in expected.items():
        wanted = value if name == "ci95_methods" else pytest.approx(value, abs=1e-5)
        assert found[name] == wanted, name  # times are written to the microsecond
    assert found["seconds"] == pytest.approx(sum(random_song(i).truth[-1].end_s for i in range(3)), abs=1e-5)
    assert {row["quality"] for row in found["by_quality"]} <= {bench.scores.harte.quality_of(x) for x in LABELS}
    assert None in [row["majmin"] for row in found["by_quality"]]  # sus4 does not count there
    assert files(folders) == before


def test_table_and_out_file(folders, earmark):
    status, out, _ = earmark("bench", "chords", "estimates", "--truth", "truth", "--out", "found.json", "--draws", "20")
    found = json.loads(Path("found.json").read_text())
    assert status == 0
    assert "3 songs" in out
    for name in ("class_balanced_tetrads", "tetrads_inv", "seg", "bass"):
        assert [line.split()[1] for line in out.splitlines() if line.startswith(f"{name} ")] == [f"{found[name]:.3f}"]
    assert [line.split()[0] for line in out.splitlines() if "2 to 4 s" in line or "sus4(b7,9)" in line] == [
        "sus4(b7,9)",
        "2",
    ]
    low, high = found["seg_ci95"]
    assert f"{low:.3f} to {high:.3f}" in out


def test_perfect_estimates_score_one(folders, earmark):
    _, out, _ = earmark("bench", "chords", "truth", "--truth", "truth", "--json", "--draws", "0")
    found = json.loads(out)
    assert {name for name, value in found.items() if isinstance(value, float) and value != 1} == {"seconds"}
    assert found["same_but_in_name"] == []


def test_keys_and_groups_come_from_the_manifest(folders, earmark):
    Path("truth/manifest.csv").write_text(
        "path,lab,group,key\na.flac,song0.lab,g,C:maj\nb.flac,song1.lab,g,A:min\nc.flac,song2.lab,g,\n"
    )
    for i, key in enumerate(['"C:maj"', '"C:maj"', "null"]):
        Path(f"estimates/song{i}.json").write_text(f'{{"key": {key}}}')
    status, out, _ = earmark("bench", "chords", "estimates", "--truth", "truth", "--json", "--draws", "20")
    found = json.loads(out)
    assert (status, found["key_accuracy"], found["key_weighted"]) == (0, 0.5, 0.65)
    low, high = found["root_ci95"]
    assert 0 < low < 0.5 < high  # one group says next to nothing


def test_songs_without_an_estimate_are_named_and_the_others_scored(folders, earmark):
    for i in range(3, 10):
        Path(f"truth/song{i}.lab").write_text("0 9 C\n")
    Path("estimates/song1.lab").unlink()
    status, out, err = earmark("bench", "chords", "estimates", "--truth", "truth", "--json", "--draws", "0")
    found = json.loads(out)
    assert (status, found["n_recordings"]) == (0, 2)
    assert found["missing"] == ["song1", "song3", "song4", "song5", "song6", "song7", "song8", "song9"]
    for name, value in scores.evaluate([random_song(0), random_song(2)], 0).items():
        assert found[name] == pytest.approx(value, abs=1e-5), name
    assert err == [
        (
            "earmark: estimates has no estimate of 8 of the 10 annotated songs, which are not scored: song1, song3, "
            "song4, song5, song6, song7, song8, song9. Write the missing .lab files (one row of N for a song "
            "without chords), so that a program gains nothing by failing."
        )
    ]
    _, out, _ = earmark("bench", "chords", "estimates", "--truth", "truth", "--draws", "0")
    assert out.splitlines()[0].strip().startswith("2 of 10 songs, ")


def test_estimates_of_other_songs_alone_are_refused(folders, earmark):
    for i in range(3):
        Path(f"estimates/song{i}.lab").rename(f"estimates/song{i}.est.lab")
    assert earmark("bench", "chords", "estimates", "--truth", "truth") == (
        1,
        "",
        [
            (
                "earmark: estimates has no estimate of any of the 3 songs that truth annotates (song0, song1, "
                "song2); an estimate must have the name of its annotation, as in song.lab."
            )
        ],
    )


def test_extra_estimates_are_named_and_left_out(folders, earmark):
    for i in range(7):
        Path(f"estimates/other{i}.lab").write_text("0 1 C\n")
    status, out, err = earmark("bench", "chords", "estimates", "--truth", "truth", "--json", "--draws", "0")
    assert (status, json.loads(out)["n_recordings"]) == (0, 3)
    assert err == [
        (
            "earmark: left out 7 estimates without an annotation in truth (other0, other1, other2, other3, other4 "
            "and 2 more)."
        )
    ]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("nowhere", "--truth", "truth"), "There is no folder nowhere; give one with a .lab file per song."),
        (("estimates", "--truth", "empty"), "empty holds no .lab files; give a folder with one per song."),
        (
            ("estimates", "--truth", "truth", "--out", "no/x.json"),
            "There is no folder no to write x.json into; make it first.",
        ),
        (
            ("estimates", "--truth", "truth", "--out", "truth/song0.lab/x.json"),
            (
                "truth/song0.lab is not a folder, so nothing can be written into truth/song0.lab; name another "
                "folder with --out."
            ),
        ),
        (("estimates", "--truth", "truth", "--out", "truth"), "truth is a folder; name a file with --out."),
    ],
)
def test_folders_that_are_not_there(folders, earmark, arguments, sentence):
    Path("empty").mkdir()
    assert earmark("bench", "chords", *arguments) == (1, "", [f"earmark: {sentence}"])


@pytest.mark.parametrize("text", ["C:maj", "[]", "{}", '{"key": 3}'])
def test_a_key_file_that_is_none_is_named(folders, earmark, text):
    Path("estimates/song0.json").write_text(text)
    status, _, err = earmark("bench", "chords", "estimates", "--truth", "truth")
    assert (status, len(err)) == (1, 1)
    assert "estimates/song0.json is not a JSON object with 'key'" in err[0]


def test_a_gap_in_an_estimate_is_no_chord_and_in_an_annotation_unknown(workplace, earmark):
    for folder, text in (("truth", "0 1 N\n1 2 C\n3 4 C\n"), ("estimates", "0 0.1 N\n0.9 2 C\n2 4 G\n")):
        Path(folder).mkdir()
        Path(folder, "a.lab").write_text(text)
    _, out, _ = earmark("bench", "chords", "estimates", "--truth", "truth", "--json", "--draws", "0")
    assert json.loads(out)["majmin"] == pytest.approx(1.9 / 3)  # N for .9 s, C for 1 s; 2 to 3 s does not count


def test_a_bad_estimate_is_named_by_file_and_row(folders, earmark):
    Path("estimates/song2.lab").write_text("0 1 C\n1 2 Hm\n")
    status, _, err = earmark("bench", "chords", "estimates", "--truth", "truth")
    assert (status, len(err)) == (1, 1)
    assert "estimates/song2.lab, row 2: 'Hm' is not a chord" in err[0]


def songs_of(truth: dict[str, str], estimates: dict[str, str] | None = None) -> None:
    """Folders truth and estimates with these files; an estimate is C throughout by default."""
    for folder, files in (
        ("truth", truth),
        ("estimates", estimates or {f"{Path(n).stem}.lab": "0 9 C\n" for n in truth}),
    ):
        Path(folder).mkdir()
        for name, text in files.items():
            Path(folder, name).write_text(text)


def test_nothing_is_known(workplace, earmark):
    songs_of({"a.lab": "0 9 X\n", "b.lab": "0 1 X\n5 9 X\n"})
    assert earmark("bench", "chords", "estimates", "--truth", "truth") == (
        1,
        "",
        [
            (
                "earmark: Every annotation in truth is X throughout, which means unknown chords, so nothing can be "
                "scored; give annotations that name chords."
            )
        ],
    )


def test_songs_of_which_nothing_is_known_are_left_out_by_name(workplace, earmark):
    songs_of({"a.lab": "0 9 X\n", "b.lab": "0 4 X\n4 9 C\n", "c.lab": "0 9 X\n"})
    status, out, err = earmark("bench", "chords", "estimates", "--truth", "truth", "--json")
    found = json.loads(out)
    assert (status, found["n_recordings"], found["majmin"]) == (0, 1, 1.0)
    assert err == ["earmark: left out 2 songs whose annotations are X throughout, which means unknown chords (a, c)."]


def test_a_song_without_chords_is_scored(workplace, earmark):
    songs_of({"a.lab": "0 9 N\n"}, {"a.lab": "0 3 N\n3 9 C\n"})
    status, out, err = earmark("bench", "chords", "estimates", "--truth", "truth", "--json", "--draws", "20")
    assert (status, err, json.loads(out)["majmin"]) == (0, [], pytest.approx(1 / 3))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "estimates/a.lab has no rows"),
        ("0 2 C\n1 3 G\n", "estimates/a.lab, row 2 starts at 1 s, but the row before ends at 2 s"),
        ("2 1 C\n", "estimates/a.lab, row 1 runs from 2 to 1 s"),
        ("0 1 C m\n", "estimates/a.lab, row 1 has 4 fields"),
    ],
)
def test_estimates_that_cannot_be_read(workplace, earmark, text, sentence):
    songs_of({"a.lab": "0 9 C\n"}, {"a.lab": text})
    status, out, err = earmark("bench", "chords", "estimates", "--truth", "truth")
    assert (status, out, len(err)) == (1, "", 1)
    assert sentence in err[0]


def test_a_folder_in_the_place_of_a_file(workplace, earmark):
    songs_of({"a.lab": "0 9 C\n"})
    Path("estimates/a.lab").unlink()
    Path("estimates/a.lab").mkdir()
    assert earmark("bench", "chords", "estimates", "--truth", "truth")[2] == [
        "earmark: estimates/a.lab cannot be read: Is a directory; make it readable, or give another .lab file."
    ]


def test_names_of_pop_charts_are_scored_and_told(workplace, earmark):
    songs_of({"a.lab": "0 1 N.C.\n1 2 C/E\n2 3 Am7\n"}, {"a.lab": "0 1 N\n1 2 C:maj/3\n2 3 Amin7\n"})
    status, out, err = earmark("bench", "chords", "estimates", "--truth", "truth", "--json", "--draws", "0")
    found = json.loads(out)
    assert (status, found["tetrads_inv"], found["bass"]) == (0, 1.0, 1.0)
    assert err == [
        (
            "earmark: 4 chord names are not in Harte's notation, and are read as in lead sheets of popular music: "
            "N.C. as N, C/E as C:maj/3, Am7 as A:min7, Amin7 as A:min7."
        )
    ]


def test_truth_may_be_jams(workplace, earmark):
    data = [{"time": 0.0, "duration": 2.0, "value": "C:maj"}, {"time": 2.0, "duration": 2.0, "value": "G:7"}]
    jams = json.dumps({"annotations": [{"namespace": "chord_harte", "data": data}]})
    songs_of({"a.jams": jams}, {"a.lab": "0 2 C\n2 4 G:7\n"})
    status, out, err = earmark("bench", "chords", "estimates", "--truth", "truth", "--json", "--draws", "0")
    assert (status, err, json.loads(out)["tetrads"]) == (0, [], 1.0)


def test_of_a_truth_in_both_formats_lab_is_read(workplace, earmark):
    """`predict chord --out` writes both, and people correct the first."""
    data = [{"time": 0.0, "duration": 4.0, "value": "F:maj"}]
    jams = json.dumps({"annotations": [{"namespace": "chord", "data": data}]})
    songs_of({"a.jams": jams, "a.lab": "0 4 C\n"}, {"a.lab": "0 4 C\n"})
    status, out, err = earmark("bench", "chords", "estimates", "--truth", "truth", "--json", "--draws", "0")
    assert (status, json.loads(out)["tetrads"]) == (0, 1.0)
    assert err == ["earmark: truth has .lab files beside a.jams: .lab is read."]
    Path("truth/a.LAB").write_text("0 4 C\n")
    assert earmark("bench", "chords", "estimates", "--truth", "truth")[2] == [
        "earmark: truth/a.LAB and truth/a.lab are both for 'a'; keep one of them."
    ]


@pytest.mark.skipif(not DEV.is_dir(), reason="chd_mma_dev is not in ../shared/data")
def test_dev_songs_against_themselves():
    found = bench.report(bench.songs(DEV, DEV, pytest.fail), n_draws=0)
    assert (found["n_recordings"], found["tetrads_inv"], found["class_balanced_tetrads"], found["seg"]) == (15, 1, 1, 1)
    assert "key_accuracy" not in found  # nobody estimated one
    assert len(found["by_quality"]) == 25
