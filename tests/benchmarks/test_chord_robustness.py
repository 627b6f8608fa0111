"""Recordings and annotations as people have them: cut, silent, short, hour-long, at any rate, in a batch or alone."""

import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
import torch

from builders import data_settings, noise, prepared, sines
from bundles import CHORD_FEATURES, CHORD_NETWORK, CHORDNET, STEREO_FEATURES, small_chord_bundle
from earmark.tasks.chord import predictions
from earmark.tasks.chord.networks import build
from earmark.tasks.chord.notation import lab
from earmark.tasks.chord.notation.lab import LabSegment

NETWORKS = {"pitch_net": (CHORD_NETWORK, CHORD_FEATURES), "chordnet": (CHORDNET, STEREO_FEATURES)}
CUT = 0.6  # of a file's bytes that are left


def chord(seconds: float, rate: int) -> np.ndarray:
    """C major (n,)."""
    return sum(sines(f, seconds, rate, 0.2) for f in (261.6, 329.6, 392.0))


def recordings(root: Path) -> dict[str, float | str]:
    """Write one recording of every kind; by name its seconds, or how the sentence on why it is unusable begins."""
    root.mkdir()
    sf.write(root / "plain.wav", np.stack([chord(6, 22050)] * 2, 1), 22050)
    sf.write(root / "five.flac", chord(5, 44100), 44100)
    sf.write(root / "mono8k.wav", chord(6, 8000), 8000)
    sf.write(root / "mono11k.wav", chord(6, 11025), 11025)
    sf.write(root / "stereo96k.wav", np.stack([chord(6, 96000)] * 2, 1), 96000)
    sf.write(root / "short.wav", chord(0.2, 22050), 22050)
    sf.write(root / "faint.wav", chord(6, 8000) * 1e-4, 8000, subtype="FLOAT")
    sf.write(root / "offset.wav", chord(6, 8000) * 0.5 + 0.4, 8000)
    sf.write(root / "blip.wav", chord(0.01, 8000), 8000)
    sf.write(root / "quad.wav", np.stack([chord(6, 8000)] * 4, 1), 8000)
    sf.write(root / "against.wav", np.outer(chord(6, 8000), [1, -1]), 8000)
    sf.write(root / "nan.wav", np.append(chord(6, 8000), np.float32(np.nan)), 8000, subtype="FLOAT")
    for kind in ("wav", "mp3", "ogg"):
        sf.write(root / f"cut_{kind}.{kind}", chord(6, 22050) + noise(6, 22050), 22050)
        whole = (root / f"cut_{kind}.{kind}").read_bytes()
        (root / f"cut_{kind}.{kind}").write_bytes(whole[: int(CUT * len(whole))])
    (root / "text.wav").write_text("no audio")
    (root / "empty.wav").write_bytes(b"")
    good = dict.fromkeys(
        ("plain.wav", "mono8k.wav", "mono11k.wav", "stereo96k.wav", "faint.wav", "offset.wav", "quad.wav"), 6.0
    )
    return good | {
        "five.flac": 5.0,
        "short.wav": 0.2,
        "blip.wav": "it lasts 0.0100 s; at least 0.05 s are needed",
        "against.wav": "its channels cancel out when averaged; read one of them",
        "nan.wav": "it holds samples that are not finite near 5 s",
        "cut_wav.wav": "it is truncated: the header promises",
        "cut_mp3.mp3": "it is truncated: the header promises",
        "cut_ogg.ogg": "it is truncated: the last Ogg page is incomplete",
        "text.wav": "it cannot be decoded as audio",
        "empty.wav": "the file is empty",
    }


