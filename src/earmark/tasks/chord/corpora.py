"""Readers of chord corpora as they are distributed: a folder in, a manifest out, as in `corpora`.

Every table has path, group, lab (the file with its chords) and key_lab (the file with its keys, '' without one), all
below the folder; `annotations` reads those files. A song whose audio is not there is left out, which `warn` says: of
most of these corpora only the annotations are free, and the audio is the user's own.
"""

import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from earmark.data import audiofolder, manifest
from earmark.data.corpus import Corpora, Reader, Warn, require, table_of
from earmark.data.correction import is_made
from earmark.data.manifest import read_csv, read_table
from earmark.data.names import Paths
from earmark.data.settings import MANIFEST
from earmark.data.walking import counted, some, walk
from earmark.errors import EarmarkError
from earmark.tasks.chord import beside, chord_files, corrections

if TYPE_CHECKING:
    from earmark.tasks.chord.settings import ChordSettings

GUITARSET_AUDIO = {"audio_mono-mic": "mic", "audio_mono-pickup_mix": "mix"}  # the six-channel recordings are not read
TRACK_NUMBER = re.compile(r"^(?:CD\d+[\s_-]+)?\d+[\s_.-]+(?=\S)")
UNGROUPED = (
    "every file counts as a group of its own. If several are takes, covers or renders of one song, the score "
    "will be too good"
)
LAST_BRACKET = re.compile(r"[\s_]*\([^()]*\)\s*$")
RWC_PIECE = re.compile(r"N(\d{3})-M(\d{2})-T(\d{2})")


class CorpusSong(NamedTuple):
    """A recording; `where` is the place in the corpus that names it."""

    where: str
    path: str
    group: str
    lab: str
    key_lab: str = ""
    split: str = ""


def isophonics(root: Path, warn: Warn) -> pd.DataFrame:
    """Isophonics (http://isophonics.net/datasets): The Beatles (Harte 2010), Queen, Zweieck, Carole King (Mauch 2009).

    annotations/{chordlab,keylab}/<artist>/<album>/<track>.lab, and the user's audio/<album>/<track>.wav or
    audio/<artist>/<album>/<track>.wav. Names are compared by letters and digits alone. Grouped by the song's title,
    over artists, so that covers and a "(Reprise)" stay with their song.
    """
    base = "annotations" if (root / "annotations").is_dir() else "."
    folder = require(root, PurePosixPath(base, "chordlab").as_posix())
    audio = {_plain(p): p for p in reversed(_audio_below(root, "audio", warn))}
    songs = []
    labs = _labs(folder)
    paths = Paths(root)
    for lab in labs:
        parts = _plain(PurePosixPath("audio", lab))
        path = audio.get(parts) or audio.get((parts[0], *parts[2:]))
        if path:
            chords, keys = (paths.below(f"{base}/{kind}/{lab}") or "" for kind in ("chordlab", "keylab"))
            title = _title(TRACK_NUMBER.sub("", lab.stem))
            songs.append(CorpusSong(chords, str(path), title, chords, keys if (root / keys).exists() else ""))
    return _found(songs, root, len(labs), "audio/<album>/<track>", warn)


def billboard(root: Path, warn: Warn) -> pd.DataFrame:
    """McGill Billboard (Burgoyne 2011, https://ddmal.ca/research/The_McGill_Billboard_Project_(Chord_Analysis_Dataset)).

    billboard-2.0-index.csv, McGill-Billboard/<id>/full.lab, and the user's audio anywhere below audio/ as
    <artist>/<title>/<any>.flac, <artist>/<title>.flac, <artist> - <title>.flac or <id>.flac. A song that was drawn for
    several slots is taken once. Grouped by artist and by title: songs of one artist, and covers, stay together.
    """
    index = _billboard_index(root)
    audio = _billboard_audio(_audio_below(root, "audio", warn))
    groups = _joined([[*_artists(row.artist), f"song {_title(row.title)}"] for row in index.itertuples()])
    songs: dict[str, CorpusSong] = {}
    for row, group in zip(index.itertuples(), groups, strict=True):
        path = audio.get((row.folder,)) or audio.get((_letters(row.artist), _letters(row.title)))
        if path and str(path) not in songs:
            lab = f"McGill-Billboard/{row.folder}/full.lab"
            songs[str(path)] = CorpusSong(f"billboard-2.0-index.csv, line {row.Index}", str(path), group, lab)
    n = len(set(zip(index.artist, index.title, strict=True)))
    return _found(songs.values(), root, n, "audio/<artist>/<title>/", warn)


def _billboard_index(root: Path) -> pd.DataFrame:
    """The slots of the index that have a song with a full.lab: artist, title, folder; by line."""
    path = require(root, "billboard-2.0-index.csv")
    index = read_csv(path, ("id",))
    for column in ("title", "artist"):
        if column not in index:
            raise EarmarkError(f"{path} has no column '{column}'; use the corpus's own index.")
    index = index.assign(folder=index.id.str.zfill(4))
    labs = require(root, "McGill-Billboard")
    annotated = index.folder.map(lambda folder: (labs / folder / "full.lab").exists())
    return index[(index.title != "") & annotated]


