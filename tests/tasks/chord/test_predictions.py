"""From the network's word to chords, and the command that writes them."""

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import soundfile as sf
import torch

from builders import noise, sines, tone
from bundles import CHORD_FEATURES as FEATURES
from bundles import CHORD_NETWORK as NETWORK
from bundles import STEREO_FEATURES, small_chord_bundle
from earmark.features import rows
from earmark.tasks.chord import predictions, spectrogram
from earmark.tasks.chord.decoding.crf import TiedCrf
from earmark.tasks.chord.networks import build
from earmark.tasks.chord.networks.pitch_net import ChordLogits
from earmark.tasks.chord.notation import harte, lab
from earmark.tasks.chord.notation.vocabulary import WIDE
from earmark.tasks.chord.task import TASK

HOP_S = 0.1
NOTHING = {"start_s": 0.0, "end_s": 2.0, "label": "N", "probability": 1.0}


def heard(chords: list[tuple[str, int]], sure: float = 9.0) -> ChordLogits:
    """A network that is sure of these labels, each for a number of frames, and undecided about changes."""
    classes, basses = [], []
    for label, n in chords:
        chord = harte.parse(label)
        classes += [harte.class_of(chord, WIDE)] * n
        basses += [chord.bass] * n
    n = len(classes)
    said = ChordLogits(*(torch.zeros(n, k) for k in (WIDE.n_classes, 13, 12)), torch.zeros(n), torch.zeros(n, 24))
    said.chord[torch.arange(n), classes] = sure
    said.bass[torch.arange(n), basses] = sure
    said.key[:, 21] = 1.0  # A minor
    return said


@pytest.fixture
def place(workplace):
    small_chord_bundle(workplace / "bundles/chord")
    return workplace


def test_chords_inversions_and_key_of_a_sure_network():
    song = predictions.song(heard([("N", 5), ("C:maj", 10), ("C:maj/3", 10), ("F:min7", 10), ("N", 5)]), HOP_S, 3.95)
    assert [s.label for s in song.segments] == ["N", "C:maj", "C:maj/3", "F:min7", "N"]
    bounds = [(round(s.start_s, 3), round(s.end_s, 3)) for s in song.segments]
    assert bounds == [(0, 0.45), (0.45, 1.45), (1.45, 2.45), (2.45, 3.45), (3.45, 3.95)]
    assert song.key == "A:min"
    assert all(0.9 < s.probability <= 1 for s in song.segments)


@pytest.mark.parametrize("label", ["C:maj/3", "G:7/b7", "Bb:min/5", "D:maj/2", "A:sus2"])
def test_the_bass_is_written_as_inversion(label):
    song = predictions.song(heard([("E:min", 10), (label, 10), ("E:min", 10)]), HOP_S, 3.0)
    assert [s.label for s in song.segments] == ["E:min", label, "E:min"]


@pytest.mark.parametrize(
    ("bass", "nats", "label"),
    [(2, 9, "D:maj"), (6, 2.9, "D:maj"), (6, 3.1, "D:maj/3"), (7, 7.9, "D:maj"), (7, 8.1, "D:maj/4")],
)
@pytest.mark.parametrize("shorter", [1, 4])
def test_what_a_bass_other_than_the_root_costs(bass, nats, label, shorter, monkeypatch):
    """A tenth of the evidence in each of ten frames, of which the root has none; as long as those it is for, or a
    quarter, of which there are four times as many.
    """
    monkeypatch.setattr(predictions, "BASS", {"weight": 1.0, "inversion": 3.0, "foreign": 8.0})
    said = heard([("D:maj", 10 * shorter)])
    said.bass[:] = 0.0
    said.bass[:, bass] = nats / 10
    hop_s = predictions.SWITCH_HOP_S / shorter
    assert [s.label for s in predictions.song(said, hop_s, 10 * shorter * hop_s).segments] == [label]


