"""Excerpts of recordings for the listening report: sound as MP3 and a spectrogram of the same seconds."""

import base64
import io
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import soundfile as sf
import torch

from earmark.audio import AudioError, Source, read_blocks
from earmark.evaluation.pictures import plt
from earmark.features.cqt import CQT
from earmark.features.torchaudio_lite import torchaudio

RATE = 22050  # Hz
PEAK = 0.7  # that levels are evened out to
COLUMNS = 640  # of a spectrogram, at most
SHADES = 64
FLOOR_DB = 70.0
MOST = 12_000_000  # characters of sounds and pictures in one report, which is to stay below 20 MB

Spectrogram = Literal["mel", "cqt"]


def clip(sources: Sequence[Source], start_s: float, length_s: float, spectrogram: Spectrogram) -> dict[str, Any]:
    """A stretch of a recording, or of several one after the other, from start_s on and at most length_s long.

    start_s and seconds, which may be fewer than were asked for; sound (MP3) and picture (PNG, its lowest frequency
    below) in base64. `reason` alone where it cannot be played.
    """
    try:
        samples = _samples(sources, start_s, length_s)
    except AudioError as e:
        return {"reason": str(e)}
    except OSError as e:  # whose own words name a folder of this machine, and reports are handed around
        return {"reason": e.strerror or "it cannot be read"}
    if not len(samples):
        return {"reason": "the recording ends before this"}
    sound, picture = (base64.b64encode(data).decode() for data in (_mp3(samples), _picture(samples, spectrogram)))
    return {"start_s": start_s, "seconds": round(len(samples) / RATE, 3), "sound": sound, "picture": picture}


@dataclass
class Clips:
    """The clips of a report, each once, as long as there is room for them."""

    spectrogram: Spectrogram
    room: int = MOST
    made: list[dict[str, Any]] = field(default_factory=list)
    places: dict[Hashable, int | None] = field(default_factory=dict)

    def place(self, key: Hashable, sources: Sequence[Source], start_s: float, length_s: float) -> int | None:
        """Where among the clips one stands; made if it is not there yet, None where there is no room for it."""
        if key not in self.places:
            there = self.room > 0
            self.places[key] = len(self.made) if there else None
            if there:
                made = clip(sources, start_s, length_s, self.spectrogram)
                self.made.append(made)
                self.room -= len(made.get("sound", "")) + len(made.get("picture", ""))
        return self.places[key]


def _samples(sources: Sequence[Source], start_s: float, length_s: float) -> np.ndarray:
    """Samples (n,), mono at RATE, of recordings one after the other."""
    begin, end = round(start_s * RATE), round((start_s + length_s) * RATE)
    kept, n = [np.empty(0, np.float32)], 0
    for source in sources:
        for block in read_blocks(source, RATE, (end - n) / RATE) if n < end else ():
            kept.append(block[max(0, begin - n) : max(0, end - n)])
            n += len(block)
    return np.concatenate(kept)


def _mp3(samples: np.ndarray) -> bytes:
    """(Ogg would carry a random stream number, and the same evaluation would give another file.)"""
    samples = samples * (PEAK / max(np.abs(samples).max(initial=0), 1e-6))
    file = io.BytesIO()
    sf.write(file, samples, RATE, format="MP3", bitrate_mode="VARIABLE", compression_level=0.9)
    return file.getvalue()


def _picture(samples: np.ndarray, spectrogram: Spectrogram) -> bytes:
    """PNG of samples (n,), one column a hop."""
    hop = max(128, -(-len(samples) // COLUMNS))
    magnitude = _mel(samples, hop) if spectrogram == "mel" else _cqt(samples, hop)
    top = max(float(magnitude.max()), 1e-9)
    decibels = 20 * np.log10(np.maximum(magnitude / top, 10 ** (-FLOOR_DB / 20)))
    shade = np.round((decibels / FLOOR_DB + 1) * (SHADES - 1)).astype(np.uint8)
    return _png(shade[::-1])


def _mel(samples: np.ndarray, hop: int) -> np.ndarray:
    """Mel magnitudes (64, frames)."""
    mel = torchaudio.transforms.MelSpectrogram(RATE, 2048, hop_length=hop, n_mels=64, norm="slaney", mel_scale="slaney")
    padded = torch.nn.functional.pad(torch.from_numpy(samples), (0, max(0, 2048 - len(samples))))
    return mel(padded).sqrt().numpy()


def _cqt(samples: np.ndarray, hop: int) -> np.ndarray:
    """Constant-Q magnitudes (84, frames), a semitone each from C1 on."""
    cqt = CQT(RATE, hop, bins_per_octave=12, n_bins=84, filter_scale=1.0)
    return cqt(torch.from_numpy(samples)[None, None])[0, 0].T.numpy()


def _png(shades: np.ndarray) -> bytes:
    """PNG of shades (rows, columns), 0 to SHADES - 1, each a colour of a palette."""
    from PIL import Image

    image = Image.fromarray(np.ascontiguousarray(shades), "P")
    colours = plt.get_cmap("magma")(np.linspace(0, 1, SHADES))[:, :3]
    image.putpalette(np.round(colours * 255).astype(np.uint8).tobytes())
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return file.getvalue()