def _billboard_audio(paths: Iterable[PurePosixPath]) -> dict[tuple[str, ...], PurePosixPath]:
    """Audio by (artist, title) in letters, and by (id,)."""
    found: dict[tuple[str, ...], PurePosixPath] = {}
    for path in paths:
        *folders, stem = path.with_suffix("").parts[1:]
        artist, dash, title = stem.partition(" - ")
        names = [(stem.zfill(4),), (artist, title) if dash else (), (*folders[-1:], stem), tuple(folders[-2:])]
        for name in names:
            found.setdefault(name if len(name) == 1 else tuple(map(_letters, name)), path)
    return found


def _artists(text: str) -> list[str]:
    """'Roberta Flack,Donny Hathaway' are two; 'Earth, Wind & Fire' is one."""
    return [f"artist {_letters(artist)}" for artist in re.split(r",(?! )", text)]


def guitarset(root: Path, warn: Warn) -> pd.DataFrame:
    """GuitarSet (Xi 2018, https://zenodo.org/records/3371780): annotation/<take>.jams and two recordings of each take.

    audio_mono-mic/<take>_mic.wav and audio_mono-pickup_mix/<take>_mix.wav; <take> is
    <player>_<style and progression>-<tempo>-<key>_<comp or solo>. Grouped by player.
    """
    folder = require(root, "annotation")
    if not any((root / name).is_dir() for name in GUITARSET_AUDIO):
        raise EarmarkError(f"{root} holds no {' or '.join(GUITARSET_AUDIO)}; unpack one there, beside annotation.")
    songs, takes = [], [p.stem for p in walk(folder).files if p.suffix == ".jams" and len(p.parts) == 1]
    for take in takes:
        for name, suffix in GUITARSET_AUDIO.items():
            path, lab = f"{name}/{take}_{suffix}.wav", f"annotation/{take}.jams"
            if (root / path).exists():
                songs.append(CorpusSong(path, path, f"player {take.partition('_')[0]}", lab, lab))
    table = _found(songs, root, len(takes), "audio_mono-mic/<take>_mic.wav", warn)
    n_solo = int(table.lab.str.endswith("_solo.jams").sum())
    warn(
        "GuitarSet's chords are the performed ones, inferred from the notes (a take without them has the lead "
        f"sheet's). {n_solo} of {len(table)} recordings are solos: their chords are those of an accompaniment that is "
        "not heard. All players play the same lead sheets, so groups by player hold out players, not songs."
    )
    return table


def rwc(root: Path, warn: Warn) -> pd.DataFrame:
    """RWC Popular (Goto 2002) with the chords of Cho (2011, https://github.com/tmc323/Chord-Annotations).

    AIST.RWC-MDB-P-2001.CHORD/RWC_Pop_Chords/N<piece>-M<disc>-T<track>.lab anywhere below the folder, and the user's
    audio/rwc-p-m<disc>/<track>.wav, or RM-P<piece>.wav anywhere below audio/. A song is a group of its own.
    """
    labs = [p for p in _labs(root) if p.parent.name == "RWC_Pop_Chords"]
    if not labs:
        raise EarmarkError(f"{root} holds no files such as RWC_Pop_Chords/N001-M01-T01.lab; unpack the chords there.")
    audio = {}
    for path in _audio_below(root, "audio", warn):
        audio |= {_plain(path)[-1:]: path, _plain(path)[-2:]: path}
    songs = []
    for lab in labs:
        piece, disc, track = _rwc_piece(root, lab)
        names = [(f"rwcpm{disc}", str(int(track))), (f"rwcpm{disc}", track), (f"rmp{piece}",)]
        path = next((audio[name] for name in names if name in audio), None)
        if path:
            songs.append(CorpusSong(lab.as_posix(), str(path), f"P{piece}", lab.as_posix()))
    return _found(songs, root, len(labs), "audio/rwc-p-m<disc>/<track>.wav", warn)


def _rwc_piece(root: Path, lab: PurePosixPath) -> tuple[str, ...]:
    """Numbers of piece, disc and track, with their zeros."""
    match = RWC_PIECE.fullmatch(lab.stem)
    if not match:
        raise EarmarkError(f"{root / lab} is not named like N001-M01-T01.lab (piece, disc, track); rename it.")
    return match.groups()


def _labs(folder: Path) -> list[PurePosixPath]:
    """The corpus's own .lab files below a folder, relative to it."""
    return [p for p in walk(folder).files if p.suffix.lower() == ".lab" and not is_made(p)]