@pytest.mark.parametrize(("tones", "label"), [(0.0, "C:5"), (0.2, "C:maj")])
def test_a_third_that_is_surely_heard_makes_a_power_chord_major(tones, label):
    """The chord head leads by half a nat with C:5; log-odds of 4 say that E sounds, which C:5 denies."""
    said = heard([("C:5", 10)], sure=9.0)
    said.chord[:, WIDE.index(1, 0)] = 8.5
    said.tones[:] = -4.0
    said.tones[:, [0, 4, 7]] = 4.0
    (segment,) = predictions.song(said, HOP_S, 1.0, tones=tones).segments
    assert segment.label == label
    assert 0.5 < segment.probability < 0.65  # of what the heads say together: .3 in favour of C:maj, or .5 against


def test_a_tone_that_is_surely_not_heard_takes_the_seventh_away():
    said = heard([("C:7", 10)], sure=3.0)
    said.chord[:, WIDE.index(1, 0)] = 2.5
    said.tones[:, 10] = -4.0
    found = [predictions.song(said, HOP_S, 1.0, tones=weight).segments for weight in (0.0, 0.2)]
    assert [s.label for segments in found for s in segments] == ["C:7", "C:maj"]


def test_a_foreign_bass_is_heard_as_a_note_too(monkeypatch):
    """D below C:maj and heard: what C:maj(9) has for its ninth, C:maj/2 has for its bass."""
    monkeypatch.setattr(predictions, "BASS", {"weight": 1.0, "inversion": 4.0, "foreign": 8.0})
    said = heard([("C:maj/2", 10)], sure=3.0)
    said.chord[:, WIDE.index(15, 0)] = 2.5
    said.tones[:] = -4.0
    said.tones[:, [0, 2, 4, 7]] = 4.0
    assert [s.label for s in predictions.song(said, HOP_S, 1.0, tones=0.2).segments] == ["C:maj/2"]


def test_single_notes_count_up_to_a_limit(monkeypatch):
    monkeypatch.setattr(predictions, "TONES", {"weight": 0.2, "most": 2.0})
    said = heard([("C:5", 10)], sure=3.0)
    said.chord[:, WIDE.index(1, 0)] = 2.5
    said.tones[:, 4] = 40.0  # worth .2 * 2 < .5
    assert [s.label for s in predictions.song(said, HOP_S, 1.0).segments] == ["C:5"]


def test_chord_and_bass_are_one_answer():
    """A:min7 leads C:maj6, of the same notes, by less than an inversion costs: a sure bass of C decides."""
    said = heard([("C:maj6", 10)], sure=3.0)
    said.chord[:, WIDE.index(10, 9)] = 3.0 + 0.5 * predictions.BASS["inversion"] / 10
    assert [s.label for s in predictions.song(said, HOP_S, 1.0).segments] == ["C:maj6"]
    said.bass[:] = 0.0
    said.bass[:, 9] = 3.0
    assert [s.label for s in predictions.song(said, HOP_S, 1.0).segments] == ["A:min7"]


def test_one_frame():
    song = predictions.song(heard([("G:7/3", 1)]), HOP_S, 0.05)
    assert [s[:3] for s in song.segments] == [(0.0, 0.05, "G:7/3")]


def test_a_flicker_of_a_frame_is_no_chord():
    song = predictions.song(heard([("C:maj", 10), ("A:min", 1), ("C:maj", 10)], sure=1.7), HOP_S, 2.1)
    assert [s.label for s in song.segments] == ["C:maj"]


@pytest.mark.parametrize(("bass", "nats", "label"), [(6, 11.9, "D:maj"), (6, 12.1, "D:maj/3"), (7, 16.1, "D:maj/4")])
def test_behind_a_crf_the_bass_is_found_after_its_chord(bass, nats, label):
    said = heard([("D:maj", 10)])
    said.bass[:] = 0.0
    said.bass[:, bass] = nats / 10
    crf = TiedCrf(len(WIDE.qualities)).decoder()
    hop_s = predictions.SWITCH_HOP_S
    assert [s.label for s in predictions.song(said, hop_s, 10 * hop_s, crf=crf).segments] == [label]


