"""What a real recording does to a synthesiser's sound: rooms, filters, distortion, noise, level; all in numpy, seeded.

Audio is float32 (n, channels). Every effect keeps length and onsets: the direct sound of a room comes first, filters
have zero phase, so labels hold as they are. Detuning is resampling and stretches the labels with the audio.
"""

from dataclasses import dataclass

import numpy as np

RATE = 22050
CLEAN = 0.35  # share of the songs without any effect but level
CENTS = 35.0
QUIET = 0.25  # share of the songs with a quiet passage


@dataclass(frozen=True)
class Effects:
    """Drawn settings; None leaves an effect out.

    cents: pitch, with tempo. room: (RT60 s, wet share, how much faster high notes decay). low_cut, high_cut: Hz.
    tilt: dB an octave around 700 Hz. drive: gain into tanh. noise: (kind, SNR in dB). width: 0 mono, 1 as rendered.
    peak_db: dBFS. quiet: (share of the length at which it begins, at which it ends, dB): a passage that is softer.
    """

    cents: float = 0.0
    room: tuple[float, float, float] | None = None
    low_cut: float | None = None
    high_cut: float | None = None
    tilt: float = 0.0
    drive: float | None = None
    noise: tuple[str, float] | None = None
    width: float = 1.0
    peak_db: float = -1.0
    quiet: tuple[float, float, float] | None = None
    seed: int = 0

    @property
    def stretch(self) -> float:
        """Factor on every time: a song played sharp is over sooner."""
        return 2 ** (-self.cents / 1200)


def draw(rng: np.random.Generator) -> Effects:
    """Settings of one song."""

    def maybe(share: float, *values):
        return values if rng.random() < share else None

    quiet = maybe(QUIET, *_passage(rng))
    peak = -rng.uniform(1, 20)
    seed = int(rng.integers(2**31))
    width = float(rng.choice((0.0, rng.uniform(0.3, 1.0))))
    if rng.random() < CLEAN:
        return Effects(width=width, peak_db=peak, quiet=quiet, seed=seed)
    telephone = rng.random() < 0.03
    low, high = maybe(0.3, rng.uniform(30, 150)), maybe(0.3, _log_uniform(rng, 3000, 10000))
    return Effects(
        cents=float(rng.uniform(-CENTS, CENTS)) if rng.random() < 0.6 else 0.0,
        room=maybe(0.6, _log_uniform(rng, 0.1, 1.2), rng.uniform(0.05, 0.5), rng.uniform(1.5, 4)),
        low_cut=300.0 if telephone else low and low[0],
        high_cut=3400.0 if telephone else high and high[0],
        tilt=float(rng.uniform(-4, 3)) if rng.random() < 0.5 else 0.0,
        drive=float(rng.uniform(0.5, 4)) if rng.random() < 0.25 else None,
        noise=maybe(0.5, str(rng.choice(("white", "pink", "pink", "hum"))), float(rng.uniform(15, 60))),
        width=width,
        peak_db=peak,
        quiet=quiet,
        seed=seed,
    )


def _passage(rng: np.random.Generator) -> tuple[float, float, float]:
    """Where a quiet passage begins and ends, in shares of the length, and how many dB lower it is."""
    length = rng.uniform(0.15, 0.6)
    first = rng.uniform(0.02, 1.0 - length)
    return float(first), 1.0 if rng.random() < 0.5 else float(first + length), float(rng.uniform(10, 45))


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def apply(audio: np.ndarray, effects: Effects, rate: int = RATE) -> np.ndarray:
    """float32 (n, 2) in, (n, 2) or, at width 0, (n, 1) out; silence stays silence but for the noise's absence."""
    rng = np.random.default_rng(effects.seed)
    audio = narrowed(audio, effects.width)
    audio = audio / max(float(np.abs(audio).max()), 1e-9)
    if effects.drive:
        audio = np.tanh(effects.drive * audio) / np.tanh(effects.drive)
    audio = _linear(audio, effects, rate, rng)
    if effects.noise:
        kind, snr_db = effects.noise
        level = np.sqrt((audio**2).mean()) * 10 ** (-snr_db / 20)
        audio = audio + level * noise(kind, len(audio), rate, rng)[:, None]
    gain = 10 ** (effects.peak_db / 20) / max(float(np.abs(audio).max()), 1e-9)
    if effects.quiet:
        audio = audio * softer(len(audio), *effects.quiet, rate)[:, None]
    return (audio * gain).astype(np.float32)


