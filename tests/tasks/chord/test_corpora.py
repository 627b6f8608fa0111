"""Readers of chord corpora: mirdata's fixtures where they are at hand, and small trees laid out as they are."""

import json
import math
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from builders import data_settings, prepared, tone
from earmark.data import splits
from earmark.errors import EarmarkError
from earmark.tasks.chord import corpora
from project import REPOSITORY

FIXTURES = REPOSITORY.parent / "shared/fixtures"
C_AM = "0.0 1.0 C\n1.0 2.0 A:min\n"


def fixture_of(name: str):
    return pytest.mark.skipif(
        not (FIXTURES / name).is_dir(), reason=f"mirdata's fixture is not in ../shared/fixtures/{name}"
    )


def put(root: Path, name: str, text: str = C_AM) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return root


def sound(root: Path, *names: str, seconds: float = 2.0) -> Path:
    """A tone of its own frequency in every file."""
    for i, name in enumerate(names):
        tone(root / name, 200.0 + 10 * i, seconds, 8000)
    return root


def read(source: str, root: Path) -> tuple[pd.DataFrame, list[str]]:
    """(table, warnings); the index says where a row stands, and is unique."""
    warnings: list[str] = []
    table = corpora.READERS[source](root, warnings.append)
    assert list(table.columns) == ["path", "group", "lab", "key_lab"]
    assert table.index.is_unique
    return table, warnings


def error(source: str, root: Path) -> str:
    with pytest.raises(EarmarkError) as caught:
        corpora.READERS[source](root, lambda text: None)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def run(source: str, root: Path, **changes) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    warnings: list[str] = []
    data = data_settings(source=source, **changes)
    table, quarantined = prepared("chord", data, root, warnings.append)
    splits.check_splits(table)
    return table, quarantined, warnings


@fixture_of("beatles")
def test_beatles_fixture():
    song = "01_-_Please_Please_Me/11_-_Do_You_Want_To_Know_A_Secret"
    lab, keys = (f"annotations/{kind}/The Beatles/{song}.lab" for kind in ("chordlab", "keylab"))
    table, warnings = read("isophonics", FIXTURES / "beatles")
    assert warnings == []
    assert list(table.itertuples(name=None)) == [(lab, f"audio/{song}.wav", "doyouwanttoknowasecret", lab, keys)]


@fixture_of("beatles")
def test_an_annotation_of_a_longer_recording_is_quarantined():
    """The fixture's audio was cut to 2 s, and its chords last 9.99 s."""
    with pytest.raises(EarmarkError) as caught:
        run("isophonics", FIXTURES / "beatles", max_quarantined=1.0)
    assert "None of the recordings (1) can be used" in str(caught.value)
    assert "A_Secret.lab, last row ends at 9.99 s, but the audio lasts 2.00 s" in str(caught.value)
    assert str(FIXTURES) not in str(caught.value)


@fixture_of("queen")
def test_queen_fixture():
    table, warnings = read("isophonics", FIXTURES / "queen")
    assert warnings == []
    assert list(table.path) == ["audio/Greatest Hits I/01 Bohemian Rhapsody.flac"]
    assert list(table.group) == ["bohemianrhapsody"]


# Album and track as in mirdata's beatles_index.json; Zweieck has no albums.
ISOPHONICS = (
    "The Beatles/08_-_Sgt._Pepper's_Lonely_Hearts_Club_Band/01_-_Sgt._Pepper's_Lonely_Hearts_Club_Band",
    "The Beatles/08_-_Sgt._Pepper's_Lonely_Hearts_Club_Band/12_-_Sgt._Pepper's_Lonely_Hearts_Club_Band_(Reprise)",
    "The Beatles/10CD1_-_The_Beatles/CD1_-_01_-_Back_in_the_USSR",
    "Queen/Greatest Hits III/05 '39",
    "Zweieck/01_-_Spiel_Mir_Eine_Alte_Melodie",
    "Cover Band/Live/3 Back in the U.S.S.R.",
)


