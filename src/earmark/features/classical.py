"""Features of a recording by librosa, hand-made and a fixed number: the input of the strong classical baseline.

What is known of sounds without learning it: cepstra and how they move, contrast between the peaks and valleys of
octaves (Jiang et al. 2002), pitch classes, tonnetz (Harte et al. 2006), onsets and tempogram (Grosche et al. 2010), the
shape of the spectrum, and how fast the bands beat (modulation spectrum).
"""

from itertools import pairwise
from types import ModuleType

import numpy as np

from earmark.audio import Source, read_blocks
from earmark.features.compiled import alone_at_first

SAMPLE_RATE = 22050
N_FFT, HOP = 2048, 512  # samples
N_MELS, N_MFCC = 64, 20
MOST_S = 60.0  # of a recording: memory does not grow with its length
TRIM_DB, TOP_DB = 60.0, 80.0
DELTA_WIDTH = 9  # frames
BANDS = 16  # groups of mel bands whose modulation is looked at
MODULATION_HZ = (0.5, 1.0, 2.0, 4.0, 8.0, 12.0, 16.0, 21.5)
LAGS = 384  # frames of the tempogram, 8.9 s
LAG_EDGES = (1, 2, 3, 4, 6, 9, 13, 20, 28, 41, 60, 87, 126, 182, 265, 384)
TINY = 1e-10
N_FEATURES = 538


def classical_features(source: Source, max_seconds: float | None) -> np.ndarray:
    """Features (538,) float32 of the first minute of a recording, at most `max_seconds` of it, as one channel."""
    most = MOST_S if max_seconds is None else min(max_seconds, MOST_S)
    return of_samples(np.concatenate(list(read_blocks(source, SAMPLE_RATE, most))))


@alone_at_first
def of_samples(samples: np.ndarray) -> np.ndarray:
    """The same of samples (n,) at 22050 Hz. Level does not matter; quiet ends are cut, short sounds repeated."""
    import librosa  # takes a second

    heard, share = _sounding(librosa, samples)
    power = np.abs(librosa.stft(heard, n_fft=N_FFT, hop_length=HOP)) ** 2
    mel = librosa.feature.melspectrogram(S=power, sr=SAMPLE_RATE, n_mels=N_MELS)
    db = librosa.power_to_db(mel, ref=np.max, top_db=TOP_DB)
    parts = (
        np.array([share]),
        _cepstra(librosa, db),
        _tones(librosa, power),
        _rhythm(librosa, db),
        _shape(librosa, heard, power),
        _modulation(np.sqrt(_grouped(mel)), relative=True),
        _modulation(_grouped(db), relative=False),
    )
    return np.concatenate(parts).astype(np.float32)


def _sounding(librosa: ModuleType, samples: np.ndarray) -> tuple[np.ndarray, float]:
    """What lies between quiet ends, at full scale and at least two frames long, and which share of the whole it is."""
    scaled = samples / max(float(np.abs(samples).max()), TINY)
    heard, _ = librosa.effects.trim(scaled, top_db=TRIM_DB)
    return (heard if len(heard) >= 2 * N_FFT else np.resize(heard, 2 * N_FFT)), len(heard) / len(samples)


def _cepstra(librosa: ModuleType, db: np.ndarray) -> np.ndarray:
    """(180,) of decibels (mels, frames): MFCC, and their first and second slopes."""
    mfcc = librosa.feature.mfcc(S=db, n_mfcc=N_MFCC)
    slopes = (librosa.feature.delta(mfcc, width=DELTA_WIDTH, order=order, mode="nearest") for order in (1, 2))
    return np.concatenate([_spread(mfcc), *(_moments(slope) for slope in slopes)])


def _tones(librosa: ModuleType, power: np.ndarray) -> np.ndarray:
    """(71,) of power (bins, frames): spectral contrast, pitch classes by strength, which forgets the key, tonnetz."""
    chroma = librosa.feature.chroma_stft(S=power, sr=SAMPLE_RATE, tuning=0.0)
    contrast = librosa.feature.spectral_contrast(S=np.sqrt(power), sr=SAMPLE_RATE)
    tonnetz = librosa.feature.tonnetz(chroma=chroma, sr=SAMPLE_RATE)
    return np.concatenate([_spread(contrast), _moments(np.sort(chroma, axis=0)), _moments(tonnetz)])


