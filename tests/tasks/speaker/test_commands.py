"""`earmark predict speaker`, with an embedder that hears a recording's level and nothing else."""

import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import soundfile as sf
from pyarrow import parquet

from earmark import audio
from earmark.registry import resolve
from earmark.tasks.speaker.trials import enrolment, identify

HEARD = "2.0 s and 2.0 s of speech"
DEGREES = {"ann": (0, 10, 20), "bob": (90, 100), "cid": (45,)}  # directions of their voices


class Embedder:
    """A recording's direction is its level: 0.001 a degree."""

    config = SimpleNamespace(release={"threshold": 0.9, "cluster_threshold": 0.1})

    def __init__(self, folder: Path):
        assert folder == Path("model")

    def heard(self, source: Path) -> tuple[np.ndarray, float]:
        facts = audio.check(source)
        if facts.peak == 0:
            raise audio.AudioError("it is digital silence: nobody speaks in it")
        level = np.concatenate(list(audio.read_blocks(source, 8000))).mean()
        angle = np.radians(float(level) * 1000 - 100)
        return np.array([np.cos(angle), np.sin(angle)], np.float32), facts.duration_s


@pytest.fixture
def place(workplace, monkeypatch) -> Path:
    """Recordings of three speakers in a folder each, a silent one, and a file that is none."""
    stub = ModuleType("earmark.tasks.speaker.predictions")
    stub.Embedder = Embedder
    monkeypatch.setitem(sys.modules, "earmark.tasks.speaker.predictions", stub)
    monkeypatch.setattr(
        resolve, "model", lambda task, name: resolve.ResolvedModel(Path("model"), "the stub", "The stub.")
    )
    for name, directions in DEGREES.items():
        for degrees in directions:
            voice(workplace / f"known/{name}/{degrees}.wav", degrees)
    voice(workplace / "silent.wav", None)
    (workplace / "text.wav").write_text("no sound")
    return workplace


MODEL = {"name": "the stub", "source": "named", "version": None, "sha256": None}


def voice(path: Path, degrees: float | None, seconds: float = 2.0) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    level = 0.0 if degrees is None else (degrees + 100) / 1000
    sf.write(path, np.full(round(seconds * 8000), level), 8000, subtype="FLOAT")
    return str(path)


def cosine(degrees: float) -> float:
    return float(np.cos(np.radians(degrees)))


def refused(earmark, *args: str) -> str:
    code, out, err = earmark("predict", "speaker", *args)
    assert (code, out) == (1, "")
    return err[-1]


def test_embeddings_are_written_as_parquet(place, earmark):
    files = ["known/ann/10.wav", "known/bob/90.wav"]
    code, out, _ = earmark("predict", "speaker", *files, "--embed", "new/out.parquet")
    assert code == 0
    assert out == "The stub.\nWrote new/out.parquet: 2 embeddings of 2 values; their cosine is the score.\n"
    assert json.loads(parquet.read_schema("new/out.parquet").metadata[b"earmark.model"]) == MODEL
    table = pd.read_parquet("new/out.parquet")
    assert list(table.columns) == ["path", "embedding"]
    assert list(table.path) == files
    assert {e.dtype for e in table.embedding} == {np.dtype("float32")}
    found = np.stack(table.embedding)
    np.testing.assert_allclose(found, [[cosine(10), cosine(80)], [0, 1]], atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-6)


def test_files_that_cannot_be_used_do_not_stop_the_others(place, earmark):
    (place / "empty").mkdir()
    files = ["silent.wav", "known/ann/0.wav", "text.wav", "none.wav", "empty"]
    code, out, err = earmark("predict", "speaker", *files, "--embed", "out.parquet", "--json")
    assert code == 1
    found = json.loads(out)
    assert [row["path"] for row in found] == files
    assert found[1] == {
        "path": "known/ann/0.wav",
        "out": "out.parquet",
        "row": 0,
        "speech_s": 2.0,
        "error": None,
        "model": MODEL,
    }
    assert [row["row"] for row in found] == [None, 0, None, None, None]
    assert found[3]["error"] == "There is no file or folder none.wav."
    assert list(pd.read_parquet("out.parquet").path) == ["known/ann/0.wav"]
    assert err[-4:-2] == [
        "earmark: There is no file or folder none.wav.",
        "earmark: There is no recording in the folder empty; name another folder, or files.",
    ]
    assert err[-2] == "earmark: silent.wav cannot be used: it is digital silence: nobody speaks in it."
    assert err[-1].startswith("earmark: text.wav cannot be used: it cannot be decoded as audio")