def softer(n: int, first: float, last: float, db: float, rate: int) -> np.ndarray:
    """Gains (n, ) of a passage `db` lower between two shares of the length; 20 ms from one level to the other."""
    t = np.arange(n) / rate
    inside = np.minimum(t - first * n / rate, last * n / rate - t if last < 1 else np.inf) / 0.02
    return (10 ** (-db / 20 * np.clip(inside + 0.5, 0, 1))).astype(np.float32)


def narrowed(audio: np.ndarray, width: float) -> np.ndarray:
    """(n, 2) with its side signal times `width`; (n, 1) at width 0."""
    middle = audio.mean(axis=1, keepdims=True)
    return middle if width == 0 else middle + width * (audio - middle)


def _linear(audio: np.ndarray, effects: Effects, rate: int, rng: np.random.Generator) -> np.ndarray:
    """Room and filters as one multiplication of spectra."""
    shaped = effects.low_cut or effects.high_cut or effects.tilt
    if not (effects.room or shaped):
        return audio
    response = np.ones((1, 1), np.float32)
    if effects.room:
        response = room_response(*effects.room, rate, audio.shape[1], rng)
    n = _fast_length(len(audio) + len(response) + rate // 10)
    spectrum = np.fft.rfft(audio, n, axis=0) * np.fft.rfft(response, n, axis=0)
    if shaped:
        spectrum *= equaliser(np.fft.rfftfreq(n, 1 / rate), effects.low_cut, effects.high_cut, effects.tilt)[:, None]
    return np.fft.irfft(spectrum, n, axis=0)[: len(audio)].astype(np.float32)


def _fast_length(n: int) -> int:
    """The next length of the form 2^a, 3 * 2^a or 5 * 2^a."""
    return min(k * 2 ** int(np.ceil(np.log2(n / k))) for k in (1, 3, 5))


def room_response(
    rt60: float, wet: float, damping: float, rate: int, channels: int, rng: np.random.Generator
) -> np.ndarray:
    """Impulse response (n, channels): direct sound, six early reflections, a noise tail whose highs decay faster.

    rt60: seconds until the low part of the tail has lost 60 dB. wet: share of amplitude that is not direct sound.
    """
    n = int(rt60 * rate)
    t = np.arange(n)[:, None] / rate
    tail = rng.standard_normal((n, channels))
    low = np.cumsum(tail, axis=0)  # a box average over 1 ms: a gentle low-pass near 500 Hz
    box = max(1, rate // 1000)
    low = (low - np.concatenate([np.zeros((box, channels)), low[:-box]])) / np.sqrt(box)
    late = low * 10 ** (-3 * t / rt60) + 0.7 * tail * 10 ** (-3 * t * damping / rt60)
    late *= np.minimum(1, t / 0.02)  # it builds up while the early reflections arrive
    for delay in rng.uniform(0.003, 0.04, 6):
        at = int(delay * rate)
        if at < n:
            late[at] += rng.uniform(2, 6, channels) * rng.choice((-1, 1)) * 10 ** (-delay * 10)
    late *= wet / np.sqrt((late**2).sum(axis=0)).mean()
    late[0] += 1 - wet
    return late.astype(np.float32)


def equaliser(hz: np.ndarray, low_cut: float | None, high_cut: float | None, tilt: float) -> np.ndarray:
    """Gain at every frequency: second-order slopes at the cuts, and dB an octave (at most 4 octaves around 700 Hz)."""
    safe = np.maximum(hz, 1.0)
    gain = 10 ** (tilt / 20 * np.clip(np.log2(safe / 700), -4, 4))
    if low_cut:
        gain = gain / np.sqrt(1 + (low_cut / safe) ** 4)
    if high_cut:
        gain = gain / np.sqrt(1 + (safe / high_cut) ** 4)
    return gain.astype(np.float32)


def noise(kind: str, n: int, rate: int, rng: np.random.Generator) -> np.ndarray:
    """n samples of RMS 1: 'white', 'pink' (power falls as 1/f) or 'hum' (mains and its harmonics, detuned a little)."""
    if kind == "hum":
        mains, t = rng.choice((50.0, 60.0)) * rng.uniform(0.998, 1.002), np.arange(n) / rate
        sound = sum(rng.uniform(0.2, 1) / k * np.sin(2 * np.pi * (k * mains * t + rng.random())) for k in range(1, 8))
    else:
        sound = rng.standard_normal(n)
        if kind == "pink":
            size = _fast_length(n)
            spectrum = np.fft.rfft(rng.standard_normal(size))
            spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
            spectrum[:3] = 0
            sound = np.fft.irfft(spectrum, size)[:n]
    return (sound / np.sqrt((sound**2).mean())).astype(np.float32)
