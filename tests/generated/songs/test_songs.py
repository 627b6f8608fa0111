"""The generated chord songs: what sounds is what the label says, and the vocabulary is as rich as it claims."""

import random
from collections import Counter
from itertools import pairwise

import mir_eval
import pytest

from earmark.generated.songs import comping, harmony, parts
from earmark.generated.songs import songs as cs
from earmark.generated.songs.comping import Player
from earmark.generated.songs.harmony import DRILLED, Change, write_harmony
from earmark.tasks.chord.notation import harte, lab

HUMAN_S = 0.031  # a player's earliest onset before the written one
STRUM_S = 0.08  # the longest from a strum's first string to its last


@pytest.fixture(scope="module")
def songs():
    return [cs.compose(i, seed=5, seconds=30.0) for i in range(60)]


@pytest.fixture(scope="module")
def plain_songs():
    """Where nobody walks past the changes and nobody leaves thirds out."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cs, "WALKING", 0.0)
        patch.setattr(cs, "BARE", 0.0)
        return [cs.compose(i, seed=5, seconds=30.0) for i in range(60)]


@pytest.fixture(scope="module")
def harmonies():
    return [write_harmony(random.Random(f"test/{i}"), 4, 64, 110.0) for i in range(400)]


def notes(song, *names):
    return [n for part in song.midi.instruments if part.name in names for n in part.notes]


def sounding(song):
    """Everything that decides how a song sounds."""
    parts = song.midi.instruments
    return [(p.name, p.program, [(n.pitch, n.velocity, n.start, n.end) for n in p.notes]) for p in parts]


def chord_at(song, time_s):
    return next(c for c in song.chords if c.start_s <= time_s < c.end_s)


def test_labels_are_contiguous_and_mir_eval_reads_them(songs):
    for song in songs:
        assert song.chords[0].start_s == 0
        assert song.chords[-1].end_s == song.duration_s == 30.0
        assert song.chords[0].label == song.chords[-1].label == "N"
        for a, b in pairwise(song.chords):
            assert a.end_s == b.start_s
            assert a.label != b.label
        mir_eval.chord.encode_many([c.label for c in song.chords])
        assert song.key == "N" or song.key[-4:] in (":maj", ":min")


def test_comping_and_layers_play_the_label_alone(songs):
    for song in songs:
        for note in notes(song, "comp", "layer", "stabs"):
            possible = [chord_at(song, min(note.start + HUMAN_S, song.duration_s - 1e-6))]
            possible.append(chord_at(song, max(note.start - HUMAN_S - STRUM_S, 0.0)))  # a stroke just before it
            assert any(note.pitch % 12 in harte.parse(c.label).tones for c in possible), (song.name, possible, note)


def test_every_chord_begins_on_its_bass_where_nobody_alternates_is_free_or_walks(monkeypatch):
    """The bass player's first note; where there is none, the lowest note struck at the onset."""
    anybody = parts.bassist
    monkeypatch.setattr(cs, "WALKING", 0.0)
    monkeypatch.setattr(parts, "bassist", lambda metre, rng: anybody(metre, rng)._replace(by_bar=False, free=0.0))
    checked = 0
    for song in (cs.compose(i, seed=5, seconds=30.0) for i in range(60)):
        for chord in song.chords:
            player = notes(song, "bass") or notes(song, "comp")
            window = 0.01 + HUMAN_S if notes(song, "bass") else 0.06
            struck = [n.pitch for n in player if -HUMAN_S <= n.start - chord.start_s <= window]
            if chord.label != "N":
                assert min(struck) % 12 == harte.parse(chord.label).bass, (song.name, song.style, chord)
                checked += 1
    assert checked > 800


