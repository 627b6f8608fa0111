"""The demo music: its labels hold for the notes and the samples, and no shortcut tells its genres apart."""

import csv
from collections import Counter, defaultdict
from itertools import combinations

import mir_eval
import numpy as np
import pytest
import soundfile as sf

from earmark.errors import EarmarkError
from earmark.generated.demo import music as demo
from earmark.generated.demo import score

PER_GENRE = 40


@pytest.fixture(scope="module")
def songs():
    return [demo.compose(genre, i, seed=7) for genre in demo.GENRES for i in range(PER_GENRE)]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    ticks = []
    root = tmp_path_factory.mktemp("demo") / "music"
    demo.generate(root, songs_per_genre=1, seed=3, progress=lambda: ticks.append(1))
    return root, len(ticks)


def part(song, name):
    return next((i for i in song.midi.instruments if i.name == name), None)


def notes(song):
    return [(i.name, i.program, n.pitch, n.velocity, n.start, n.end) for i in song.midi.instruments for n in i.notes]


def label_pitch_classes(label):
    """Pitch classes of a label by mir_eval, with the ninth that its bitmaps leave out."""
    root, bitmap, _ = mir_eval.chord.encode(label)
    _, quality, _, _ = mir_eval.chord.split(label)
    extensions = mir_eval.chord.EXTENDED_QUALITY_REDUX.get(quality, (quality, set()))[1]
    above = [*np.flatnonzero(bitmap), *map(mir_eval.chord.scale_degree_to_semitone, extensions)]
    return {int(root + i) % 12 for i in above}


def read_lab(path):
    rows = [line.split("\t") for line in path.read_text().splitlines()]
    return np.array([[float(a), float(b)] for a, b, _ in rows]), [label for *_, label in rows]


def write_stub(job):
    """Stands in for rendering where only the files' fate matters."""
    folder, genre, index, *_ = job
    (folder / f"audio/{genre}_{index:03d}.flac").touch()
    return dict.fromkeys(demo.COLUMNS, "")


def majority_accuracy(songs, attribute):
    """Accuracy of guessing, for each value of an attribute, the genre that has it most often."""
    table = defaultdict(Counter)
    for song in songs:
        table[attribute(song)][song.genre] += 1
    return sum(max(c.values()) for c in table.values()) / len(songs)


@pytest.mark.parametrize(
    ("tonic", "degree", "note"),
    [
        ("C", "b7", "Bb"),
        ("C", "#4", "F#"),
        ("A", "3", "C#"),
        ("Ab", "b3", "Cb"),
        ("F#", "7", "E#"),
        ("F#", "#1", "G"),  # not F##
        ("Db", "b6", "A"),  # not Bbb
        ("B", "5", "F#"),
    ],
)
def test_notes_are_spelt_by_degree(tonic, degree, note):
    assert score.transpose(tonic, degree) == note
    assert score.pitch_class(note) == mir_eval.chord.pitch_class_to_semitone(note)


def test_voicing_lies_near_its_centre_and_drop_2_opens_it():
    assert score.voicing((0, 4, 7), 64, spread=False) == [60, 64, 67]
    assert score.voicing((0, 4, 7, 11), 65.5, spread=False) == [60, 64, 67, 71]
    assert score.voicing((0, 4, 7, 11), 62.5, spread=True) == [55, 60, 64, 71]
    assert {n % 12 for n in score.voicing((0, 4, 7, 10, 2), 62, spread=False)} == {0, 4, 10, 2}


def test_bass_starts_every_chord_on_the_label_and_ends_with_it():
    bar = 4 * score.PPQ
    harmony = [
        score.ScoreChord(0, bar, "C:maj/3", "E", (0, 4, 7)),
        score.ScoreChord(bar, 2 * bar, "F:7", "F", (5, 9, 0, 3)),
        score.ScoreChord(2 * bar, 3 * bar, "C:maj", "C", (0, 4, 7)),
    ]
    played = [(t.start, t.end, t.pitch) for t in score.write_bass(harmony, "..F-OTSA", bar)]
    first = [(0, 480, 28), (480, 960, 31), (960, 1200, 40), (1200, 1440, 28), (1440, 1680, 33), (1680, 1920, 28)]
    second = [(0, 480, 29), (480, 960, 36), (960, 1200, 41), (1200, 1440, 33), (1440, 1680, 38), (1680, 1920, 35)]
    assert played == [*first, *[(a + bar, b + bar, p) for a, b, p in second], (2 * bar, 3 * bar, 36)]