def _rhythm(librosa: ModuleType, db: np.ndarray) -> np.ndarray:
    """(22,) of decibels (mels, frames): the onset envelope, onsets a second, and the tempogram by lag."""
    onset = librosa.onset.onset_strength(S=db, sr=SAMPLE_RATE, hop_length=HOP)
    where = {"pre_max": 3, "post_max": 3, "pre_avg": 5, "post_avg": 6, "delta": 0.5, "wait": 3}
    rate = len(librosa.util.peak_pick(onset, **where)) * SAMPLE_RATE / HOP / len(onset)
    centred = onset - onset.mean()
    skewness, peakedness = ((centred**n).mean() / (onset.std() + TINY) ** n for n in (3, 4))
    tempogram = librosa.feature.tempogram(onset_envelope=onset, sr=SAMPLE_RATE, hop_length=HOP, win_length=LAGS)
    by_lag = np.add.reduceat(tempogram.mean(1), LAG_EDGES[:-1]) / np.diff(LAG_EDGES)
    strength = [onset.mean(), onset.std(), onset.max(), np.median(onset), rate, skewness, peakedness]
    return np.concatenate([strength, by_lag])


def _shape(librosa: ModuleType, samples: np.ndarray, power: np.ndarray) -> np.ndarray:
    """(40,) of samples (n,) and power (bins, frames): flatness, roll-off, width, centre, zero crossings, level."""
    of, magnitude = librosa.feature, np.sqrt(power)
    rows = [np.log(of.spectral_flatness(S=magnitude) + TINY)]
    for share in (0.5, 0.85, 0.95):
        rows.append(np.log1p(of.spectral_rolloff(S=magnitude, sr=SAMPLE_RATE, roll_percent=share)))
    centre = of.spectral_centroid(S=magnitude, sr=SAMPLE_RATE)
    rows += [np.log1p(of.spectral_bandwidth(S=magnitude, sr=SAMPLE_RATE, centroid=centre)), np.log1p(centre)]
    rows.append(of.zero_crossing_rate(samples, frame_length=N_FFT, hop_length=HOP))
    rows.append(librosa.power_to_db(of.rms(S=magnitude, frame_length=N_FFT) ** 2, ref=np.max, top_db=TOP_DB))
    return _spread(np.concatenate(rows))


def _grouped(rows: np.ndarray) -> np.ndarray:
    """Means (16, frames) of neighbouring mel bands (mels, frames)."""
    return rows.reshape(BANDS, -1, rows.shape[1]).mean(1)


def _modulation(envelopes: np.ndarray, relative: bool) -> np.ndarray:
    """Logarithm of the power (112,) with which envelopes (16, frames) beat, by band and octave of modulation frequency.

    relative: against their means, for amplitudes; decibels are relative by themselves.
    """
    mean = envelopes.mean(1, keepdims=True)
    beats = envelopes / (mean + TINY) - 1 if relative else envelopes - mean
    n = max(beats.shape[1], 256)
    power = np.abs(np.fft.rfft(beats, n, axis=1)) ** 2 * 2 / (beats.shape[1] * n)
    places = np.searchsorted(np.fft.rfftfreq(n, HOP / SAMPLE_RATE), MODULATION_HZ)
    by_rate = np.stack([power[:, a:b].sum(1) for a, b in pairwise(places)], axis=1)
    return np.log(by_rate + (1e-6 if relative else 1e-3)).ravel()


def _moments(rows: np.ndarray) -> np.ndarray:
    """Mean and deviation over time of rows (d, frames): (2 d,)."""
    return np.concatenate([rows.mean(1), rows.std(1)])


def _spread(rows: np.ndarray) -> np.ndarray:
    """Mean, deviation and the tenths 1, 5 and 9 over time of rows (d, frames): (5 d,)."""
    return np.concatenate([_moments(rows), np.percentile(rows, (10, 50, 90), axis=1).ravel()])