def test_a_name_that_no_file_system_takes_is_one_sentence(place, earmark):
    name = 300 * "a" + ".wav"
    code, _, err = earmark("predict", "speaker", name, "--embed", "out.parquet")
    assert code == 1
    assert f"earmark: {name} cannot be used: File name too long." in err


def test_nothing_is_written_of_nothing(place, earmark):
    code, out, _ = earmark("predict", "speaker", "silent.wav", "--embed", "out.parquet")
    assert (code, out, Path("out.parquet").exists()) == (1, "", False)


@pytest.mark.parametrize(
    ("other", "said"), [("known/ann/20.wav", "the same speaker"), ("known/cid/45.wav", "different speakers")]
)
def test_two_recordings_are_compared(place, earmark, other, said):
    degrees = int(Path(other).stem)
    code, out, _ = earmark("predict", "speaker", "--verify", "known/ann/0.wav", other)
    assert (code, out) == (0, f"The stub.\n{said}: score {cosine(degrees):.3f}, threshold 0.900; {HEARD}\n")
    _, out, _ = earmark("predict", "speaker", "--verify", "known/ann/0.wav", other, "--json")
    assert json.loads(out) == {
        "a": "known/ann/0.wav",
        "b": other,
        "score": pytest.approx(cosine(degrees), rel=1e-6),
        "threshold": 0.9,
        "same": degrees == 20,
        "speech_s": {"a": 2.0, "b": 2.0},
        "error": None,
        "model": MODEL,
    }


def test_a_comparison_needs_both(place, earmark):
    code, out, err = earmark("predict", "speaker", "--verify", "known/ann/0.wav", "silent.wav")
    assert (code, out) == (1, "")
    assert err[-1].startswith("earmark: silent.wav cannot be used")
    for other in ("silent.wav", "none.wav"):
        code, out, err = earmark("predict", "speaker", "--verify", "known/ann/0.wav", other, "--json")
        found = json.loads(out)
        assert (code, found["a"], found["b"]) == (1, "known/ann/0.wav", other)
        assert (found["same"], found["score"], f"earmark: {found['error']}") == (None, None, err[-1])


def test_who_is_it(place, earmark):
    files = [voice(place / "near_bob.wav", 80), voice(place / "nobody.wav", -40)]
    code, out, _ = earmark("predict", "speaker", *files, "--enroll", "known", "--json")
    assert code == 0
    bob, nobody = json.loads(out)
    assert bob == {
        "path": files[0],
        "speaker": "bob",
        "score": pytest.approx(cosine(15), rel=1e-6),  # whose mean lies at 95
        "threshold": 0.9,
        "nearest": "bob",
        "runner_up": "cid",
        "runner_up_score": pytest.approx(cosine(35), rel=1e-6),
        "speech_s": 2.0,
        "error": None,
        "model": MODEL,
    }
    assert (nobody["speaker"], nobody["nearest"]) == ("unknown", "ann")
    assert nobody["score"] == pytest.approx(cosine(50), rel=1e-6)
    _, out, _ = earmark("predict", "speaker", *files, "--enroll", "known")
    assert "unknown below 0.900" in out
    assert f"bob ({cosine(15):.3f})" in out
    assert f"ann ({cosine(50):.3f})" in out


def test_enrolled_recordings_that_cannot_be_used_are_named(place, earmark):
    voice(place / "known/bob/silent.wav", None)
    voice(place / "known/dan/silent.wav", None)
    code, out, err = earmark("predict", "speaker", "known/bob/90.wav", "--enroll", "known", "--json")
    assert (code, json.loads(out)[0]["speaker"]) == (1, "bob")
    assert "earmark: Speaker 'dan' is left out: none of the recordings can be used." in err
    assert [line.split()[1] for line in err[-2:]] == ["known/bob/silent.wav", "known/dan/silent.wav"]