def test_harmony_fills_whole_bars_and_changes_on_half_beats(songs):
    for song in songs:
        quarter, beats = 60 / song.tempo_bpm, song.midi.time_signature_changes[0].numerator
        bars = (song.chords[-1].start - song.chords[0].end) / (quarter * beats)
        assert bars == pytest.approx(round(bars), abs=1e-6)
        half = [(c.start - song.chords[0].end) / quarter * 2 for c in song.chords[1:-1]]
        np.testing.assert_allclose(half, np.round(half), atol=1e-6)


def test_chords_are_contiguous_and_as_long_as_the_song(songs):
    for song in songs:
        intervals = np.array([[c.start, c.end] for c in song.chords])
        mir_eval.util.validate_intervals(intervals)
        assert intervals[0, 0] == 0
        np.testing.assert_array_equal(intervals[1:, 0], intervals[:-1, 1])
        assert 30 <= intervals[-1, 1] <= 45
        silent = [c.label == "N" for c in song.chords]
        assert silent == [True] + [False] * (len(silent) - 2) + [True]


def test_labels_parse_and_name_the_bass(songs):
    for song in songs:
        for chord in song.chords:
            root, _, bass = mir_eval.chord.encode(chord.label, strict_bass_intervals=True)
            if chord.label == "N":
                assert chord.bass == "N"
            else:
                assert (root + bass) % 12 == mir_eval.chord.pitch_class_to_semitone(chord.bass)


def test_vocabulary_is_rich(songs):
    heard = Counter(mir_eval.chord.split(c.label)[1] for s in songs for c in s.chords if c.label != "N")
    wanted = {"maj", "min", "7", "maj7", "min7", "dim7", "hdim7", "sus4", "maj6", "min6", "9", "aug"}
    assert set(heard) == wanted
    assert min(heard.values()) >= 20
    assert sum("/" in c.label for s in songs for c in s.chords) > 200


def test_bass_sounds_the_labelled_bass_on_the_onset(songs):
    for song in songs:
        bass = part(song, "bass").notes
        for chord in song.chords[1:-1]:
            struck = [n.pitch for n in bass if chord.start <= n.start < chord.start + 0.02]
            root, _, interval = mir_eval.chord.encode(chord.label)
            assert struck, (song.name, chord)
            assert min(struck) % 12 == (root + interval) % 12, (song.name, chord)


def test_pitched_notes_stay_inside_one_chord(songs):
    for song in songs:
        starts = np.array([c.start for c in song.chords])
        for player in song.midi.instruments:
            for note in player.notes:
                # A microsecond: far below a tick, far above rounding.
                chord = song.chords[np.searchsorted(starts, note.start + 1e-6, side="right") - 1]
                assert chord.label != "N"
                assert note.start < note.end
                assert player.is_drum or note.end <= chord.end + 1e-6, (song.name, player.name, note)


def test_comping_plays_the_label_and_nothing_else(songs):
    complete = total = 0
    for song in songs:
        for chord in song.chords[1:-1]:
            wanted = label_pitch_classes(chord.label)
            sounded = {
                n.pitch % 12
                for player in (part(song, "comp"), part(song, "pad"))
                for n in (player.notes if player else [])
                if chord.start - 1e-6 <= n.start < chord.end - 1e-6
            }
            assert sounded, (song.name, chord)
            assert sounded <= wanted, (song.name, chord)
            root = mir_eval.chord.encode(chord.label)[0]
            complete += wanted - {(root + 7) % 12} <= sounded | {score.pitch_class(chord.bass)}
            total += 1
    assert complete / total > 0.97  # half a bar may end before a broken chord is through


def test_players_are_late_by_at_most_the_jitter_and_uneven_in_force(songs):
    for song in songs:
        comp = part(song, "comp").notes
        grid = 60 / song.tempo_bpm / 12  # the common divisor of triplets and sixteenths
        late = (np.array([n.start for n in comp]) - song.chords[0].end) % grid
        late = np.where(late > grid - 1e-6, 0, late)
        assert 0.001 < late.max() <= 0.0121
        assert np.std([n.velocity for n in comp]) > 2


def test_keys_agree_with_modes_and_with_the_closing_chord(songs):
    for song in songs:
        tonic, third = song.key.split(":")
        assert tonic in score.TONICS[third]
        assert third == {"maj": "maj", "mix": "maj", "min": "min", "dor": "min"}[song.mode]
        chord_third = (mir_eval.chord.pitch_class_to_semitone(tonic) + (4 if third == "maj" else 3)) % 12
        close = song.chords[-2].label
        assert mir_eval.chord.split(close)[0] == tonic
        assert chord_third in label_pitch_classes(close)


def test_genres_vary_inside(songs):
    for genre in demo.GENRES:
        own = [s for s in songs if s.genre == genre]
        assert len({s.key for s in own}) >= 6
        assert len({part(s, "comp").program for s in own}) >= 3
        drums, lead = (sum(part(s, name) is not None for s in own) for name in ("drums", "lead"))
        assert 15 <= drums <= 35
        assert 12 <= lead <= 35


