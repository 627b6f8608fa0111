"""`earmark predict chord`, with a recogniser that hears the same three chords in everything."""

import json
import os
import sys
from pathlib import Path
from types import ModuleType

import pretty_midi
import pytest

from builders import tone
from earmark import audio
from earmark.registry import resolve
from earmark.tasks.chord import commands
from earmark.tasks.chord.notation.lab import LabSegment
from earmark.tasks.chord.predictions import SongPrediction

NOTHING = [LabSegment(0.0, 3.0, "N", 0.8)]
HEARD = [LabSegment(0.0, 1.0, "N", 1.0), LabSegment(1.0, 2.0, "C:maj/3", 0.75), LabSegment(2.0, 3.0, "F#:min7", 0.5)]


class Recogniser:
    def __init__(self, folder: Path):
        assert folder == Path("model")

    def __call__(self, source: Path) -> SongPrediction:
        audio.check(source)
        return SongPrediction(HEARD, "C:maj", 0.9, 3.0)


@pytest.fixture
def place(workplace, monkeypatch) -> Path:
    """Recordings a.wav and b.wav."""
    stub = ModuleType("earmark.tasks.chord.predictions")
    stub.Recogniser = Recogniser
    monkeypatch.setitem(sys.modules, "earmark.tasks.chord.predictions", stub)
    monkeypatch.setattr(
        resolve, "model", lambda task, name: resolve.ResolvedModel(Path("model"), "the stub", "The stub.")
    )
    for name in ("a", "b"):
        tone(workplace / f"{name}.wav", seconds=0.2)
    return workplace


def written(folder: str) -> set[str]:
    return {p.name for p in Path(folder).iterdir()}


@pytest.mark.parametrize(
    ("names", "labels"), [("harte", ["N", "C:maj/3", "F#:min7"]), ("pop", ["N.C.", "C/E", "F#m7"])]
)
def test_chords_are_called_as_they_were_asked_for(place, earmark, names, labels):
    code, out, _ = earmark("predict", "chord", "a.wav", "--names", names, "--json")
    (song,) = json.loads(out)
    assert code == 0
    assert (song["path"], song["key"]) == ("a.wav", "C:maj")
    assert [s["label"] for s in song["segments"]] == labels
    _, out, _ = earmark("predict", "chord", "a.wav", "--names", names)
    assert [line.split()[2] for line in out.splitlines() if line[:1].isdigit()] == labels
    earmark("predict", "chord", "a.wav", "--names", names, "--out", "out")
    assert [row.split("\t")[2] for row in Path("out/a.lab").read_text().splitlines()] == labels
    assert [s["label"] for s in json.loads(Path("out/a.json").read_text())["segments"]] == labels
    found = json.loads(Path("out/a.jams").read_text())["annotations"]
    assert [s["value"] for s in found[0]["data"]] == ["N", "C:maj/3", "F#:min7"]  # a namespace has its own names
    assert [s["value"] for s in found[1]["data"]] == ["C:major"]
    assert found[0]["annotation_metadata"]["annotation_tools"] == "earmark, the stub"
    notes = pretty_midi.PrettyMIDI("out/a.mid").instruments[0].notes
    assert sorted(n.pitch for n in notes if n.start < 1.5) == [40, 60, 64, 67]
    assert sorted(n.pitch for n in notes if n.start > 1.5) == [42, 61, 64, 66, 69]


def test_names_that_nobody_has(place, earmark):
    code, _, err = earmark("predict", "chord", "a.wav", "--names", "nashville")
    assert code == 2
    assert any("'nashville' is not one of 'harte', 'pop'" in line for line in err)


def test_an_output_that_cannot_be_written_is_said_before_the_work(place, earmark, monkeypatch):
    monkeypatch.setattr(resolve, "model", lambda task, name: pytest.fail("a model was looked for"))
    for out, sentence in {
        "a.wav": "a.wav is not a folder, so nothing can be written into a.wav; name another folder with --out.",
        "a.wav/b": "a.wav is not a folder, so nothing can be written into a.wav/b; name another folder with --out.",
        "/proc/x": "/proc/x cannot be written: No such file or directory; name another folder with --out.",
    }.items():
        assert earmark("predict", "chord", "a.wav", "--out", out) == (1, "", [f"earmark: {sentence}"])