@pytest.mark.parametrize("name", ["unknown", "Unknown", "UNKNOWN", " unknown ", "ｕｎｋｎｏｗｎ"])
def test_nobody_is_enrolled_under_the_name_of_nobody(place, earmark, name):
    voice(place / "known" / name / "0.wav", 10)
    assert refused(earmark, "known/ann/0.wav", "--enroll", "known") == (
        f"earmark: known/{name} enrolls somebody as '{name}', but 'unknown' is the answer for an unknown voice; "
        "give the folder another name, as in 'guest'."
    )


def test_a_name_that_only_begins_like_nobodys_is_a_name(place, earmark):
    voice(place / "known/unknown 2/0.wav", -90)
    _, out, _ = earmark("predict", "speaker", "known/unknown 2/0.wav", "--enroll", "known", "--json")
    assert json.loads(out)[0]["speaker"] == "unknown 2"


LITTLE = (
    "holds 0.50 s of speech, but this model's figures were measured on 2 s or more: with less, one person is "
    "often mistaken for two; use longer recordings."
)


@pytest.mark.parametrize(
    "way",
    [["--verify"], ["--enroll", "known"], ["--cluster"], ["--cluster", "--speakers", "1"], ["--embed", "e.parquet"]],
)
def test_too_little_speech_is_said(place, earmark, way):
    short, long = voice(place / "short.wav", 0, 0.5), voice(place / "long.wav", 10, 2.0)
    code, out, err = earmark("predict", "speaker", short, long, *way, "--json")
    assert code == 0
    assert [line for line in err if "figures were measured on" in line] == [f"earmark: {short} {LITTLE}"]
    said = json.loads(out)
    assert ([row["speech_s"] for row in said] if isinstance(said, list) else said["speech_s"]) in (
        [0.5, 2.0],
        {"a": 0.5, "b": 2.0},
    )


def test_many_recordings_with_too_little_speech_are_counted(place, earmark):
    files = [voice(place / f"short{i}.wav", 0, 0.5 + 0.1 * i) for i in range(6)] + [voice(place / "long.wav", 10, 2.0)]
    _, _, err = earmark("predict", "speaker", "--cluster", *files)
    (said,) = (line for line in err if "figures were measured on" in line)
    shortest = "6 of 7 recordings hold too little speech, " + f"{files[0]} the least: 0.50 s of speech, but"
    assert said.startswith(f"earmark: {shortest}")


def test_the_model_says_how_much_speech_it_takes(place, earmark, monkeypatch):
    release = Embedder.config.release | {"speech_s": 0.4}
    monkeypatch.setattr(Embedder, "config", SimpleNamespace(release=release))
    short, shorter = voice(place / "short.wav", 0, 0.5), voice(place / "shorter.wav", 0, 0.25)
    _, out, err = earmark("predict", "speaker", "--verify", short, shorter)
    assert out == "The stub.\nthe same speaker: score 1.000, threshold 0.900; 0.5 s and 0.2 s of speech\n"
    assert [line for line in err if "holds" in line] == [
        (
            f"earmark: {shorter} holds 0.25 s of speech, but this model's figures were measured on 0.4 s or more: "
            "with less, one person is often mistaken for two; use longer recordings."
        )
    ]


def test_an_enrolled_speaker_has_the_speech_of_all_recordings(place, earmark):
    for i in range(4):
        voice(place / f"few/eve/{i}.wav", 0, 0.5)
    voice(place / "few/fay/0.wav", 90, 0.5)
    _, _, err = earmark("predict", "speaker", "known/ann/0.wav", "--enroll", "few", "--json")
    assert [line.split(" s of")[0] for line in err if "figures were measured on" in line] == [
        "earmark: Speaker 'fay' is enrolled with 0.50"
    ]
    assert [line for line in err if "Enrolled" in line] == [
        "earmark: Enrolled 'eve' with 4 recordings (0.wav, 1.wav, 2.wav and 1 more), 2.0 s of speech.",
        "earmark: Enrolled 'fay' with 1 recording (0.wav), 0.5 s of speech.",
    ]


