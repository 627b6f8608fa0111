"""`earmark predict speaker`, with an embedder that hears a recording's level and nothing else."""

import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import soundfile as sf

from earmark import audio
from earmark.registry import resolve
from earmark.tasks.speaker.trials import identify

DEGREES = {"ann": (0, 10, 20), "bob": (90, 100), "cid": (45,)}  # directions of their voices


class Embedder:
    """A recording's direction is its level: 0.001 a degree."""

    config = SimpleNamespace(release={"threshold": 0.9, "cluster_threshold": 0.1})

    def __init__(self, folder: Path):
        assert folder == Path("model")

    def __call__(self, source: Path) -> np.ndarray:
        if audio.check(source).peak == 0:
            raise audio.AudioError("it is digital silence: nobody speaks in it")
        level = np.concatenate(list(audio.read_blocks(source, 8000))).mean()
        angle = np.radians(float(level) * 1000 - 100)
        return np.array([np.cos(angle), np.sin(angle)], np.float32)


@pytest.fixture
def place(workplace, monkeypatch) -> Path:
    """Recordings of three speakers in a folder each, a silent one, and a file that is none."""
    stub = ModuleType("earmark.tasks.speaker.predictions")
    stub.Embedder = Embedder
    monkeypatch.setitem(sys.modules, "earmark.tasks.speaker.predictions", stub)
    monkeypatch.setattr(resolve, "model", lambda task, name: resolve.Chosen(Path("model"), "the stub", "The stub."))
    for name, directions in DEGREES.items():
        for degrees in directions:
            voice(workplace / f"known/{name}/{degrees}.wav", degrees)
    voice(workplace / "silent.wav", None)
    (workplace / "text.wav").write_text("no sound")
    return workplace


def voice(path: Path, degrees: float | None) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    level = 0.0 if degrees is None else (degrees + 100) / 1000
    sf.write(path, np.full(800, level), 8000, subtype="FLOAT")
    return str(path)


def cosine(degrees: float) -> float:
    return float(np.cos(np.radians(degrees)))


def refused(earmark, *args: str) -> str:
    code, out, err = earmark("predict", "speaker", *args)
    assert (code, out) == (1, "")
    return err[-1]


def test_embeddings_are_written_as_parquet(place, earmark):
    files = ["known/ann/10.wav", "known/bob/90.wav"]
    code, out, err = earmark("predict", "speaker", *files, "--embed", "new/out.parquet")
    assert code == 0
    assert out == "Wrote new/out.parquet: 2 embeddings of 2 values; their cosine is the score.\n"
    assert "earmark: The stub." in err
    table = pd.read_parquet("new/out.parquet")
    assert list(table.columns) == ["path", "embedding"]
    assert list(table.path) == files
    assert {e.dtype for e in table.embedding} == {np.dtype("float32")}
    found = np.stack(table.embedding)
    np.testing.assert_allclose(found, [[cosine(10), cosine(80)], [0, 1]], atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-6)


def test_files_that_cannot_be_used_do_not_stop_the_others(place, earmark):
    files = ["silent.wav", "known/ann/0.wav", "text.wav", "none.wav", "known"]
    code, out, err = earmark("predict", "speaker", *files, "--embed", "out.parquet", "--json")
    assert code == 1
    assert json.loads(out) == [{"path": "known/ann/0.wav", "out": "out.parquet", "row": 0}]
    assert list(pd.read_parquet("out.parquet").path) == ["known/ann/0.wav"]
    assert err[-4] == "earmark: silent.wav cannot be used: it is digital silence: nobody speaks in it."
    assert err[-3].startswith("earmark: text.wav cannot be used: it cannot be decoded as audio")
    assert err[-2:] == [
        "earmark: none.wav cannot be used: No such file or directory.",
        "earmark: known is a folder; name its files.",
    ]


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
    assert (code, out) == (0, f"{said}: score {cosine(degrees):.3f}, threshold 0.900\n")
    _, out, _ = earmark("predict", "speaker", "--verify", "known/ann/0.wav", other, "--json")
    assert json.loads(out) == {
        "a": "known/ann/0.wav",
        "b": other,
        "score": pytest.approx(cosine(degrees), rel=1e-6),
        "threshold": 0.9,
        "same": degrees == 20,
    }


def test_a_comparison_needs_both(place, earmark):
    code, out, err = earmark("predict", "speaker", "--verify", "known/ann/0.wav", "silent.wav")
    assert (code, out) == (1, "")
    assert err[-1].startswith("earmark: silent.wav cannot be used")


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
    assert (code, json.loads(out)) == (1, [{"path": "known/ann/0.wav", "group": 1}])
    assert "earmark: Only 1 of 2 recordings can be used, which is less than 2 speakers." in err


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["a.wav"], "Say what to do with the voices, one of: --embed"),
        (["a.wav", "b.wav", "--verify", "--cluster"], "one of: --embed"),
        (["--embed", "a.wav", "b.wav"], "a.wav is no name of one; call it OUT.parquet."),
        (["a.wav", "--verify"], "--verify compares two recordings, and 1 were named"),
        (["a.wav", "b.wav", "--verify", "--speakers", "2"], "--speakers says into how many groups --cluster sorts"),
        (["a.wav", "--cluster", "--speakers", "2"], "--speakers must lie from 1 to the number of recordings, 1."),
        (["a.wav", "--cluster", "--speakers", "0"], "--speakers must lie from 1"),
    ],
)
def test_wishes_that_cannot_be_granted(place, earmark, args, said):
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
    found = identify.voiceprint(np.array([[1, 0], [0, 1]], np.float32))
    np.testing.assert_allclose(found, [0.5**0.5] * 2, rtol=1e-6)
    assert identify.ranking(found, {"x": np.array([0, -1.0]), "y": np.array([1.0, 0])})[0][0] == "y"


@pytest.mark.parametrize("order", [[90, 0, 91, 45, 1], [0, 45, 90, 91, 1], [45, 90, 1, 0, 91]])
def test_groups_are_numbered_as_they_appear(order):
    angles = np.radians(order)
    found = identify.groups(np.stack([np.cos(angles), np.sin(angles)], axis=1), threshold=0.01)
    near = [round(degrees, -1) for degrees in order]  # 0 and 1 are one, 90 and 91
    assert found.tolist() == [list(dict.fromkeys(near)).index(n) + 1 for n in near]