def isophonics_tree(root: Path, base: str = "annotations/") -> Path:
    for name in ISOPHONICS:
        put(root, f"{base}chordlab/{name}.lab")
    put(root, f"{base}keylab/{ISOPHONICS[0]}.lab", "0.0 0.5 Silence\n0.5 2.0\tKey\tG:mixolydian\n")
    return sound(
        root,
        "audio/08 Sgt Peppers Lonely Hearts Club Band/01 Sgt Peppers lonely hearts club band.wav",
        f"audio/{ISOPHONICS[1]}.wav",
        f"audio/{ISOPHONICS[2]}.flac",
        f"audio/{ISOPHONICS[3]}.wav",
        f"audio/{ISOPHONICS[4]}.wav",
        f"audio/{ISOPHONICS[5]}.wav",
    )


@pytest.mark.parametrize("base", ["annotations/", ""])
def test_isophonics_groups_by_song_and_finds_audio_by_its_letters(tmp_path, base):
    table, warnings = read("isophonics", isophonics_tree(tmp_path, base))
    rows = {
        lab.removeprefix(f"{base}chordlab/"): (path, group) for path, group, lab, _ in table.itertuples(index=False)
    }
    assert warnings == []
    assert {lab.removesuffix(".lab"): group for lab, (_, group) in rows.items()} == {
        ISOPHONICS[0]: "sgtpepperslonelyheartsclubband",
        ISOPHONICS[1]: "sgtpepperslonelyheartsclubband",
        ISOPHONICS[2]: "backintheussr",
        ISOPHONICS[3]: "39",
        ISOPHONICS[4]: "spielmireinealtemelodie",
        ISOPHONICS[5]: "backintheussr",
    }
    assert rows[f"{ISOPHONICS[0]}.lab"][0].startswith("audio/08 Sgt Peppers")
    assert rows[f"{ISOPHONICS[2]}.lab"][0].endswith(".flac")
    assert sorted(table.key_lab) == [""] * 5 + [f"{base}keylab/{ISOPHONICS[0]}.lab"]


def test_isophonics_end_to_end(tmp_path):
    root = isophonics_tree(tmp_path)
    table, quarantined, _ = run("isophonics", root)
    assert len(table) == 6
    assert quarantined.empty
    assert table.groupby("group")["split"].nunique().max() == 1
    first = table[table.group == "sgtpepperslonelyheartsclubband"]
    assert sorted(first.key) == ["", "G:maj"]
    assert set(table.chords) == {"0.000000\t1.000000\tC\n1.000000\t2.000000\tA:min\n"}


def test_isophonics_mistakes(tmp_path):
    (tmp_path / "annotations").mkdir()
    assert "holds no annotations/chordlab; set tasks" in error("isophonics", tmp_path)
    put(tmp_path, f"annotations/chordlab/{ISOPHONICS[3]}.lab")
    assert "holds no audio; set tasks" in error("isophonics", tmp_path)
    sound(tmp_path, "audio/other/song.wav")
    assert "none of the 1 annotated songs has audio; name it as in audio/<album>/<track>." in error(
        "isophonics", tmp_path
    )
    put(tmp_path, "annotations/chordlab/Queen/other/song.lab")
    assert read("isophonics", tmp_path)[1] == [
        "1 of 2 annotated songs have no audio (named as in audio/<album>/<track>): left out."
    ]


@fixture_of("billboard")
def test_billboard_fixture():
    table, warnings = read("billboard", FIXTURES / "billboard")
    assert list(table.itertuples(name=None)) == [
        (
            "billboard-2.0-index.csv, line 4",
            "audio/1960s/James Brown/I Don't Mind/audio.flac",
            "artist jamesbrown",
            "McGill-Billboard/0003/full.lab",
            "",
        )
    ]
    assert warnings == ["1 of 2 annotated songs have no audio (named as in audio/<artist>/<title>/): left out."]