def test_many_who_are_enrolled_are_counted(place, earmark):
    for i in range(21):
        voice(place / f"many/p{i:02}/0.wav", 4 * i, 0.5)
    _, _, err = earmark("predict", "speaker", "known/ann/0.wav", "--enroll", "many", "--json")
    assert [line for line in err if "Enrolled" in line] == ["earmark: Enrolled 21 speakers with 21 recordings."]


def test_tables_have_the_seconds_of_speech(place, earmark):
    short = voice(place / "short.wav", 0, 0.5)
    for way in (["--enroll", "known"], ["--cluster"]):
        _, out, _ = earmark("predict", "speaker", short, *way)
        assert [line.split("  ")[-1] for line in out.splitlines() if "short.wav" in line] == ["0.5 s"]


POINTS = [
    {"threshold": 0.5, "false_alarm_rate": 0.4, "miss_rate": 0.0},
    {"threshold": 0.9, "false_alarm_rate": 0.1, "miss_rate": 0.1},
    {"threshold": 1.0, "false_alarm_rate": 0.0, "miss_rate": 1.0},
]


def test_another_threshold_decides_and_its_cost_is_told(place, earmark, monkeypatch):
    release = Embedder.config.release | {"operating_points": POINTS}
    monkeypatch.setattr(Embedder, "config", SimpleNamespace(release=release))
    pair = ["known/ann/0.wav", "known/cid/45.wav"]
    _, out, err = earmark("predict", "speaker", "--verify", *pair, "--threshold", "0.7", "--json")
    found = json.loads(out)
    assert (found["threshold"], found["same"]) == (0.7, True)
    assert err[-1] == (
        "earmark: At a threshold of 0.700, 25.0% of different-speaker pairs are accepted and 5.0% of "
        "same-speaker pairs are rejected; at the model's own, 0.900, 10.0% of different-speaker pairs are "
        "accepted and 10.0% of same-speaker pairs are rejected: on its validation speakers."
    )
    _, out, _ = earmark("predict", "speaker", pair[1], "--enroll", "known", "--threshold", "1", "--json")
    assert json.loads(out)[0]["threshold"] == 1.0


def test_a_model_without_operating_points_tells_what_it_has(place, earmark, monkeypatch):
    figures = {"tests": {"false_alarm_rate": 0.045, "miss_rate": 0.048}}
    monkeypatch.setattr(Embedder, "config", SimpleNamespace(release={"threshold": 0.9, "figures": figures}))
    ask = ["predict", "speaker", "--verify", "known/ann/0.wav", "known/cid/45.wav", "--threshold"]
    _, _, err = earmark(*ask, "0.7")
    assert err[-1] == (
        "earmark: The model's own threshold is 0.900 (tests: 4.5% of different-speaker pairs are accepted and "
        "4.8% of same-speaker pairs are rejected); below it different-speaker pairs are accepted more often. It "
        "carries no rates at 0.700: measure them with `earmark score speaker FOLDER`."
    )
    assert "above it same-speaker pairs are rejected more often" in earmark(*ask, "0.95")[2][-1]
    monkeypatch.setattr(Embedder, "config", SimpleNamespace(release={}))
    assert earmark(*ask, "0.7")[1].splitlines()[1].startswith("the same speaker: score 0.707, threshold 0.700")


def test_clusters_take_the_same_unit(place, earmark):
    """ann's 0, 10 and 20 degrees: mean cosine of the last merge .962; cid's 45 joins them at about .8."""
    files = [f"known/{name}/{d}.wav" for name, d in (("ann", 0), ("ann", 10), ("ann", 20), ("cid", 45))]
    found = {}
    for threshold in ("0.99", "0.9", "0.7"):
        _, out, err = earmark("predict", "speaker", "--cluster", *files, "--threshold", threshold, "--json")
        found[threshold] = [row["group"] for row in json.loads(out)]
    assert found == {"0.99": [1, 2, 3, 4], "0.9": [1, 1, 1, 2], "0.7": [1, 1, 1, 1]}
    assert err[-1] == (
        "earmark: Groups are merged down to a mean cosine of 0.700; the model's own limit, chosen on its validation "
        "speakers, is 0.900. On voices like theirs, expect fewer groups than with that limit."
    )