def test_chords_begin_on_their_bass_or_where_a_bass_player_is_free_to(plain_songs):
    """The bass player's first note; where there is none, the lowest note struck at the onset.

    Some bass players alternate by the bar or are free: theirs may be another note of a chord in root position.
    """
    checked, others = 0, Counter()
    for song in plain_songs:
        for chord in song.chords:
            player = notes(song, "bass") or notes(song, "comp")
            window = 0.01 + HUMAN_S if notes(song, "bass") else 0.06
            struck = [n.pitch for n in player if -HUMAN_S <= n.start - chord.start_s <= window]
            if chord.label != "N":
                known, lowest = harte.parse(chord.label), min(struck) % 12
                checked += 1
                if lowest != known.bass:
                    assert notes(song, "bass")
                    assert known.bass == known.root
                    assert lowest in known.tones, (song.name, song.style, chord)
                    others[song.name] += 1
    assert checked > 800
    assert 0.01 * checked < others.total() < 0.1 * checked
    assert len(others) < 0.25 * len(plain_songs)


def test_every_note_of_the_chord_is_heard(plain_songs):
    """All but the fifth of a chord of four notes or more, and the root that the bass player has."""
    missing = total = 0
    for song in plain_songs:
        pitched = notes(song, "comp", "layer", "stabs", "bass")
        for chord in (c for c in song.chords if c.label != "N"):
            known = harte.parse(chord.label)
            spare = {(known.root + 7) % 12} if len(known.intervals) > 3 else set()
            heard = {n.pitch % 12 for n in pitched if chord.start_s - HUMAN_S <= n.start < chord.end_s - HUMAN_S}
            missing += not (set(known.tones) - spare <= heard)
            total += 1
    assert missing <= 0.01 * total


def test_bare_songs_leave_out_the_thirds_of_triads_alone(monkeypatch):
    """Of those on root or fifth, and of all of a song but one; labels, bass and melody know them all."""
    monkeypatch.setattr(cs, "BARE", 1.0)
    meant = []
    for name in ("write_bass", "write_walk", "write_melody"):
        write = getattr(parts, name)
        monkeypatch.setattr(parts, name, lambda changes, *a, write=write: meant.append(changes) or write(changes, *a))
    bare = 0
    thirds = Counter()
    kept = {}
    monkeypatch.setattr(cs, "MUSICLESS", 0.0)
    for song in (cs.compose(i, seed=5, seconds=30.0) for i in range(60)):
        for chord in song.chords:
            known = harte.parse(chord.label)
            comped = notes(song, "comp", "layer", "stabs")
            inside = [n for n in comped if chord.start_s + HUMAN_S + STRUM_S <= n.start < chord.end_s - HUMAN_S]
            heard = {(n.pitch - known.root) % 12 for n in inside if n.start - chord.start_s > cs.RINGING_S}
            if not heard or known.root < 0:
                continue
            if song.key != "N" and chord.label.endswith((":maj", ":min", ":maj/5", ":min/5")):
                if heard <= {0, 7}:
                    bare += 1
                else:
                    kept.setdefault(song.name, set()).add(chord.label.partition("/")[0])
            elif song.key != "N" and known.intervals & {3, 4}:
                thirds[bool(heard & {3, 4})] += 1
        labels = {chord.label for chord in song.chords} | {"N"}
        assert all({c.label for c in changes} | {"N"} == labels for changes in meant)
        meant.clear()
    assert bare > 100
    assert len(kept) > 10
    assert all(len(triads) == 1 for triads in kept.values())
    assert thirds[True] > 200
    assert thirds[True] > 10 * thirds[False]


def test_some_players_strike_every_chord_once_and_hold_it_to_its_end(monkeypatch):
    played = []
    write = comping.write_comp

    def watched(changes, player, bar, rng):
        tones = write(changes, player, bar, rng)
        played.append(
            [{(t.start, t.end) for t in tones if c.start <= t.start < c.end} for c in changes if c.label != "N"]
        )
        return tones

    monkeypatch.setattr(comping, "write_comp", watched)
    for share in (0.0, 1.0):
        monkeypatch.setattr(cs, "STRUCK_ONCE", share)
        monkeypatch.setattr(cs, "ALONE_STRUCK_ONCE", share)
        for i in range(12):
            cs.compose(i, seed=8, seconds=30.0)
        once = [len(strokes) == 1 for part in played for strokes in part]
        assert all(once) if share else sum(once) < 0.5 * len(once)
        played.clear()


