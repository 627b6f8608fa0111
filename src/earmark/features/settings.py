"""What is computed from a recording before a network sees it."""

import math
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar, Literal

from earmark.errors import require

LEVEL_UNIT_DB = 15.0  # brings the features of most recordings near unit deviation


@dataclass(frozen=True)
class FeatureSettings:
    """Log-mel or MFCC frames, and the windows that a model classifies one at a time."""

    FORMER_VALUES: ClassVar[dict[str, dict[str, str]]] = {"log_floor": {"seed003": "zero"}}

    kind: Literal["log_mel", "mfcc"]
    """What a frame holds: the log-mel spectrum in decibels, or cepstral coefficients (MFCC) of it."""
    sample_rate: int
    """Sample rate in Hz that recordings are resampled to."""
    n_fft: int
    """Length of a frame in samples, which sets the frequency resolution."""
    hop_length: int
    """Samples between frames."""
    n_mels: int
    """Number of mel bands."""
    f_min: float
    """Lower edge of the mel bank, in Hz."""
    f_max: float | None
    """Upper edge of the mel bank, in Hz; null for half the sample rate."""
    top_db: float
    """Level below the recording's loudest band, in decibels, at which values are floored."""
    log_floor: Literal["top_db", "zero", "none"]
    """`top_db` floors decibels as the key top_db says. `zero` takes the natural logarithm of raw mel power and writes 0
    for minus infinity, as does the article that the study sound_cnns is about: silence becomes the loudest thing in a
    quiet recording. `none` takes the same logarithm and keeps minus infinity, as the article did first, for a network
    that filters it out (model.filter)."""
    normalize: Literal["level", "recording", "none"]
    """`level` floors decibels `top_db` below the recording's loudest mel band, subtracts their mean over the
    recording and divides by 15 dB: level does not matter, contrast does. `recording` divides by the recording's own
    standard deviation instead, so that contrast does not matter either. `none` is the plain librosa convention
    (floor at 1e-10 and `top_db` below each window's maximum)."""
    trim_db: float | None
    """Quiet ends are trimmed: frames before the first and after the last that come within `trim_db` of the loudest
    band. What remains is repeated to the recording's length. Null trims nothing."""
    framing: Literal["recording", "window"]
    """`recording` computes frames over the whole recording, and windows are slices of them; `window` computes each
    window by itself, as in the question that the study song_mil is about: its window hop is not a multiple of its
    frame hop, so slices would hold other values."""
    fill: Literal["tile", "pad", "pad_log"]
    """A recording shorter than a window is repeated (`tile`), padded with silence on both sides (`pad`), or padded
    on both sides with zeros after the logarithm (`pad_log`, as in the article that the study sound_cnns is about)."""
    window_s: float
    """Length of a window, in seconds: what the network sees at once."""
    window_hop_s: float
    """Seconds from one window's start to the next."""
    max_seconds: float | None
    """At most this many seconds from the start of a recording are read; null reads all of it."""
    dtype: Literal["float16", "float32"]
    """Data type of the stored features."""
    n_mfcc: int = 13
    """Number of cepstral coefficients per frame, with kind `mfcc`."""
    mel_scale: Literal["slaney", "htk"] = "slaney"
    """How bands are spaced: `slaney`, linear below 1 kHz, librosa's default, or `htk`, torchaudio's default."""
    mel_norm: Literal["slaney", "none"] = "slaney"
    """`slaney` divides each band by its width, librosa's default; `none` gives every filter a peak of 1,
    torchaudio's default."""
    padding: Literal["zeros", "reflect"] = "zeros"
    """What pads a recording at both ends, so that its first and last frames are complete: `zeros`, librosa's
    default, or `reflect`, the recording itself mirrored, torchaudio's default."""
    other_rates: Literal["resample", "refuse"] = "resample"
    """What happens to recordings with a sample rate other than sample_rate: `resample` resamples them and prints a
    note; `refuse` ends with an error, like the `assert` of the article that the study sound_cnns is about."""
    empty_filters: Literal["refuse", "keep"] = "refuse"
    """What happens when mel filters are so narrow that no FFT bin falls into them: `refuse` ends with an error that
    names the remedy; `keep` continues with these empty bands and lists them."""

    def __post_init__(self) -> None:
        for name in ("sample_rate", "n_fft", "hop_length", "n_mels", "n_mfcc", "top_db"):
            require(getattr(self, name) > 0, name, "must be above 0")
        require(self.n_mfcc <= self.n_mels, "n_mfcc", f"must be at most n_mels ({self.n_mels})")
        require(self.hop_length <= self.n_fft, "hop_length", f"must be at most n_fft ({self.n_fft})")
        require(self.f_min >= 0, "f_min", "must be at least 0 Hz")
        require(
            self.f_min < self.f_high <= self.sample_rate / 2,
            "f_max",
            f"must be above f_min and at most the Nyquist frequency ({self.sample_rate / 2:g} Hz)",
        )
        require(self.window_samples >= self.n_fft, "window_s", "must be at least n_fft samples long")
        hop_fits = 0 < self.window_hop_s <= self.window_s
        require(hop_fits, "window_hop_s", f"must be above 0 and at most window_s ({self.window_s:g} s)")
        enough = self.max_seconds is None or self.max_seconds >= self.window_s
        require(enough, "max_seconds", f"must be null or at least window_s ({self.window_s:g} s)")

        raw = self.kind == "log_mel" and self.normalize == "none" and self.framing == "recording"
        faithful = self.log_floor == "top_db" or (raw and self.trim_db is None)
        need = f"{self.log_floor} works only with kind log_mel, normalize none, framing recording, trim_db null"
        require(faithful, "log_floor", need)
        require(self.trim_db is None or self.trim_db > 0, "trim_db", "must be null or above 0")
        sliced = self.framing == "recording" or (self.trim_db is None and self.fill != "pad_log")
        require(sliced, "framing", "must be recording for trim_db or fill pad_log")

    @property
    def f_high(self) -> float:
        """Upper edge of the mel bank in Hz."""
        return self.sample_rate / 2 if self.f_max is None else self.f_max

    @property
    def n_bands(self) -> int:
        """Feature rows of one frame."""
        return self.n_mfcc if self.kind == "mfcc" else self.n_mels

    @property
    def unit_db(self) -> float:
        """Decibels of one unit of a log-mel feature; with `recording` it is about a typical recording's deviation."""
        if self.log_floor != "top_db":
            return 10 / math.log(10)  # natural logarithms
        return 1.0 if self.normalize == "none" else LEVEL_UNIT_DB

    @property
    def frames_per_second(self) -> float:
        """Feature rows a second."""
        return self.sample_rate / self.hop_length

    @property
    def window_samples(self) -> int:
        """Samples of one window."""
        return int(self.sample_rate * self.window_s)

    @property
    def window_hop_samples(self) -> int:
        """Samples from one window's start to the next, where every window is computed by itself."""
        return max(1, int(self.sample_rate * self.window_hop_s))

    @property
    def window_frames(self) -> int:
        """Frames of one window (centred frames: one more than whole hops)."""
        return 1 + self.window_samples // self.hop_length

    @property
    def window_stride(self) -> int:
        """Stored frames from one window's start to the next."""
        if self.framing == "window":
            return self.window_frames
        return max(1, round(self.window_hop_s * self.sample_rate / self.hop_length))

    @property
    def window_stride_s(self) -> float:
        """Seconds from one window's start to the next."""
        if self.framing == "window":
            return self.window_hop_samples / self.sample_rate
        return self.window_stride * self.hop_length / self.sample_rate

    def until(self, max_seconds: float | None) -> "FeatureSettings":
        """The same settings, reading at most `max_seconds` of a recording."""
        return replace(self, max_seconds=max_seconds)

    def plain(self) -> dict[str, Any]:
        """The settings as a dict that goes into JSON."""
        return asdict(self)