INDEX = """id,chart_date,target_rank,actual_rank,title,artist,peak_rank,weeks_on_chart
1,1987-07-11,82,,,,,
3,1961-07-03,56,57,I Don't Mind,James Brown,47,8
4,1971-08-07,32,31,You've Got A Friend,"Roberta Flack,Donny Hathaway",29,12
7,1971-08-07,32,31,Where Is The Love,Roberta Flack,5,9
8,1980-01-01,1,1,Unchained Melody,The Righteous Brothers,4,16
9,1990-01-01,1,1,Unchained Melody,Vito & The Salutations,66,7
11,1975-01-01,1,1,Shining Star,"Earth, Wind & Fire",1,20
12,1991-01-01,1,1,I Don't Mind,James Brown,47,8
13,1991-01-01,1,1,Not Annotated,Nobody,47,8
"""


def billboard_tree(root: Path) -> Path:
    put(root, "billboard-2.0-index.csv", INDEX)
    for number in (3, 4, 7, 8, 9, 11, 12):
        put(root, f"McGill-Billboard/{number:04d}/full.lab")
    return sound(
        root,
        "audio/1960s/James Brown/I Don't Mind/audio.wav",
        "audio/Roberta Flack,Donny Hathaway/Youve got a friend.wav",
        "audio/Roberta Flack - Where is the Love.wav",
        "audio/0008.wav",
        "audio/Vito & The Salutations/Unchained Melody.wav",
        "audio/pop/Earth Wind & Fire/Shining Star/x.wav",
    )


def test_billboard_finds_audio_by_artist_and_title_or_id(tmp_path):
    table, warnings = read("billboard", billboard_tree(tmp_path))
    assert warnings == []
    assert list(table.lab.str[17:21]) == ["0003", "0004", "0007", "0008", "0009", "0011"]  # 0012 is 0003 once more
    assert list(table.path.str.removeprefix("audio/")) == [
        "1960s/James Brown/I Don't Mind/audio.wav",
        "Roberta Flack,Donny Hathaway/Youve got a friend.wav",
        "Roberta Flack - Where is the Love.wav",
        "0008.wav",
        "Vito & The Salutations/Unchained Melody.wav",
        "pop/Earth Wind & Fire/Shining Star/x.wav",
    ]
    assert table.index[0] == "billboard-2.0-index.csv, line 3"


def test_billboard_keeps_an_artist_and_covers_together(tmp_path):
    table, _ = read("billboard", billboard_tree(tmp_path))
    brown, friend, love, righteous, vito, earth = table.group
    assert friend == love  # Roberta Flack
    assert righteous == vito  # one song
    assert len({brown, friend, righteous, earth}) == 4
    assert earth == "artist earthwindfire"


def test_groups_join_through_others():
    names = [["a", "x"], ["b", "y"], ["c", "x", "y"], ["d"]]
    assert corpora._joined(names) == ["a", "a", "a", "d"]


def test_billboard_mistakes(tmp_path):
    assert "holds no billboard-2.0-index.csv" in error("billboard", tmp_path)
    put(tmp_path, "billboard-2.0-index.csv", INDEX.replace("artist", "band"))
    assert "billboard-2.0-index.csv has no column 'artist'" in error("billboard", tmp_path)
    put(tmp_path, "billboard-2.0-index.csv", INDEX)
    assert "holds no McGill-Billboard" in error("billboard", tmp_path)


@fixture_of("guitarset")
def test_guitarset_fixture():
    table, warnings = read("guitarset", FIXTURES / "guitarset")
    take = "03_BN3-119-G_solo"
    jams = f"annotation/{take}.jams"
    assert list(table.itertuples(index=False, name=None)) == [
        (f"audio_mono-mic/{take}_mic.wav", "player 03", jams, jams),
        (f"audio_mono-pickup_mix/{take}_mix.wav", "player 03", jams, jams),
    ]
    assert warnings[0].startswith("1 of 2 annotated songs have no audio")
    assert "2 of 2 recordings are solos" in warnings[1]


