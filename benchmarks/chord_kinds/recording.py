"""Recordings of one kind on disk, and what they are made from."""

import csv
import json
import re
import shutil
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import soundfile as sf
import soxr

from earmark import audio
from earmark.errors import EarmarkError
from earmark.generated.songs.effects import RATE
from earmark.tasks.chord.notation import lab
from earmark.tasks.chord.notation.lab import LabSegment

HOW = {"flac": {"subtype": "PCM_24"}, "wav": {"subtype": "FLOAT"}, "mp3": {"compression_level": 0.99}}
LOUDEST = 0.99  # of full scale, which FLAC and MP3 cut at
NEEDS = {
    "songs": "no song of the folders is in tune",
    "voices": "--voices FOLDER is not given, or has no such split",
    "sounds": "--sounds FOLDER is not given, or has no such split",
    "pianos": "--pianos FOLDER is not given",
    "soundfont": "there is no SoundFont (--soundfont FILE.sf2) or no midirenderer (`pip install midirenderer`)",
    "freepats": "there is no timidity or no --freepats CFG (Debian: timidity, freepats)",
}


class Recording(NamedTuple):
    """sound: (n,) or (n, channels). group: the sub-kind. name: unique in its kind, that of the song it is made from."""

    name: str
    group: str
    sound: np.ndarray
    truth: list[LabSegment]
    rate: int = RATE
    store: str = "flac"


class Clip(NamedTuple):
    """A recording of somebody else with a label: the speaker, what it is that sounds, or the chord."""

    path: Path
    label: str


class Clean(NamedTuple):
    """A song to be degraded."""

    name: str
    group: str
    path: Path
    lab: Path

    def sound(self) -> np.ndarray:
        """(n, 2) at RATE."""
        return np.concatenate(list(audio.read_stereo(self.path, RATE)), axis=1).T


@dataclass(frozen=True)
class Sources:
    """What recordings are made from; empty or None where it is not there."""

    songs: tuple[Clean, ...] = ()
    voices: tuple[Clip, ...] = ()
    sounds: tuple[Clip, ...] = ()
    pianos: tuple[Clip, ...] = ()
    soundfont: Path | None = None
    freepats: Path | None = None
    seed: int = 0

    def rng(self, *names: object) -> np.random.Generator:
        """Chance of its own for everything that has a name."""
        return np.random.default_rng((self.seed, zlib.crc32("/".join(map(str, names)).encode())))


@dataclass(frozen=True)
class Kind:
    """name: 'family: which'. make: its recordings. against: the kind that it is a degraded form of.

    everyone: other people's tools hear it, too. needs: fields of Sources.
    """

    name: str
    make: Callable[[Sources], Iterable[Recording]]
    figures: tuple[str, ...]
    needs: tuple[str, ...] = ()
    against: str | None = None
    everyone: bool = True

    @property
    def slug(self) -> str:
        """The name of its folder."""
        return re.sub(r"[^a-z0-9.+]+", "_", self.name.lower())

    def lacks(self, sources: Sources) -> str | None:
        """Why the recordings cannot be made here."""
        return next((NEEDS[need] for need in self.needs if not getattr(sources, need)), None)


def clips(folder: str | None) -> tuple[Clip, ...]:
    """Recordings of FOLDER[:SPLIT[,SPLIT]], whose manifest.csv has path, label and, where asked for, split."""
    if not folder:
        return ()
    root, _, splits = folder.partition(":")
    if not (Path(root) / "manifest.csv").is_file():
        raise EarmarkError(f"There is no {root}/manifest.csv; write one with the columns path, label and split.")
    table = pd.read_csv(Path(root) / "manifest.csv", dtype=str, keep_default_na=False)
    if missing := {"path", "label", *(["split"] if splits else [])} - set(table):
        raise EarmarkError(f"{root}/manifest.csv has no column '{min(missing)}'; add it.")
    if splits:
        table = table[table.split.isin(splits.split(","))]
    return tuple(Clip(Path(root) / path, label) for path, label in zip(table.path, table.label, strict=True))


def heard(clip: Clip) -> np.ndarray:
    """The clip in mono, (n,) at RATE."""
    sound, rate = sf.read(clip.path, dtype="float32", always_2d=True)
    return soxr.resample(sound.mean(1), rate, RATE)


def made(kind: Kind, folder: Path, sources: Sources) -> Path:
    """The folder with a kind's recordings, .lab files of the same stems, and a manifest.

    What is there, made from the same sources, is kept; the folder's removal has it made again.
    """
    given = {"seed": sources.seed} | {need: str(getattr(sources, need)) for need in kind.needs}
    said = folder / "made.json"
    if said.is_file() and json.loads(said.read_text()) == given:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with (folder / "manifest.csv").open("w", newline="") as f:
        rows = csv.writer(f, lineterminator="\n")
        rows.writerow(("path", "lab", "group", "name"))
        for one in kind.make(sources):
            stem = f"{kind.slug}-{one.name}"
            _write(folder / f"{stem}.{one.store}", one)
            lab.write(folder / f"{stem}.lab", one.truth)
            rows.writerow((f"{stem}.{one.store}", f"{stem}.lab", one.group, one.name))
    said.write_text(json.dumps(given, indent=1) + "\n")
    return folder


def _write(path: Path, one: Recording) -> None:
    sound, peak = one.sound, float(np.abs(one.sound).max(initial=0))
    if one.store != "wav" and peak > LOUDEST:
        sound = sound * (LOUDEST / peak)
    sf.write(path, sound, one.rate, **HOW[one.store])