def test_folders_that_enroll_nobody(place, earmark):
    ask = ["known/ann/0.wav", "--enroll"]
    assert "There is no folder nowhere" in refused(earmark, *ask, "nowhere")
    assert "known/ann has no sub-folder with recordings" in refused(earmark, *ask, "known/ann")
    voice(place / "dumb/eve/a.wav", None)
    assert "No recording in dumb can be used (dumb/eve/a.wav cannot be used" in refused(earmark, *ask, "dumb")
    (place / "known/empty").mkdir()
    assert "known/empty holds no recordings" in refused(earmark, *ask, "known")


def test_one_enrolled_speaker_has_no_runner_up(place, earmark):
    voice(place / "one/ann/a.wav", 0)
    _, out, _ = earmark("predict", "speaker", "known/ann/10.wav", "--enroll", "one", "--json")
    assert json.loads(out)[0]["runner_up"] is None
    code, out, _ = earmark("predict", "speaker", "known/ann/10.wav", "--enroll", "one")
    assert code == 0
    assert "ann (0.985)" in out


def test_recordings_are_grouped_at_the_carried_threshold(place, earmark):
    files = [f"known/{name}/{d}.wav" for name, d in (("bob", 90), ("ann", 0), ("bob", 100), ("ann", 10), ("cid", 45))]
    code, out, _ = earmark("predict", "speaker", "--cluster", *files, "--json")
    assert code == 0
    assert [(row["path"], row["group"]) for row in json.loads(out)] == [
        ("known/bob/90.wav", 1),
        ("known/bob/100.wav", 1),
        ("known/ann/0.wav", 2),
        ("known/ann/10.wav", 2),
        ("known/cid/45.wav", 3),
    ]
    _, out, _ = earmark("predict", "speaker", "--cluster", *files, "--speakers", "2", "--json")
    assert [row["group"] for row in json.loads(out)] == [1, 1, 2, 2, 2]  # 45 is nearer to 5 than to 95
    _, out, _ = earmark("predict", "speaker", "--cluster", *files)
    assert "3 speakers" in out
    _, out, _ = earmark("predict", "speaker", "--cluster", files[0])
    assert "1 speaker" in out


def test_groups_of_what_is_left(place, earmark):
    code, out, err = earmark(
        "predict", "speaker", "--cluster", "known/ann/0.wav", "silent.wav", "--speakers", "2", "--json"
    )
    found = json.loads(out)
    assert (code, [(row["path"], row["group"]) for row in found]) == (1, [("known/ann/0.wav", 1), ("silent.wav", None)])
    assert "earmark: Only 1 of the recordings can be used, which is fewer than the 2 speakers asked for." in err


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["a.wav"], "Choose what to do with the voices, one of: --embed"),
        (["a.wav", "b.wav", "--verify", "--cluster"], "one of: --embed"),
        (["--embed", "a.wav", "b.wav"], "--embed writes a Parquet table; call it OUT.parquet, not a.wav."),
        (["a.wav", "--verify"], "--verify compares two recordings, but 1 were named"),
        (["a.wav", "b.wav", "--verify", "--speakers", "2"], "--speakers sets how many groups --cluster makes"),
        (["a.wav", "--cluster", "--speakers", "2"], "--speakers must be from 1 to the number of recordings, 1."),
        (["a.wav", "--cluster", "--speakers", "0"], "--speakers must be from 1"),
        (["a.wav", "b.wav", "--verify", "--threshold", "1.1"], "--threshold is a cosine from -1 to 1, not 1.1."),
        (["a.wav", "--cluster", "--threshold", "-1.01"], "--threshold is a cosine from -1 to 1, not -1.01."),
        (["a.wav", "--enroll", "known", "--threshold", "nan"], "--threshold is a cosine from -1 to 1, not nan."),
        (
            ["a.wav", "--embed", "e.parquet", "--threshold", "0.5"],
            "--threshold does not apply to --embed; leave it out.",
        ),
        (["a.wav", "--cluster", "--speakers", "1", "--threshold", "0"], "--threshold does not apply to --speakers"),
        (["known/ann/0.wav", "--embed", "text.wav/e.parquet"], "text.wav is not a folder, so nothing can be written"),
        (["known/ann/0.wav", "--embed", "known.parquet"], "known.parquet is a folder; name a file with --embed."),
    ],
)
def test_wishes_that_cannot_be_granted(place, earmark, args, said):
    (place / "known.parquet").mkdir()
    assert said in refused(earmark, *args)