def jams(*chords: list[tuple[float, float, str]], key: str = "Eb:major") -> str:
    """A JAMS file with these chord annotations, and one key of 2 s."""
    said = [("chord", rows) for rows in chords] + [("tempo", []), ("key_mode", [(0.0, 2.0, key)])]
    return json.dumps(
        {
            "annotations": [
                {"namespace": name, "data": [{"time": t, "duration": d, "value": v} for t, d, v in rows]}
                for name, rows in said
            ]
        }
    )


def guitarset_tree(root: Path, players: int = 6) -> Path:
    for player in range(players):
        for mode in ("comp", "solo"):
            take = f"{player:02d}_BN1-129-Eb_{mode}"
            put(root, f"annotation/{take}.jams", jams([(0, 2, "Eb:maj")], [(0, 1, "Eb:maj/5"), (1, 1, "C:min7/1")]))
            sound(root, f"audio_mono-mic/{take}_mic.wav", f"audio_mono-pickup_mix/{take}_mix.wav")
            put(root, f"audio_hex-pickup_original/{take}_hex.wav", "six channels")
    return root


def test_guitarset_end_to_end_holds_players_out(tmp_path):
    table, quarantined, warnings = run("guitarset", guitarset_tree(tmp_path), test_share=0.34)
    assert len(table) == 24
    assert quarantined.empty
    assert set(table.group) == {f"player {p:02d}" for p in range(6)}
    assert table.groupby("group")["split"].nunique().max() == 1
    assert table.groupby("split").group.nunique().to_dict() == {"test": 2, "train": 3, "val": 1}
    assert set(table.chords) == {"0.000000\t1.000000\tEb:maj/5\n1.000000\t2.000000\tC:min7/1\n"}
    assert set(table.key) == {"Eb:maj"}
    assert "12 of 24 recordings are solos" in warnings[0]


def test_guitarset_mistakes(tmp_path):
    assert "holds no annotation; set tasks" in error("guitarset", tmp_path)
    put(tmp_path, "annotation/00_BN1-129-Eb_comp.jams", "{}")
    assert "holds no audio_mono-mic or audio_mono-pickup_mix; unpack one there" in error("guitarset", tmp_path)
    (tmp_path / "audio_mono-mic").mkdir()
    assert "none of the 1 annotated songs has audio" in error("guitarset", tmp_path)


def test_broken_jams_are_quarantined_by_name(tmp_path):
    root = guitarset_tree(tmp_path)
    put(root, "annotation/00_BN1-129-Eb_comp.jams", jams([(0, 2, "Eb:maj")], [(0, 1, "Eb"), (0.5, 1, "F")]))
    put(root, "annotation/01_BN1-129-Eb_comp.jams", jams([], []))
    put(root, "annotation/02_BN1-129-Eb_comp.jams", jams([(0, 2, "H:maj")]))
    table, quarantined, _ = run("guitarset", root, max_quarantined=0.5)
    reasons = dict(zip(quarantined.path, quarantined.reason, strict=True))
    assert len(table) == 18
    assert len(reasons) == 6
    mic = {p[15:17]: reason for p, reason in reasons.items() if p.startswith("audio_mono-mic")}
    assert mic["00"].startswith(
        "annotation/00_BN1-129-Eb_comp.jams, row 2 starts at 0.5 s, but the row before ends at 1"
    )
    assert mic["01"].startswith("annotation/01_BN1-129-Eb_comp.jams holds no chords")
    assert mic["02"].startswith("annotation/02_BN1-129-Eb_comp.jams, row 1: 'H:maj' is not a chord")