def _audio_below(root: Path, name: str, warn: Warn) -> list[PurePosixPath]:
    """Audio files below a folder of the corpus, sorted, relative to its root; links are followed."""
    require(root, name)
    found = walk(root, name)
    found.tell(warn, others=False)
    return found.audio


def _plain(path: PurePosixPath) -> tuple[str, ...]:
    """The parts of a path without its suffix, each as letters and digits alone."""
    return tuple(map(_letters, path.with_suffix("").parts))


def _letters(text: str) -> str:
    """Letters and digits of a name, without case, accents and a leading article."""
    text = unicodedata.normalize("NFKD", text).casefold().strip()
    return "".join(c for c in text.removeprefix("the ") if c.isalnum())


def _title(name: str) -> str:
    """A song's title for its group, without its last bracket: 'Help! (Live)' -> 'help'."""
    return _letters(LAST_BRACKET.sub("", name)) or _letters(name)


def _joined(names: list[list[str]]) -> list[str]:
    """A group for every row, one for rows that share a name, directly or through others: the first name of them."""
    leader: dict[str, str] = {}

    def find(name: str) -> str:
        while leader.setdefault(name, name) != name:
            name = leader[name]
        return name

    for first, *others in names:
        for other in others:
            one, two = sorted((find(first), find(other)))
            leader[two] = one
    return [find(first) for first, *_ in names]


def _found(songs: Iterable[CorpusSong], root: Path, n: int, example: str, warn: Warn) -> pd.DataFrame:
    """The table of the songs that have audio; `warn` says how many of `n` have none."""
    songs = list(songs)
    if n and not songs:
        raise EarmarkError(f"{root}: none of the {n} annotated songs has audio; name it as in {example}.")
    n_found = len({song.lab for song in songs})
    if n_found < n:
        warn(f"{n - n_found} of {n} annotated songs have no audio (named as in {example}): left out.")
    return table_of(songs, root, CorpusSong._fields)


def folder(root: Path, warn: Warn, name: str = MANIFEST) -> pd.DataFrame:
    """The songs below `root` as a manifest (columns path, lab, group and any others).

    name: of its table. Without one, and metadata.csv as `audiofolder` reads it, every recording with a file of chords
    beside it (`beside`) is taken, as a group of its own, which `warn` says, with what is left out. Links are followed.
    """
    if (table := audiofolder.read(root, ("lab",), warn, UNGROUPED, manifest=name)) is not None:
        return table
    if (root / name).exists():
        return read_table(root / name, ("path", "lab", "group"), warn)
    found = walk(root)
    found.tell(warn)
    lab_of = beside.chords(found, warn)
    if not lab_of:
        raise EarmarkError(
            f"{root} holds neither manifest.csv nor recordings with a file of chords beside them; put song.lab, "
            "song.jams or Audacity's song.txt beside song.flac, or write a manifest.csv with path,lab,group."
        )
    if alone := found.without([path for path in found.audio if path not in lab_of], lab_of):
        have = "have no file of chords beside them" if len(alone) > 1 else "has no file of chords beside it"
        warn(f"{counted(len(alone), 'recording')} in {root} {have} ({some(alone)}): left out.")
    songs = found.once(lab_of, lambda path: (root / lab_of[path]).read_bytes(), warn)
    warn(
        f"{root} has no manifest.csv: every file counts as a group of its own. If several are takes, covers or "
        "renders of one song, the score will be too good: write a manifest.csv with path,lab,group."
    )
    names, labs = [p.as_posix() for p in songs], [lab_of[p].as_posix() for p in songs]
    table = pd.DataFrame({"path": names, "lab": labs, "group": names})
    keys = [lab if lab.lower().endswith(".jams") else "" for lab in labs]
    return table.assign(key_lab=keys) if any(keys) else table


def _annotate(table: pd.DataFrame, facts: pd.DataFrame, root: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Chords and keys beside the facts of the audio; a song has no class, so `label` goes."""
    table, paths = table.drop(columns="label", errors="ignore"), Paths(root)
    for column in ("lab", "key_lab"):
        if column in table:
            table[column] = [said and manifest.below(root, said, at, paths) for at, said in table[column].items()]
    return table, chord_files.with_chords(table, facts, root)


READERS: dict[str, Reader] = {
    "demo": folder,
    "folder": folder,
    "isophonics": isophonics,
    "billboard": billboard,
    "guitarset": guitarset,
    "rwc": rwc,
}


def _notes(table: pd.DataFrame, settings: "ChordSettings") -> list[str]:
    seconds = round(settings.train.crop_frames * settings.features.hop_s, 2)
    key = f"A training crop of tasks.chord.train.crop_frames ({settings.train.crop_frames})"
    return manifest.shorter(table.duration_s, seconds, key, "what lies past a song's end is left out of the loss")


CORPORA = Corpora(
    READERS, "lab", annotate=_annotate, write=chord_files.write, correct=corrections.correct, notes=_notes
)