def test_some_songs_have_a_bass_that_walks(monkeypatch):
    walked = []
    walk = parts.write_walk
    monkeypatch.setattr(parts, "write_walk", lambda *a: walked.append(walk(*a)) or walked[-1])
    basses = [i for i in range(200) if notes(cs.compose(i, seed=5, seconds=20.0), "bass")]
    assert len(walked) / len(basses) == pytest.approx(0.22, abs=0.1)


def test_silence_is_silent_but_for_drums(songs):
    assert any("N" in [c.label for c in song.chords[1:-1]] for song in songs)
    for song in songs:
        silent = [c for c in song.chords[1:-1] if c.label == "N"]
        starts = [n.start for p in song.midi.instruments if not p.is_drum for n in p.notes]
        assert not [s for c in silent for s in starts if c.start_s + HUMAN_S <= s < c.end_s - HUMAN_S]


def test_seed_and_index_alone_decide():
    cs.compose(3, seed=5)
    again = [cs.compose(7, seed=5) for _ in range(2)]
    assert sounding(again[0]) == sounding(again[1])
    assert again[0].chords == again[1].chords
    assert sounding(cs.compose(7, seed=6)) != sounding(again[0]) != sounding(cs.compose(8, seed=5))


def test_all_ensembles_appear(songs):
    assert {song.style for song in songs} == {*cs.ENSEMBLES, "none"}


def test_songs_without_music_have_no_chord_and_nobody_who_plays_one(songs):
    without = [song for song in songs if song.style == "none"]
    assert without
    for song in without:
        assert song.chords == (lab.LabSegment(0.0, 30.0, "N"),)
        assert song.key == "N"
        assert {part.name for part in song.midi.instruments if part.notes} <= {"drums"}


def test_what_is_sung_is_not_played(songs):
    sung = [song for song in songs if song.sung and song.style != "none"]
    assert sung
    for song in sung:
        assert not notes(song, "melody")
        assert all(0 <= n.start < n.end <= 30.0 for n in song.sung)


def test_quick_songs_change_chords_faster_than_others(monkeypatch):
    """An eighth at least a quarter of a second long; nobody else goes below .4 s."""
    shortest = {}
    monkeypatch.setattr(harmony, "_pushed", lambda changes, rng: changes)
    for share in (0.0, 1.0):
        monkeypatch.setattr(harmony, "QUICK", share)
        found = [write_harmony(random.Random(f"quick/{i}"), 4, 64, 150.0) for i in range(60)]
        shortest[share] = [min(c.end - c.start for c in h.changes) * 60 / 150 for h in found]
    assert min(shortest[0.0]) >= 0.39
    assert max(shortest[1.0]) < 0.81
    assert min(shortest[1.0]) == pytest.approx(0.4)
    monkeypatch.setattr(harmony, "QUICK", 1.0)
    slower = [write_harmony(random.Random(f"quick/{i}"), 4, 64, 100.0) for i in range(60)]
    assert min(c.end - c.start for h in slower for c in h.changes) * 60 / 100 == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("quality", "bass", "other"),
    [
        ("maj6", 9, True),  # min7
        ("maj6", 7, False),
        ("min7", 3, True),  # maj6
        ("maj", 9, True),  # with the bass it is min7
        ("maj", 4, False),
        ("sus4", 5, True),  # sus2
        ("dim7", 6, True),
        ("aug", 4, True),
        ("7", 10, False),
        ("maj7", 0, False),
    ],
)
def test_what_a_chord_over_another_note_may_be_called(quality, bass, other):
    assert harmony.sounds_as_another(quality, bass) is other