def test_a_disk_that_is_full_at_the_end_is_one_sentence(place, earmark, monkeypatch):
    def full(path, segments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("earmark.tasks.chord.notation.lab.write", full)
    code, _, err = earmark("predict", "chord", "a.wav", "--out", "out")
    assert code == 1
    assert err[-1] == (
        "earmark: out/a.lab cannot be written: No space left on device; make room, or name another place."
    )


def test_a_name_in_latin_1_gets_its_answer(place, earmark):
    name = os.fsdecode(b"caf\xe9.wav")
    Path("a.wav").rename(name)
    code, out, err = earmark("predict", "chord", name, "b.wav", "--out", "out")
    assert (code, out.splitlines()) == (
        0,
        [
            "The stub.",
            r"caf\xe9.wav: 3 chords, key C:maj -> out/caf\xe9.lab",
            "b.wav: 3 chords, key C:maj -> out/b.lab",
        ],
    )
    assert sum("is not UTF-8" in line for line in err) == 1
    assert os.fsdecode(b"caf\xe9.lab") in written("out")
    _, out, _ = earmark("predict", "chord", name, "--json")
    assert json.loads(out)[0]["path"] == r"caf\xe9.wav"
    _, out, _ = earmark("predict", "chord", name)
    assert r"caf\xe9.wav, key C:maj" in out


def test_a_pipe_is_written_under_a_name_of_its_own(place, earmark):
    kept, end = os.dup(0), os.open("a.wav", os.O_RDONLY)
    os.dup2(end, 0)
    try:
        code, out, _ = earmark("predict", "chord", "-", "b.wav", "--out", "out")
    finally:
        os.dup2(kept, 0)
    assert (code, out.splitlines()[1]) == (0, "-: 3 chords, key C:maj -> out/stdin.lab")
    assert written("out") == {f"{stem}.{kind}" for stem in ("stdin", "b") for kind in ("lab", "json", "jams", "mid")}


def test_what_would_be_written_twice_is_refused(place, earmark):
    Path("stdin.wav").symlink_to("a.wav")
    for second, stem in (("sub/a.wav", "a"), ("a.flac", "a")):
        Path(second).parent.mkdir(exist_ok=True)
        tone(Path(second), seconds=0.2)
        code, out, err = earmark("predict", "chord", "a.wav", second, "--out", "out")
        assert (code, out) == (1, "")
        assert err == [
            f"earmark: a.wav and {second} would both become out/{stem}.lab; recognise them into two folders."
        ]
    assert not Path("out").exists()


def test_two_dashes_end_the_options(place, earmark):
    Path("a.wav").rename("--json")
    code, out, _ = earmark("predict", "chord", "--out", "out", "--", "--json")
    assert (code, out) == (0, "The stub.\n--json: 3 chords, key C:maj -> out/--json.lab\n")


def test_facts_are_those_of_the_song():
    facts = {"key": "A:min", "key_probability": 0.5, "music": True, "duration_s": 3.0}
    assert commands.facts(SongPrediction([], "A:min", 0.5, 3.0)) == facts


@pytest.mark.parametrize("names", ["harte", "pop"])
def test_a_recording_without_chords_holds_no_music(place, earmark, monkeypatch, names):
    monkeypatch.setattr(Recogniser, "__call__", lambda self, source: SongPrediction(NOTHING, "N", 0.8, 3.0))
    sentence = "a.wav holds no music: no chord was heard in it"
    _, out, _ = earmark("predict", "chord", "a.wav", "--names", names)
    assert out.splitlines() == ["The stub.", f"{sentence}."]
    _, out, _ = earmark("predict", "chord", "a.wav", "--names", names, "--json")
    label = {"harte": "N", "pop": "N.C."}[names]
    segment = {"start_s": 0.0, "end_s": 3.0, "label": label, "probability": 0.8}
    said = {"key": "N", "key_probability": 0.8, "music": False, "duration_s": 3.0}
    model = json.loads(out)[0].pop("model")
    assert json.loads(out) == [{"path": "a.wav", **said, "segments": [segment], "error": None, "model": model}]
    code, out, _ = earmark("predict", "chord", "a.wav", "--names", names, "--out", "out")
    assert (code, out.splitlines()) == (0, ["The stub.", f"{sentence} -> out/a.lab"])
    assert Path("out/a.lab").read_text() == f"0.000000\t3.000000\t{label}\n"
    assert json.loads(Path("out/a.json").read_text()) == {**said, "model": model, "segments": [segment]}
    found = json.loads(Path("out/a.jams").read_text())["annotations"]
    assert [(a["namespace"], [s["value"] for s in a["data"]]) for a in found] == [("chord", ["N"]), ("key_mode", ["N"])]
    assert [n for i in pretty_midi.PrettyMIDI("out/a.mid").instruments for n in i.notes] == []


@pytest.mark.parametrize("names", ["harte", "pop"])
@pytest.mark.parametrize(("start_s", "said"), [(1.5, ", no chord in 50% of it"), (1.4, "")])
def test_the_time_without_chords_is_said_where_it_is_most(place, earmark, monkeypatch, names, start_s, said):
    segments = [LabSegment(0.0, start_s, "N", 1.0), LabSegment(start_s, 3.0, "A:min", 0.75)]
    monkeypatch.setattr(Recogniser, "__call__", lambda self, source: SongPrediction(segments, "A:min", 0.9, 3.0))
    _, out, _ = earmark("predict", "chord", "a.wav", "--names", names)
    assert out.splitlines()[1] == f"a.wav, key A:min{said}"
    _, out, _ = earmark("predict", "chord", "a.wav", "--names", names, "--out", "out")
    assert out.splitlines()[1] == f"a.wav: 2 chords, key A:min{said} -> out/a.lab"


def test_a_folders_recordings_keep_their_places_below_out(place, earmark):
    for name in ("music/a.wav", "music/live/a.wav"):
        tone(Path(name), seconds=0.2)
    code, out, err = earmark("predict", "chord", "music", "b.wav", "--out", "out")
    assert (code, [line.split(" -> ")[1] for line in out.splitlines()[1:]]) == (
        0,
        ["out/a.lab", "out/live/a.lab", "out/b.lab"],
    )
    assert {str(p.relative_to("out")) for p in Path("out").rglob("*.lab")} == {"a.lab", "live/a.lab", "b.lab"}
    assert json.loads(Path("out/live/a.json").read_text())["model"]["name"] == "the stub"
    code, out, err = earmark("predict", "chord", "music", "a.wav", "--out", "other")
    assert (code, out, Path("other").exists()) == (1, "", False)
    assert err == ["earmark: music/a.wav and a.wav would both become other/a.lab; recognise them into two folders."]


def test_files_that_failed_have_no_segments(place, earmark):
    code, out, err = earmark("predict", "chord", "none.wav", "a.wav", "--json")
    failed, song = json.loads(out)
    assert (code, err) == (1, ["earmark: There is no file or folder none.wav."])
    assert (failed["path"], failed["segments"]) == ("none.wav", None)
    assert failed["error"] == "There is no file or folder none.wav."
    assert (song["error"], song["model"]["name"]) == (None, "the stub")
    assert list(failed) == list(song)