# Chords: the zip AIST.RWC-MDB-P-2001.CHORD as mirdata's rwc_popular unpacks it, and the repository tmc323/Chord-
# Annotations (README: start, end and Harte label); audio/rwc-p-m01/1.wav as mirdata's index has it.
def test_rwc(tmp_path):
    chords = "annotations/AIST.RWC-MDB-P-2001.CHORD/RWC_Pop_Chords"
    for name in ("N001-M01-T01", "N017-M02-T01", "N018-M02-T02", "N019-M02-T03"):
        put(tmp_path, f"{chords}/{name}.lab", "0.000\t0.104\tN\n0.104\t2.000\tC:maj\n")
    put(tmp_path, f"{chords}/N001-M01-T01.svl", "no label file")
    sound(tmp_path, "audio/rwc-p-m01/1.wav", "audio/rwc-p-m02/02.wav", "audio/RM-P019.flac")
    table, warnings = read("rwc", tmp_path)
    assert list(table.itertuples(name=None)) == [
        (f"{chords}/{lab}.lab", path, group, f"{chords}/{lab}.lab", "")
        for lab, path, group in (
            ("N001-M01-T01", "audio/rwc-p-m01/1.wav", "P001"),
            ("N018-M02-T02", "audio/rwc-p-m02/02.wav", "P018"),
            ("N019-M02-T03", "audio/RM-P019.flac", "P019"),
        )
    ]
    assert warnings == ["1 of 4 annotated songs have no audio (named as in audio/rwc-p-m<disc>/<track>.wav): left out."]
    prepared, quarantined, _ = run("rwc", tmp_path)
    assert sorted(prepared["split"]) == ["test", "train", "val"]
    assert quarantined.empty
    assert math.isclose(prepared.duration_s.sum(), 6.0)


def test_audio_and_annotations_may_be_links_among_a_mac_s_files(tmp_path):
    root = tmp_path / "rwc"
    put(tmp_path, "far/RWC_Pop_Chords/N001-M01-T01.LAB")
    put(root, "__MACOSX/RWC_Pop_Chords/._N001-M01-T01.lab", "Mac OS X")
    (root / "chords").symlink_to(tmp_path / "far")
    sound(tmp_path, "disc/1.wav")
    (root / "audio").mkdir()
    (root / "audio/rwc-p-m01").symlink_to(tmp_path / "disc")
    table, warnings = read("rwc", root)
    assert table.path.tolist() == ["audio/rwc-p-m01/1.wav"]
    assert table.lab.tolist() == ["chords/RWC_Pop_Chords/N001-M01-T01.LAB"]
    assert warnings == []


def folder(root: Path) -> tuple[list[tuple], list[str]]:
    warnings: list[str] = []
    table = corpora.folder(root, warnings.append)
    return list(table[["path", "lab"]].itertuples(index=False, name=None)), warnings[:-1]


def test_labs_lie_beside_songs_in_any_case_and_unicode_form(tmp_path):
    nfc, nfd = "Caf\u00e9", "Cafe\u0301"
    for name in ("a.LAB", "B.Lab", f"{nfc}.lab", "two.lab", "two.LAB", "v1.2.lab"):
        put(tmp_path, name)
    sound(tmp_path, "a.wav", "B.WAV", f"{nfd}.wav", "two.wav", "v1.2.wav", "alone.wav", "far/a.wav")
    assert folder(tmp_path) == (
        [
            ("B.WAV", "B.Lab"),
            (f"{nfd}.wav", f"{nfc}.lab"),
            ("a.wav", "a.LAB"),
            ("two.wav", "two.lab"),
            ("v1.2.wav", "v1.2.lab"),
        ],
        [f"2 recordings in {tmp_path} have no file of chords beside them (alone.wav, far/a.wav): left out."],
    )