@pytest.mark.parametrize(
    "attribute",
    [
        lambda s: part(s, "comp").program,
        lambda s: part(s, "bass").program,
        lambda s: part(s, "lead") and part(s, "lead").program,
        lambda s: s.key,
        lambda s: part(s, "drums") is None,
        lambda s: s.tempo_bpm // 10,
        lambda s: s.gain // 3,
        lambda s: s.chords[-1].end // 1,
    ],
    ids=["comp", "bass", "lead", "key", "drums", "tempo", "gain", "length"],
)
def test_no_single_attribute_gives_the_genre_away(songs, attribute):
    assert majority_accuracy(songs, attribute) <= 0.6


def test_levels_are_spread_alike_in_all_genres(songs):
    gains = {g: np.sort([s.gain for s in songs if s.genre == g]) for g in demo.GENRES}
    for own in gains.values():
        assert -18 <= own[0] < -15
        assert -6 < own[-1] <= -3
    for a, b in combinations(gains.values(), 2):
        edges = np.concatenate([a, b])
        cdf = [np.searchsorted(x, edges, side="right") / PER_GENRE for x in (a, b)]
        assert np.abs(cdf[0] - cdf[1]).max() < 0.43  # two-sample Kolmogorov-Smirnov, p = 0.001


def test_meter_and_swing_differ_between_genres(songs):
    triplets = defaultdict(list)
    for song in songs:
        beats = (np.array([n.start for n in part(song, "comp").notes]) - song.chords[0].end) * song.tempo_bpm / 60
        triplets[song.genre].append(np.mean(np.abs(beats % 1 - 2 / 3 - 0.015) < 0.02))
        assert song.midi.time_signature_changes[0].numerator == (3 if song.genre == "waltz" else 4)
    assert min(triplets["blues"]) > 0.15
    assert max(triplets["rock"]) == max(triplets["bossa"]) == 0


def test_composing_is_decided_by_seed_genre_and_index():
    again = [demo.compose("bossa", 4, 11) for _ in range(2)]
    assert notes(again[0]) == notes(again[1])
    assert again[0].chords == again[1].chords
    assert (again[0].gain, again[0].key) == (again[1].gain, again[1].key)
    for other in (demo.compose("bossa", 4, 12), demo.compose("bossa", 5, 11), demo.compose("rock", 4, 11)):
        assert notes(other) != notes(again[0])


def test_unknown_genre_is_refused():
    with pytest.raises(ValueError, match="blues, bossa, rock, waltz"):
        demo.compose("polka", 0, 1)