def usable(root: Path, labs: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Chords of the songs that prepare keeps, and reasons of the others; labs: text of each song's .lab."""
    for name, text in labs.items():
        (root / name).with_suffix(".lab").write_text(text)
    rows = [f"{name},{Path(name).stem}.lab,{name}" for name in labs]
    (root / "manifest.csv").write_text("\n".join(["path,lab,group", *rows]) + "\n")
    data = data_settings(max_quarantined=0.99)
    table, out = prepared("chord", data, root, pytest.fail)
    return dict(zip(table.path, table.chords, strict=True)), dict(zip(out.path, out.reason, strict=True))


def test_prepare_keeps_what_can_be_used_and_says_of_the_rest_why_not(tmp_path):
    expected = recordings(tmp_path / "a")
    sf.write(tmp_path / "a/still.wav", np.zeros((8000, 2)), 8000)
    expected["still.wav"] = "it is digital silence: every sample is zero"
    seconds = {name: found if isinstance(found, float) else 1.0 for name, found in expected.items()}
    kept, reasons = usable(tmp_path / "a", {name: f"0 {s} C:maj\n" for name, s in seconds.items()})
    assert set(kept) == {name for name, found in expected.items() if isinstance(found, float)}
    for name, sentence in expected.items():
        if isinstance(sentence, str):
            assert reasons.pop(name).startswith(sentence)
    assert not reasons


LABS = {
    "overlap": ("0 2 C\n1.5 6 G\n", "a/overlap.lab, row 2 starts at 1.5 s, but the row before ends at 2 s"),
    "backwards": ("3 6 C\n0 3 G\n", "a/backwards.lab, row 2 starts at 0 s, but the row before ends at 6 s"),
    "unknown": ("0 3 C:mjr\n3 6 G\n", "a/unknown.lab, row 1: 'C:mjr' is not a chord in Harte's notation"),
    "longer": ("0 3 C\n3 7.5 G\n", "a/longer.lab, last row ends at 7.50 s, but the audio lasts 6.00 s"),
    "other": ("7 9 C\n9 12 G\n", "a/other.lab, last row ends at 12.00 s"),
    "header": ("start end chord\n0 6 C\n", "a/header.lab, row 1: 'start end chord' is not 'START END LABEL'"),
    "negative": ("-1 6 C\n", "a/negative.lab, row 1 runs from -1 to 6 s"),
    "empty": ("\n", "a/empty.lab has no rows"),
    "gap": ("0.5 2 C\n4 6 G\n", [(0.5, 2, "C"), (2, 4, "X"), (4, 6, "G")]),
    "crack": ("0 2.98 C\n3 6 G\n", [(0, 3, "C"), (3, 6, "G")]),
    "rounding": ("0 3.0005 C\n3 6 G\n", [(0, 3, "C"), (3, 6, "G")]),
    "overhang": ("0 3 C\n3 6.8 G\n", [(0, 3, "C"), (3, 6, "G")]),
    "shorter": ("0 3 C\n", [(0, 3, "C")]),
}


def test_annotations_are_mended_where_that_is_safe_and_refused_in_one_sentence_elsewhere(tmp_path):
    root = tmp_path / "a"
    root.mkdir()
    for i, name in enumerate(LABS):
        sf.write(root / f"{name}.wav", chord(6, 8000) * (0.5 + 0.01 * i), 8000)
    kept, reasons = usable(root, {f"{name}.wav": text for name, (text, _) in LABS.items()})
    for name, (_, expected) in LABS.items():
        if isinstance(expected, str):
            assert reasons[f"{name}.wav"].startswith(expected.removeprefix("a/"))
            assert "\n" not in reasons[f"{name}.wav"]
        else:
            rows = [line.split("\t") for line in kept[f"{name}.wav"].splitlines()]
            assert [(float(a), float(b), label) for a, b, label in rows] == expected


@pytest.mark.parametrize("name", NETWORKS)
def test_predict_answers_for_what_can_be_used_and_says_of_the_rest_why_not(workplace, earmark, name):
    small_chord_bundle(workplace / "bundles/chord", *NETWORKS[name])
    expected = recordings(workplace / "in")
    sf.write(workplace / "in/still.wav", np.zeros((8000, 2)), 8000)
    expected |= {"still.wav": 1.0}
    code, _, err = earmark("predict", "chord", "in/gone.wav", *(f"in/{file}" for file in expected), "--out", "out")
    assert code == 1
    assert "earmark: There is no file or folder in/gone.wav." in err
    for file, found in expected.items():
        beside = (workplace / "out" / file).with_suffix(".lab")
        if isinstance(found, str):
            (sentence,) = (line for line in err if f"in/{file}" in line)
            assert sentence.startswith(f"earmark: in/{file} cannot be used: {found}")
            assert not beside.exists()
            continue
        segments = lab.read(beside)
        assert (segments[0].start_s, segments[-1].end_s) == (0, found)
        assert all(a.end_s == b.start_s for a, b in pairwise(segments))
        said = json.loads(beside.with_suffix(".json").read_text())
        assert all(0 <= s["probability"] <= 1 for s in said["segments"])
    assert [s[:3] for s in lab.read(workplace / "out/still.lab")] == [(0, 1, "N")]


@pytest.mark.parametrize("name", NETWORKS)
def test_the_answer_does_not_depend_on_level_or_channels(workplace, name):
    read = predictions.Recogniser(small_chord_bundle(workplace / "bundle", *NETWORKS[name]))
    sound = np.concatenate([chord(2, 8000), sines(220, 2, 8000), chord(2, 8000)])
    sf.write("plain.wav", sound, 8000, subtype="FLOAT")
    sf.write("stereo.wav", np.stack([sound] * 2, 1), 8000, subtype="FLOAT")
    sf.write("quiet.wav", sound / 64, 8000, subtype="FLOAT")
    plain = read(Path("plain.wav"))
    for other in ("stereo", "quiet"):
        assert read(Path(f"{other}.wav")).segments == plain.segments


PEAKS = """
import sys
from earmark.cli import app
for name in ("minute", "hour"):
    sys.argv = ["earmark", "predict", "chord", name + ".wav", "--out", "out", "--model", "bundle"]
    try:
        app.main()
    except SystemExit as ended:
        assert not ended.code
    print(open("/proc/self/status").read().split("VmHWM:")[1].split()[0])  # ru_maxrss would count the parent's, too
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peaks of memory are read from /proc")
@pytest.mark.parametrize("name", NETWORKS)
def test_an_hour_takes_bounded_memory(tmp_path, name):
    """Transformed whole it took 550 MB more than a minute with pitch_net and 1,100 with two channels; in pieces 310."""
    small_chord_bundle(tmp_path / "bundle", *NETWORKS[name])
    minute = np.tile(np.concatenate([chord(2, 8000), sines(220, 2, 8000)]), 15)
    for length, times in (("minute", 1), ("hour", 60)):
        with sf.SoundFile(tmp_path / f"{length}.wav", "w", 8000, 1) as file:
            for _ in range(times):
                file.write(minute)
    env = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", PEAKS], cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    segments = lab.read(tmp_path / "out/hour.lab")
    assert (segments[0].start_s, segments[-1].end_s) == (0, 3600)
    before, after = (int(line) / 1024 for line in done.stdout.splitlines() if line.isdigit())
    assert after - before < 440  # MB


def decisive(name: str) -> torch.nn.Module:
    """A network of random weights that hears many chords, each for some frames."""
    model, features = NETWORKS[name]
    torch.manual_seed(0)
    net = build.untrained(model, features)
    with torch.no_grad():
        for _ in range(30):  # batch normalisation gets to know what it divides by
            net(torch.rand(2, features.channels, 50, features.n_bins))
        for head in (net.by_pitch, net.by_frame) if name == "pitch_net" else (net.chord, net.bass):
            head.weight.mul_(40)
    return net.eval()


@pytest.mark.parametrize("name", NETWORKS)
def test_a_song_gets_the_same_labels_alone_and_inside_a_batch(name):
    """Songs of 40, 130 and 300 frames of one spectrogram each; the padding is as loud as music."""
    net, (model, features) = decisive(name), NETWORKS[name]
    rng, lengths = torch.Generator().manual_seed(1), [40, 130, 300]
    width = features.channels * (features.n_bins + 33)
    held = [torch.rand(1 + n // 10, width, generator=rng).repeat_interleave(10, 0)[:n] for n in lengths]
    batch = torch.rand(3, features.channels, 300, features.n_bins, generator=rng)
    for row, values, n in zip(batch, held, lengths, strict=True):
        row[:, :n] = build.network_input(values, features.channels)
    with torch.no_grad():
        answers = build.logits(net(batch, torch.tensor(lengths)))
    for i, (values, n) in enumerate(zip(held, lengths, strict=True)):
        alone = labels(build.recording_logits(net, values, features.channels), n, model)
        together = labels(type(answers)(*(t[i, :n] for t in vars(answers).values())), n, model)
        assert len({s.label for s in alone}) >= 3
        assert [s[:3] for s in together] == [s[:3] for s in alone]


def labels(heard, n: int, model) -> list[LabSegment]:
    hop_s = predictions.SWITCH_HOP_S
    return predictions.song(heard, hop_s, n * hop_s, words=build.vocabulary(model)).segments