def test_a_song_that_links_name_again_is_one_unless_its_chords_differ(tmp_path):
    sound(tmp_path, "pool/x.wav")
    for name in ("songs/a", "songs/b", "songs/c"):
        put(tmp_path, f"{name}.lab", C_AM if name != "songs/c" else "0.0 2.0 F\n")
        (tmp_path / f"{name}.wav").symlink_to(tmp_path / "pool/x.wav")
    rows, warnings = folder(tmp_path)
    assert rows == [("songs/a.wav", "songs/a.lab"), ("songs/c.wav", "songs/c.lab")]
    assert warnings == [
        f"left out 1 recording below {tmp_path}, reached a second time through links (songs/b.wav); each is read once."
    ]
    with pytest.raises(
        EarmarkError, match=r"'songs/a\.wav' and 'songs/c\.wav' hold the same bytes, but their chords d"
    ):
        run("folder", tmp_path)


def test_songs_shorter_than_a_training_crop_are_said():
    settings = SimpleNamespace(train=SimpleNamespace(crop_frames=256), features=SimpleNamespace(hop_s=0.025))
    songs = pd.DataFrame({"duration_s": [2.0, 6.0, 6.3]})
    assert corpora.CORPORA.notes(songs, settings) == [
        "A training crop of tasks.chord.train.crop_frames (256) is 6.4 s, longer than all 3 recordings (2.00 to 6.30 "
        "s): what lies past a song's end is left out of the loss. At 6 s half of the recordings would be long enough."
    ]
    assert corpora.CORPORA.notes(songs.assign(duration_s=[2.0, 6.4, 9.0]), settings) == []


def test_the_manifests_labs_are_found_and_may_not_leave_the_folder(tmp_path):
    root, nfd = tmp_path / "audio", "Cafe\u0301"
    for i in range(5):
        put(root, f"{nfd}/{i}.lab")
    sound(root, *(f"{i}.wav" for i in range(5)))
    (root / "away").symlink_to(tmp_path)
    labs = ["Caf\u00e9/0.lab", "Caf\u00e9\\1.lab", f"{root}/Caf\u00e9/2.lab", f"away/../{nfd}/3.lab", f"./{nfd}/4.lab"]
    rows = [f"{i}.wav,{lab},{i}" for i, lab in enumerate(labs)]
    put(root, "manifest.csv", "\n".join(["path,lab,group", *rows]))
    table, quarantined, _ = run("folder", root)
    assert quarantined.empty
    assert list(table.lab) == [f"{nfd}/{i}.lab" for i in range(5)]
    put(root, "manifest.csv", "\n".join(["path,lab,group", *rows[:4], "4.wav,../4.lab,4"]))
    with pytest.raises(EarmarkError, match=r"line 6: '\.\./4\.lab' lies outside"):
        run("folder", root)


def test_an_annotation_is_opened_where_its_path_says_whatever_a_link_does(tmp_path):
    """As a corpus's own table may name it: the detour over a link does not leave the folder."""
    put(tmp_path, "audio/0.lab")
    put(tmp_path, "far/0.lab", "0.0 2.0 F\n")
    (tmp_path / "far/deep").mkdir()
    (tmp_path / "audio/away").symlink_to(tmp_path / "far/deep")
    table = pd.DataFrame({"path": ["0.wav"], "lab": ["away/../0.lab"], "group": ["0"]}, index=["index.csv, line 2"])
    facts = pd.DataFrame({"duration_s": [2.0], "reason": [""]}, index=table.index)
    table, facts = corpora.CORPORA.annotate(table, facts, tmp_path / "audio")
    assert list(table.lab) == ["0.lab"]
    assert list(facts.chords) == ["0.000000\t1.000000\tC\n1.000000\t2.000000\tA:min\n"]


def test_rwc_mistakes(tmp_path):
    assert "holds no files such as RWC_Pop_Chords/N001-M01-T01.lab" in error("rwc", tmp_path)
    put(tmp_path, "RWC_Pop_Chords/001.lab")
    sound(tmp_path, "audio/rwc-p-m01/1.wav")
    assert "RWC_Pop_Chords/001.lab is not named like N001-M01-T01.lab" in error("rwc", tmp_path)