def test_rendering_repeats_at_the_stated_level_and_on_time():
    song = demo.compose("rock", 0, 7)
    audio, rate = demo.render(song)
    assert rate == 48000
    assert audio.dtype == np.float32
    assert audio.shape == (round(song.chords[-1].end * 48000), 2)
    assert 20 * np.log10(np.abs(audio).max()) == pytest.approx(song.gain, abs=1e-3)
    onset = round(song.chords[0].end * rate)
    assert np.abs(audio[: onset - 100]).max() < 1e-4
    assert np.abs(audio[onset : onset + rate // 20]).max() > 0.02
    np.testing.assert_array_equal(demo.render(demo.compose("rock", 0, 7))[0], audio)


def test_dataset_is_laid_out_as_the_manifest_says(dataset):
    root, finished = dataset
    names = [f"{genre}_000" for genre in demo.GENRES]
    files = sorted(p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file())
    expected = ["manifest.csv", *[f"audio/{n}.flac" for n in names], *[f"lab/{n}.lab" for n in names]]
    assert files == sorted(expected)
    assert finished == len(names)
    rows = list(csv.DictReader((root / "manifest.csv").open()))
    assert list(rows[0]) == ["path", "label", "group", "lab", "key", "mode", "tempo_bpm"]
    for row, genre, name in zip(rows, demo.GENRES, names, strict=True):
        song = demo.compose(genre, 0, 3)
        assert (row["path"], row["lab"]) == (f"audio/{name}.flac", f"lab/{name}.lab")
        assert (row["label"], row["group"], row["key"], row["mode"]) == (genre, name, song.key, song.mode)
        assert row["tempo_bpm"] == f"{song.tempo_bpm:.3f}"


def test_audio_and_labels_of_the_dataset_agree_to_the_sample(dataset):
    root, _ = dataset
    for genre in demo.GENRES:
        info = sf.info(root / f"audio/{genre}_000.flac")
        assert (info.samplerate, info.channels, info.format, info.subtype) == (44100, 2, "FLAC", "PCM_16")
        audio, _ = sf.read(root / f"audio/{genre}_000.flac", dtype="float32")
        assert np.isfinite(audio).all()
        assert 0.1 < np.abs(audio).max() < 1
        intervals, labels = read_lab(root / f"lab/{genre}_000.lab")
        song = demo.compose(genre, 0, 3)
        assert labels == [c.label for c in song.chords]
        np.testing.assert_allclose(intervals, [[c.start, c.end] for c in song.chords], atol=5.1e-7)
        mir_eval.util.validate_intervals(intervals)
        assert intervals[0, 0] == 0
        np.testing.assert_array_equal(intervals[1:, 0], intervals[:-1, 1])
        assert intervals[-1, 1] * 44100 == pytest.approx(len(audio), abs=1e-6)


def test_worker_processes_write_the_same_bytes(dataset, tmp_path, monkeypatch):
    # Spawned workers have their own hash seed, so this also shows that nothing depends on it.
    root, _ = dataset
    monkeypatch.setattr(demo, "GENRES", demo.GENRES[:2])
    demo.generate(tmp_path / "music", songs_per_genre=1, seed=3, workers=2)
    manifest = (tmp_path / "music/manifest.csv").read_bytes()
    assert manifest == b"".join((root / "manifest.csv").read_bytes().splitlines(keepends=True)[:3])
    made = list((tmp_path / "music").rglob("*_000.*"))
    assert len(made) == 4
    for file in made:
        assert file.read_bytes() == (root / file.relative_to(tmp_path / "music")).read_bytes(), file.name


def test_sample_rate_is_a_choice(tmp_path, monkeypatch):
    monkeypatch.setattr(demo, "GENRES", ("waltz",))
    demo.generate(tmp_path / "music", songs_per_genre=1, seed=3, sample_rate=16000)
    info = sf.info(tmp_path / "music/audio/waltz_000.flac")
    assert (info.samplerate, info.frames) == (16000, round(demo.compose("waltz", 0, 3).chords[-1].end * 16000))


def test_failure_leaves_nothing(tmp_path, monkeypatch):
    calls = []

    def fail_at_the_second(job):
        calls.append(job)
        if len(calls) == 2:
            raise OSError("disk full")
        return write_stub(job)

    monkeypatch.setattr(demo, "_write_song", fail_at_the_second)
    with pytest.raises(OSError, match="disk full"):
        demo.generate(tmp_path / "music", songs_per_genre=2, seed=3)
    assert len(calls) == 2
    assert list(tmp_path.iterdir()) == []


def test_leftovers_of_a_killed_run_are_replaced(tmp_path, monkeypatch):
    monkeypatch.setattr(demo, "_write_song", write_stub)
    monkeypatch.setattr(demo, "GENRES", ("waltz",))
    (tmp_path / ".music.partial/audio").mkdir(parents=True)
    (tmp_path / ".music.partial/audio/old.flac").touch()
    demo.generate(tmp_path / "music", songs_per_genre=1, seed=3)
    assert [p.name for p in tmp_path.iterdir()] == ["music"]
    assert [p.name for p in (tmp_path / "music/audio").iterdir()] == ["waltz_000.flac"]


@pytest.mark.parametrize("genre", demo.GENRES)
def test_a_song_lasts_as_long_as_asked_for(genre):
    for seconds in (30.0, 60.0, 200.0):
        ends = [demo.compose(genre, i, 7, seconds).chords[-1].end for i in range(12)]
        assert all(seconds <= end <= seconds + 10 for end in ends)
    usual, half = demo.compose(genre, 3, 7), demo.compose(genre, 3, 7, 30.0)
    assert (notes(usual), usual.chords, usual.gain) == (notes(half), half.chords, half.gain)


def test_genres_and_length_can_be_chosen(tmp_path, monkeypatch):
    jobs = []
    monkeypatch.setattr(demo, "_write_song", lambda job: jobs.append(job) or write_stub(job))
    demo.generate(tmp_path / "music", songs_per_genre=2, seed=3, genres=("rock", "blues"), seconds=60.0)
    assert [job[1:] for job in jobs] == [(g, i, 3, 44100, 60.0) for g in ("rock", "blues") for i in range(2)]


def test_existing_data_is_never_overwritten(tmp_path):
    (tmp_path / "music").mkdir()
    (tmp_path / "music/mine.wav").write_text("precious")
    with pytest.raises(EarmarkError, match="already exists"):
        demo.generate(tmp_path / "music", songs_per_genre=1, seed=3)
    assert [p.name for p in (tmp_path / "music").iterdir()] == ["mine.wav"]
    assert [p.name for p in tmp_path.iterdir()] == ["music"]