def test_no_bass_player_begins_a_chord_on_a_note_that_renames_it():
    changes = tuple(Change(4.0 * i, 4.0 * i + 4, i % 12, q) for i, q in enumerate(("maj6", "sus4", "dim7", "aug") * 40))
    rng = random.Random(3)
    free = parts.write_bass(changes, parts.Bassist("R-F-R-F-", by_bar=True, free=0.7), 4, rng)
    walk = parts.write_walk(changes, (0, 2, 4, 5, 7, 9, 11), 4, 4, rng)
    others = 0
    for tones in (free, walk):
        firsts = {t.start: t.pitch for t in tones if t.start % 4 == 0}
        for change in changes:
            step = (firsts[change.start] - change.root) % 12
            assert not harmony.sounds_as_another(change.quality, step), (change, step)
            others += step != 0
    assert others > 20  # they do begin elsewhere


def test_a_walking_bass_is_below_the_comping_on_inversions():
    changes = tuple(Change(4.0 * i, 4.0 * i + 4, i % 12, "maj", (4, 7)[i % 2]) for i in range(96))
    for seed in range(5):
        tones = parts.write_walk(changes, (), 4, 4, random.Random(seed))
        assert max(t.pitch for t in tones if t.start % 4 == 0) < comping.LOWEST


def test_vocabulary_is_covered_and_the_common_case_stays_strong(harmonies):
    seconds, songs_of = Counter(), Counter()
    for h in harmonies:
        for c in h.changes:
            seconds[c.quality] += c.end - c.start
        songs_of["plain" if {c.quality for c in h.changes} <= {"", "maj", "min", "7", "maj7", "min7"} else "rich"] += 1
    assert set(DRILLED) <= set(seconds)
    assert min(seconds[q] for q in DRILLED) > 0.001 * sum(seconds.values())
    assert songs_of["plain"] >= 0.25 * len(harmonies)
    for weak in ("maj6", "maj7", "min7", "dim7", "minmaj7", "9(13)"):
        assert seconds[weak] > 0.006 * sum(seconds.values()), weak


def test_inversions_roots_and_keys_are_spread(harmonies):
    chords = [c for h in harmonies for c in h.changes if c.root is not None]
    assert 0.1 < sum(c.bass > 0 for c in chords) / len(chords) < 0.3
    roots = Counter(c.root for c in chords)
    assert max(roots.values()) < 1.5 * min(roots.values())
    assert len({h.key for h in harmonies}) == 25  # 24 keys and 'N' of the drills
    assert 0.3 < sum(h.key == "N" for h in harmonies) / len(harmonies) < 0.42


def test_no_inversion_sounds_as_another_chord_in_root_position(harmonies):
    lowest_is_root = {(c.quality, c.bass) for h in harmonies for c in h.changes if c.root is not None}
    assert ("min7", 10) in lowest_is_root
    assert not lowest_is_root & {("min7", 3), ("hdim7", 3), ("maj6", 9), ("min6", 9), ("sus2", 7), ("sus4", 5)}


@pytest.mark.parametrize(
    ("change", "label"),
    [
        (Change(0, 1, 0, "maj", 4), "C:maj/3"),
        (Change(0, 1, 9, "min7", 10), "A:min7/b7"),
        (Change(0, 1, 5, "maj", 2), "F:maj/2"),
        (Change(0, 1, 8, "aug(b7)", 8), "Ab:aug(b7)/#5"),
        (Change(0, 1, None), "N"),
    ],
)
def test_label(change, label):
    assert change.label == label
    if change.root is not None:
        assert harte.parse(label).intervals == set(change.intervals)
        assert harte.parse(label).bass == change.bass_class


def test_timed_joins_repetitions_and_fills_the_ends():
    changes = (Change(0, 2, 0, "maj"), Change(2, 4, 0, "maj"), Change(4, 6, 7, "7"))
    found = cs.segments_in_seconds(changes, lambda beat: 0.5 + beat / 2, 5.0)
    assert found == [(0.0, 0.5, "N", None), (0.5, 2.5, "C:maj", None), (2.5, 3.5, "G:7", None), (3.5, 5.0, "N", None)]