@pytest.mark.parametrize("args", [["--embed", "out.parquet"], ["--verify"], ["--speakers", "2"]])
def test_other_tasks_have_no_voices(place, earmark, args):
    code, _, err = earmark("predict", "genre", "a.wav", *args)
    assert code == 2
    assert any(f"No such option: {args[0]}" in line for line in err)


def test_a_model_without_thresholds_embeds_and_judges_nothing(place, earmark, monkeypatch):
    monkeypatch.setattr(Embedder, "config", SimpleNamespace(release={}))
    pair = ["known/ann/0.wav", "known/ann/10.wav"]
    assert "the stub carries no threshold" in refused(earmark, *pair, "--verify")
    assert "the stub carries no cluster threshold" in refused(earmark, *pair, "--cluster")
    assert earmark("predict", "speaker", *pair, "--embed", "out.parquet")[0] == 0
    assert earmark("predict", "speaker", *pair, "--cluster", "--speakers", "1")[0] == 0


def test_a_voiceprint_is_the_mean_of_length_one():
    found = enrolment.voiceprint(np.array([[1, 0], [0, 1]], np.float32))
    np.testing.assert_allclose(found, [0.5**0.5] * 2, rtol=1e-6)
    assert identify.ranking(found, {"x": np.array([0, -1.0]), "y": np.array([1.0, 0])})[0][0] == "y"


@pytest.mark.parametrize("order", [[90, 0, 91, 45, 1], [0, 45, 90, 91, 1], [45, 90, 1, 0, 91]])
def test_groups_are_numbered_as_they_appear(order):
    angles = np.radians(order)
    found = identify.groups(np.stack([np.cos(angles), np.sin(angles)], axis=1), threshold=0.01)
    near = [round(degrees, -1) for degrees in order]  # 0 and 1 are one, 90 and 91
    assert found.tolist() == [list(dict.fromkeys(near)).index(n) + 1 for n in near]


def test_folders_are_entered(place, earmark):
    _, out, _ = earmark("predict", "speaker", "--cluster", "known/ann", "known/bob", "--speakers", "2", "--json")
    found = [("known/ann/0.wav", 1), ("known/ann/10.wav", 1), ("known/ann/20.wav", 1)]
    assert [(row["path"], row["group"]) for row in json.loads(out)] == [
        *found,
        ("known/bob/100.wav", 2),
        ("known/bob/90.wav", 2),
    ]
    _, out, _ = earmark("predict", "speaker", "known/cid", "--enroll", "known", "--json")
    assert [(row["path"], row["speaker"]) for row in json.loads(out)] == [("known/cid/45.wav", "cid")]
    earmark("predict", "speaker", "known", "--embed", "all.parquet")
    assert len(pd.read_parquet("all.parquet")) == 6
    assert refused(earmark, "--verify", "known/ann/0.wav", "known") == (
        "earmark: known is a folder, not a recording; name a file."
    )


def test_what_cannot_be_used_at_all_is_in_the_json(place, earmark):
    for way, key in ((["--cluster"], "group"), (["--enroll", "known"], "speaker"), (["--embed", "e.parquet"], "row")):
        code, out, err = earmark("predict", "speaker", "none.wav", *way, "--json")
        (row,) = json.loads(out)
        assert (code, row["path"], row[key], row["model"]) == (1, "none.wav", None, None)
        assert err == [f"earmark: {row['error']}"]
