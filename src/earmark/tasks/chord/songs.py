"""Spectrograms and targets of many songs end to end, and crops of them in every key, on a device."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from earmark.tasks.chord.notation.vocabulary import IGNORED
from earmark.tasks.chord.settings import DOWN, UP

NO_BASS = 12
PER_FRAME = ("values", "chord", "bass", "key", "tones", "change")


@dataclass(frozen=True)
class Songs:
    """Spectrograms of many songs end to end, with UP semitones below and DOWN above what a network sees; targets.

    values: (total_frames, channels * bins) float16. offsets, lengths: (songs,). ids: (songs,).
    chord, bass, key: (total_frames,) int64 classes, IGNORED where unknown.
    tones: (total_frames, 12) uint8. change: (total_frames,) uint8.
    n_bins: what a network sees of a channel. bins_per_octave: a multiple of 12.
    """

    values: np.ndarray
    offsets: np.ndarray
    lengths: np.ndarray
    ids: list[str]
    chord: np.ndarray
    bass: np.ndarray
    key: np.ndarray
    tones: np.ndarray
    change: np.ndarray
    n_bins: int
    none: int
    bins_per_octave: int = 36

    @property
    def channels(self) -> int:
        """Of the spectrograms."""
        return self.values.shape[1] // (self.n_bins + (UP + DOWN) * self.bins_per_octave // 12)

    def on(self, device: torch.device) -> dict[str, Tensor]:
        """Every array as a tensor on a device."""
        return {k: torch.from_numpy(np.ascontiguousarray(getattr(self, k))).to(device) for k in PER_FRAME}


def join_songs(parts: list[Songs]) -> Songs:
    """Several collections as one."""
    arrays = {k: np.concatenate([getattr(p, k) for p in parts]) for k in (*PER_FRAME, "lengths")}
    offsets = np.cumsum(arrays["lengths"]) - arrays["lengths"]
    ids = [i for p in parts for i in p.ids]
    alike = {k: getattr(parts[0], k) for k in ("n_bins", "none", "bins_per_octave")}
    return Songs(**arrays, offsets=offsets, ids=ids, **alike)


def rotated(classes: Tensor, semitones: Tensor, none: int) -> Tensor:
    """Classes (batch, frames) whose last twelfth is a pitch class, as many semitones (batch,) higher; none stays."""
    n = semitones[:, None]
    moved = classes - classes % 12 + (classes + n) % 12
    return torch.where((classes == none) | (classes == IGNORED), classes, moved)


class Crops:
    """Frames of songs on a device: which rows a crop takes, its spectrogram and its targets in another key."""

    def __init__(self, songs: Songs, device: torch.device):
        self.songs = songs
        self.device = device
        self.data = songs.on(device)
        self.offsets, self.lengths = torch.from_numpy(songs.offsets), torch.from_numpy(songs.lengths)
        self.channels, self.semitone = songs.channels, songs.bins_per_octave // 12

    def rows(self, song: Tensor, start: Tensor, n: int) -> Tensor:
        """Rows (batch, n) of the end-to-end arrays; past a song's end its last row, which lengths leave out."""
        last = (self.offsets + self.lengths - 1)[song, None]
        return torch.minimum((self.offsets[song] + start)[:, None] + torch.arange(n), last).to(self.device)

    def spectrograms(self, rows: Tensor, semitones: Tensor) -> Tensor:
        """(batch, channels, frames, bins), as many semitones (batch,) higher."""
        first = self.semitone * (UP - semitones)
        bins = (first[:, None] + torch.arange(self.songs.n_bins, device=self.device))[:, None, None]
        values = self.data["values"][rows].unflatten(2, (self.channels, -1)).transpose(1, 2)
        return values.gather(3, bins.expand(-1, self.channels, rows.shape[1], -1)).float()

    def targets(self, rows: Tensor, lengths: Tensor, semitones: Tensor) -> dict[str, Tensor]:
        """By name, (batch, frames) and tones (batch, frames, 12); unknown past lengths (batch,) and under X."""
        outside = torch.arange(rows.shape[1], device=self.device) >= lengths[:, None]
        none = {"chord": self.songs.none, "bass": NO_BASS, "key": IGNORED}
        out = {k: rotated(self.data[k][rows], semitones, v).masked_fill(outside, IGNORED) for k, v in none.items()}
        place = (torch.arange(12, device=self.device) - semitones[:, None]) % 12
        tones = self.data["tones"][rows].gather(2, place[:, None].expand(-1, rows.shape[1], -1))
        change = self.data["change"][rows].float()
        return out | {"tones": tones.float(), "change": change, "known": out["chord"] != IGNORED}

    def starts(self, song: Tensor, crop: int, at_changes: bool) -> Tensor:
        """First frames (n,) of crops of songs (n,), drawn at random: anywhere that the song fills, or at changes.

        A crop at a change may outlast its song by up to half; a song's first frame counts as a change.
        """
        if not at_changes:
            room = (self.lengths[song] - crop).clamp_min(0)
            return (torch.rand(len(song)) * (room + 1)).long()
        drawn = torch.rand(len(song))
        known = {i: self._changes(i, crop) for i in song.unique().tolist()}
        return torch.stack([known[i][int(r * len(known[i]))] for i, r in zip(song.tolist(), drawn, strict=True)])

    def whole_chords(self, song: Tensor, start: Tensor, lengths: Tensor) -> Tensor:
        """Lengths (n,) of crops up to the last change within them; as they are up to a song's end, or without one."""
        found = [self._last_change(*crop) for crop in zip(song.tolist(), start.tolist(), lengths.tolist(), strict=True)]
        return torch.tensor(found)

    def _last_change(self, song: int, start: int, length: int) -> int:
        """Frames of a crop before the last change in it, or the one right behind it."""
        first = int(self.offsets[song]) + start
        if start + length == int(self.lengths[song]):
            return length
        changes = self.data["change"][first + 1 : first + length + 1].cpu().nonzero().flatten()
        return int(changes[-1]) + 1 if len(changes) else length

    def _changes(self, song: int, crop: int) -> Tensor:
        first = int(self.offsets[song])
        change = self.data["change"][first : first + int(self.lengths[song])].cpu()
        at = change.nonzero().flatten()
        return torch.cat([torch.zeros(1, dtype=torch.int64), at[at + crop // 2 <= len(change)]])