def test_swing_moves_the_second_eighth_alone():
    assert [cs._swung(b, 2 / 3) for b in (0, 0.5, 1, 3.5)] == pytest.approx([0, 2 / 3, 1, 3 + 2 / 3])
    assert cs._swung(0.75, 2 / 3) == pytest.approx(5 / 6)
    assert cs._swung(2.3, 0.5) == pytest.approx(2.3)


def test_hits_share_the_bar_and_stop_at_the_chord():
    assert comping.hits("X--x--x-|..x--x--", 4, 0.0, 4.0) == [(0.0, 1.5, "X"), (1.5, 3.0, "x"), (3.0, 4.0, "x")]
    assert comping.hits("X--x--x-|..x--x--", 4, 4.0, 6.0) == [(5.0, 6.0, "x")]


def test_guitar_shapes_are_those_of_a_beginner():
    assert comping.guitar_shapes((0, 4, 7), (), 0)[0] == (48, 52, 55, 60, 64)  # C: x32010
    assert comping.guitar_shapes((4, 7, 11), (), 4)[0] == (40, 47, 52, 55, 59, 64)  # E minor: 022000


def test_guitar_shapes_can_be_held():
    for quality in ("maj7", "9", "dim7", "min7(11)"):
        change = Change(0, 1, 8, quality)
        classes = tuple(sorted((8 + i) % 12 for i in change.intervals))
        for shape in comping.guitar_shapes(classes, (3,), change.bass_class):
            assert shape[0] % 12 == 8
            assert len(shape) <= 6
            assert set(classes) - {3} <= {p % 12 for p in shape} <= set(classes)


@pytest.mark.parametrize("kind", sorted(set(comping.VOICINGS)))
def test_voicings_stand_on_the_bass_or_above_its_player(kind):
    rng = random.Random(1)
    for quality in DRILLED:
        change = Change(0, 1, 2, quality)
        alone = comping.voicing(change, kind, 60, 38, rng)
        assert alone[0] == 38
        accompanied = comping.voicing(change, kind, 60, None, rng)
        assert accompanied[0] >= (comping.LOWEST if kind != "doubled" else comping.LOWEST - 12)
        for pitches in (alone, accompanied):
            needed = {(2 + i) % 12 for i in change.intervals}
            assert {p % 12 for p in pitches} <= needed
            assert needed - {p % 12 for p in pitches} <= {9, 2 if pitches is accompanied else 9}


@pytest.mark.parametrize(("quality", "above"), [("9(13)", {2, 9}), ("maj6(9)", {2}), ("7(#9)", {3}), ("sus2", set())])
def test_extensions(quality, above):
    assert comping.extensions(Change(0, 1, 0, quality).intervals) == above


def test_broken_chord_that_is_too_short_is_struck_whole():
    player = Player("0-1-2-3-", "close", 60, True, False, 0.0)
    tones = comping.write_comp((Change(0, 1, 0, "maj7"),), player, 4, random.Random(0))
    assert {t.start for t in tones} == {0}
    assert {t.pitch % 12 for t in tones} >= {0, 4, 11}


def test_bass_plays_the_pattern_on_the_inversion():
    changes = (Change(0, 4, 0, "maj", 4), Change(4, 8, 5, "maj"))
    tones = parts.write_bass(changes, parts.Bassist("R---O---"), 4, random.Random(0))
    assert [(t.start, t.end, t.pitch) for t in tones] == [(0, 2, 28), (2, 4, 40), (4, 6, 29), (6, 8, 41)]