def test_the_transition_head_moves_the_crfs_segments():
    """C and F with four undecided frames between them: log-odds of -20, of +20 and at one frame give other segments."""
    crf = TiedCrf(len(WIDE.qualities))
    crf.switch.data = torch.tensor([1.0, -2.0])
    said = heard([("C:maj", 12), ("F:maj", 8)], sure=1.5)
    said.chord[8:12] = 0.0
    found = {}
    for name, odds in (("never", -20.0), ("always", 20.0), ("at 10", -4.0)):
        said.change[:] = odds
        if name == "at 10":
            said.change[10] = 4.0
        found[name] = predictions.song(said, HOP_S, 2.0, words=WIDE, crf=crf.decoder()).segments
    assert [s.label for s in found["never"]] == ["C:maj"]
    assert [(s.label, round(s.end_s, 2)) for s in found["at 10"]] == [("C:maj", 0.95), ("F:maj", 2.0)]
    assert len(found["always"]) > 2
    crf.switch.data[0] = 0.0
    same = [predictions.song(said, HOP_S, 2.0, words=WIDE, crf=crf.decoder()).segments for said.change[:] in (-20, 20)]
    assert same[0] == same[1]


def test_a_crf_of_before_does_not_hear_of_changes():
    weights = TiedCrf(2).state_dict()
    del weights["switch"]
    assert predictions.decoder(weights).switch == (0.0, 0.0)


@pytest.mark.parametrize("decoder", ["switch", "crf"])
def test_a_models_weights_of_qualities_decide_between_equals(place, decoder, tmp_path):
    """Minor and major as likely: whichever weighs more is said, and the probability is what that makes of it."""
    said = heard([("C:maj", 10)], sure=9.0)
    said.chord[:, WIDE.index(2, 0)] = 9.0
    for quality, label in ((1, "C:maj"), (2, "C:min")):
        shares = torch.ones(len(WIDE.qualities) + 1)
        shares[quality] = 3.0
        crf = TiedCrf(len(WIDE.qualities)).decoder() if decoder == "crf" else None
        with predictions.Word([said], WIDE, 0.0, predictions.log_weights(shares)) as word:
            song = predictions._read(word, HOP_S, 1.0, crf)
        assert [s.label for s in song.segments] == [label]
        assert song.segments[0].probability == pytest.approx(0.75, abs=0.03)


def test_pieces_of_a_long_recording_give_the_whole(monkeypatch):
    torch.manual_seed(1)
    model = build.untrained(NETWORK, FEATURES).eval()
    values = torch.rand(100, FEATURES.n_bins + 33)
    whole = predictions.recording_logits(model, values)
    monkeypatch.setattr(build, "AT_ONCE", 23)
    monkeypatch.setattr(build, "WHOLE", 99)
    pieces = predictions.recording_logits(model, values)
    for name, value in vars(whole).items():
        torch.testing.assert_close(getattr(pieces, name), value, msg=name)