def test_bass_that_keeps_to_the_bar_begins_root_positions_alone_on_the_fifth():
    changes = (Change(0, 2, 0, "maj"), Change(2, 4, 5, "maj"), Change(4, 6, 7, "maj"), Change(6, 8, 0, "maj", 4))
    players = [parts.Bassist("R---F---", by_bar=by_bar) for by_bar in (False, True)]
    lines = [parts.write_bass(changes, player, 4, random.Random(0)) for player in players]
    assert [[t.pitch % 12 for t in line] for line in lines] == [[0, 5, 7, 4], [0, 0, 7, 4]]


def test_a_free_bass_begins_on_any_note_of_a_root_position_and_on_the_bass_of_an_inversion():
    changes = tuple(Change(4 * n, 4 * n + 4, 0, "maj", 4 * (n % 2)) for n in range(400))
    line = parts.write_bass(changes, parts.Bassist("R-------", free=0.6), 4, random.Random(0))
    assert {t.pitch % 12 for t in line[1::2]} == {4}
    begun = Counter(t.pitch % 12 for t in line[::2])
    assert set(begun) == {0, 4, 7}
    assert begun[0] / 200 == pytest.approx(1 - 0.6 * 2 / 3, abs=0.1)


def test_a_walking_line_steps_through_the_scale_past_the_changes():
    """Every beat on a note of chord or scale, next to the one before on that ladder, but where it meets a root."""
    scale = (0, 2, 4, 5, 7, 9, 11)
    changes = tuple(
        Change(4 * n, 4 * n + 4, (0, 9, 2, 7)[n % 4], ("maj", "min", "min", "7")[n % 4]) for n in range(400)
    )
    line = parts.write_walk(changes, scale, 4, 4, random.Random(4))
    starts = {t.start for t in line}
    assert {c.start for c in changes} <= starts
    assert all(t.pitch % 12 in scale and 28 <= t.pitch < 53 for t in line)
    first = {t.start: t for t in line}
    at_root = sum(first[c.start].pitch % 12 == c.root for c in changes) / len(changes)
    assert 0.2 < at_root < 0.95
    steps = [abs(b.pitch - a.pitch) for a, b in pairwise(line) if b.start not in {c.start for c in changes}]
    assert set(steps) == {1, 2, 3}  # what is a semitone beside the chord is stepped over


def test_a_walking_line_stands_on_the_bass_of_inversions():
    changes = tuple(Change(3 * n, 3 * n + 3, n % 12, "maj", 4) for n in range(48))
    line = {t.start: t.pitch % 12 for t in parts.write_walk(changes, (), 3, 3, random.Random(1))}
    assert [line[c.start] for c in changes] == [c.bass_class for c in changes]


def test_a_walking_line_avoids_what_clashes_with_the_chord():
    """Of C major's scale over E major neither G nor F, A nor C: a semitone beside its notes."""
    changes = (Change(0, 400, 4, "maj"),)
    line = parts.write_walk(changes, (0, 2, 4, 5, 7, 9, 11), 4, 4, random.Random(2))
    assert {t.pitch % 12 for t in line} == {2, 4, 8, 11}


def test_a_boogie_walks_over_the_sixth_and_in_minor_the_seventh():
    for quality, last in (("maj", 9), ("min", 10)):
        tones = parts.write_bass((Change(0, 4, 0, quality),), parts.Bassist("R-T-F-S-"), 4, random.Random(0))
        assert [t.pitch % 12 for t in tones] == [0, 4 if quality == "maj" else 3, 7, last]


def test_open_voicing_has_everything_else_above_the_octave():
    notes = comping.voicing(Change(0, 1, 0, "maj7"), "open", 60, None, random.Random(2))
    assert [n - notes[0] for n in notes] == [0, 7, 12, 16, 23]


def test_soft_thirds_are_soft_alone():
    player = Player("X-------", "close", 60, False, False, 0.0, thirds=-25)
    accents = {
        t.pitch % 12: t.accent for t in comping.write_comp((Change(0, 4, 2, "min"),), player, 4, random.Random(3))
    }
    assert accents == {2: 10, 5: -15, 9: 10}