def test_spectrogram_is_relative_to_the_maximum_and_floored(tmp_path):
    quiet, loud = (tone(tmp_path / f"{level}.wav", 440, 2, 8000, level=level) for level in (0.001, 0.5))
    a, b = (
        spectrogram.spectrogram_of(quiet, FEATURES).astype(np.float32),
        spectrogram.spectrogram_of(loud, FEATURES).astype(np.float32),
    )
    assert a.shape == (1 + 16000 // 1024, 4 * 36 + 33)
    assert (b.max(), b.min()) == (1, 0)
    # 16 bits hold the quiet tone's partials above its noise only
    np.testing.assert_allclose(a[a > 0.7], b[a > 0.7], atol=0.02)
    peak = 18 + round(36 * np.log2(440 / FEATURES.f_min))
    assert int(b[8].argmax()) == peak


def test_silence_is_no_chord(place, earmark):
    sf.write(place / "still.wav", np.zeros(16000), 8000)
    code, out, _ = earmark("predict", "chord", "still.wav", "--json")
    assert code == 0
    (answer,) = json.loads(out)
    assert [(s["start_s"], s["end_s"], s["label"]) for s in answer["segments"]] == [(0.0, 2.0, "N")]
    assert (answer["key"], answer["key_probability"], answer["music"]) == ("N", 1.0, False)


def test_a_recording_without_chords_has_no_key():
    """All of it N, as likely as the network says, but for a network that is sure of A minor."""
    song = predictions.song(heard([("N", 20)], sure=9.0), HOP_S, 2.0)
    probability = np.exp(9) / (np.exp(9) + WIDE.n_classes - 1)
    assert [s[:3] for s in song.segments] == [(0.0, 2.0, "N")]
    assert (song.key, song.music) == ("N", False)
    assert [song.segments[0].probability, song.key_probability] == pytest.approx([probability] * 2, abs=1e-6)
    some = predictions.song(heard([("N", 20), ("C:maj", 10)], sure=9.0), HOP_S, 3.0)
    assert (some.key, some.music) == ("A:min", True)


def test_a_served_model_says_whether_there_was_music(place):
    sf.write(place / "still.wav", np.zeros(16000), 8000)
    tone(place / "tone.wav", 440, 2, 8000)
    answer = predictions.answering(place / "bundles/chord")
    still = {"key": "N", "key_probability": 1.0, "music": False, "duration_s": 2.0}
    assert answer(place / "still.wav") == {"segments": json.dumps([NOTHING]), **still}
    heard = answer(place / "tone.wav")
    assert set(heard) == set(TASK.answers)
    assert heard["music"] == (heard["key"] != "N") == any(s["label"] != "N" for s in json.loads(heard["segments"]))


def test_a_second_is_worth_the_same_at_any_hop():
    """Every frame four times over, at a quarter of the hop, costs four times as much to leave."""
    sparse, dense = ([("C:maj", 10 * k), ("A:min", 2 * k), ("C:maj", 10 * k)] for k in (1, 4))
    price = predictions.SWITCH["base"] * predictions.SWITCH_HOP_S / 0.1
    for sure, n in ((0.45 * price, 1), (0.6 * price, 3)):  # two frames of chord and bass against two changes
        found = [predictions.song(heard(c, sure), hop, 2.2).segments for c, hop in ((sparse, 0.1), (dense, 0.025))]
        assert [len(f) for f in found] == [n, n]


@pytest.mark.parametrize(("rate", "channels", "seconds"), [(8000, 1, 5.0), (44100, 2, 1.0), (22050, 1, 0.06)])
def test_writes_lab_json_and_midi_that_cover_the_recording(place, earmark, rate, channels, seconds):
    tone(place / "in/song.flac", 261.6, seconds, rate, channels)
    code, out, _ = earmark("predict", "chord", "in/song.flac", "--out", "out")
    assert code == 0
    assert "released chord bundle, which knows chords of nothing in particular" in out.splitlines()[0]
    segments = lab.read(place / "out/song.lab")
    assert segments[0].start_s == 0
    assert segments[-1].end_s == pytest.approx(seconds, abs=1e-6)
    assert all(a.end_s == b.start_s for a, b in pairwise(segments))
    facts = json.loads((place / "out/song.json").read_text())
    assert set(facts) == {"key", "key_probability", "music", "duration_s", "segments", "model"}
    assert facts["model"]["name"] == "earmark's released chord bundle"
    assert (place / "out/song.mid").read_bytes()[:4] == b"MThd"


def test_files_of_one_stem_are_refused_before_work(place, earmark):
    for folder in ("a", "b"):
        tone(place / folder / "song.wav", rate=8000)
    code, _, err = earmark("predict", "chord", "a/song.wav", "b/song.wav", "--out", "out")
    assert code == 1
    assert err == [
        "earmark: a/song.wav and b/song.wav would both become out/song.lab; recognise them into two folders."
    ]
    assert not (place / "out").exists()


def test_bad_files_do_not_lose_the_others(place, earmark):
    tone(place / "good.wav", rate=8000)
    (place / "bad.wav").write_text("no audio")
    (place / "folder").mkdir()
    code, _, err = earmark("predict", "chord", "bad.wav", "gone.wav", "folder", "good.wav", "--out", "out")
    assert code == 1
    assert (place / "out/good.lab").exists()
    (bad,) = (line for line in err if "cannot be used" in line)
    assert bad.startswith("earmark: bad.wav cannot be used: it cannot be decoded as audio")
    assert "earmark: There is no file or folder gone.wav." in err
    assert "earmark: There is no recording in the folder folder; name another folder, or files." in err


def test_a_folder_beside_a_file_of_its_name_is_no_clash(place, earmark):
    tone(place / "song.wav", rate=8000)
    (place / "song").mkdir()
    code, _, err = earmark("predict", "chord", "song", "song.wav", "--out", "out")
    assert code == 1
    assert (place / "out/song.lab").exists()
    assert not [line for line in err if "would both become" in line]


@pytest.mark.parametrize("task", ["genre", "chord"])
def test_a_name_that_no_file_system_takes_is_one_sentence(place, earmark, task):
    name = 300 * "a" + ".wav"
    code, _, err = earmark("predict", task, name)
    assert code == 1
    assert f"earmark: {name} cannot be used: File name too long." in err


def test_the_answer_does_not_depend_on_the_channels_or_the_rate_of_the_file(place):
    chord = sum(sines(f, 4, 16000, 0.2) for f in (261.6, 329.6, 392.0)) + noise(4, 16000, 0.001)
    sf.write(place / "mono.wav", chord, 16000)
    sf.write(place / "stereo.wav", np.stack([chord, chord], 1), 16000)
    read = predictions.Recogniser(place / "bundles/chord")
    assert read(place / "mono.wav").segments == read(place / "stereo.wav").segments


@pytest.mark.parametrize(
    ("settings", "normalize"),
    [(FEATURES, "share"), (replace(FEATURES, local_s=1.0), "share"), (STEREO_FEATURES, "deviation")],
)
def test_a_spectrogram_on_disk_is_that_in_memory(tmp_path, monkeypatch, settings, normalize):
    monkeypatch.setattr(rows, "MEMORY", 1000)
    monkeypatch.setattr(rows, "BLOCK", 30_000)
    settings = replace(settings, normalize=normalize)
    sf.write(tmp_path / "a.wav", np.stack([sines(440, 6, 8000), noise(6, 8000)], 1), 8000)
    whole = torch.from_numpy(spectrogram.spectrogram_of(tmp_path / "a.wav", settings))
    with spectrogram.spooled(spectrogram.samples(tmp_path / "a.wav", settings), settings) as values:
        assert (len(values), values.audible) == (len(whole), True)
        atol = 0 if normalize == "share" else 4e-3  # a float16 beyond 2; the moments' sums go block by block
        for stretch in (slice(0, 7), slice(5, len(whole)), slice(90, 9999)):
            torch.testing.assert_close(values[stretch], whole[stretch], rtol=0, atol=atol)
    sf.write(tmp_path / "still.wav", np.zeros((8000, 2)), 8000)
    with spectrogram.spooled(spectrogram.samples(tmp_path / "still.wav", settings), settings) as values:
        assert (values.audible, values[0:5].abs().sum()) == (False, 0)


def test_a_recording_on_disk_gets_the_answer_of_one_in_memory(place, monkeypatch):
    chord = [sum(sines(f, 3, 8000, 0.2) for f in tones) for tones in ((261.6, 329.6, 392.0), (220, 261.6, 329.6))]
    sf.write(place / "a.wav", np.concatenate([*chord, noise(2, 8000)] * 2), 8000)
    read = predictions.Recogniser(place / "bundles/chord")
    whole = read.read(torch.from_numpy(spectrogram.spectrogram_of(place / "a.wav", read.features)), 16.0)
    monkeypatch.setattr(rows, "MEMORY", 1000)
    monkeypatch.setattr(rows, "BLOCK", 30_000)
    monkeypatch.setattr(build, "AT_ONCE", 17)
    monkeypatch.setattr(build, "WHOLE", 0)
    found = read(place / "a.wav")
    assert [s[:3] for s in found.segments] == [s[:3] for s in whole.segments]
    assert [s.probability for s in found.segments] == pytest.approx([s.probability for s in whole.segments], abs=1e-5)
    assert (found.key, found.duration_s) == (whole.key, 16.0)
    assert found.key_probability == pytest.approx(whole.key_probability, abs=1e-6)
