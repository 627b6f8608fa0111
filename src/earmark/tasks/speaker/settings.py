"""Settings of the speaker task; standard library only, so that a bare GPU machine reads them."""

from dataclasses import dataclass, replace
from typing import Literal

from earmark.data.settings import DataSettings
from earmark.errors import require
from earmark.training.settings import LoopSettings


@dataclass(frozen=True)
class SpeakerFeatureSettings:
    """Log-mel frames of speech, all of a recording; voice and level are decided when they are read.

    n_fft, hop_length: samples. f_min, f_max: edges of the mel bank in Hz.
    top_db: decibels below the recording's loudest band that count as nothing.
    voice_db: a frame whose power is further below the recording's loudest is a pause and is left out; 0 keeps all.
    speeds: training recordings are stored once more at these speeds, and a voice at another speed is another speaker.
    normalize: what a segment loses before a network hears it: each of its `bands` its mean, and so the microphone, but
        of the voice too; or its `level` alone; `both` gives a tower each, whose embeddings stand side by side.
    """

    sample_rate: int
    n_fft: int
    hop_length: int
    n_mels: int
    f_min: float
    f_max: float
    top_db: float
    voice_db: float
    speeds: tuple[float, ...]
    normalize: Literal["bands", "level", "both"]

    def __post_init__(self) -> None:
        for name in ("sample_rate", "n_fft", "hop_length", "n_mels", "top_db"):
            require(getattr(self, name) > 0, name, "must be above 0")
        require(self.hop_length <= self.n_fft, "hop_length", f"must be at most n_fft ({self.n_fft})")
        nyquist = self.sample_rate / 2
        fits = 0 <= self.f_min < self.f_max <= nyquist
        require(fits, "f_max", f"must lie above f_min and at or below the Nyquist frequency ({nyquist:g} Hz)")
        require(self.voice_db >= 0, "voice_db", "must be at least 0")
        good = all(0.5 <= speed <= 2 and speed != 1 for speed in self.speeds)
        require(good, "speeds", "must lie from 0.5 to 2 and not be 1")

    @property
    def views(self) -> int:
        """Ways in which a segment is seen, each by a tower of its own."""
        return 2 if self.normalize == "both" else 1

    @property
    def f_high(self) -> float:
        """Upper edge of the mel bank in Hz."""
        return self.f_max

    @property
    def hop_s(self) -> float:
        """Seconds between frames."""
        return self.hop_length / self.sample_rate


@dataclass(frozen=True)
class SpeakerModelSettings:
    """A tower: frames of a segment in, an embedding out.

    name: `blstm` is seed 004's, `tdnn` is ECAPA-like, `resnet` a small residual network; the last two pool by attentive
        statistics.
    width: multiplies the channels or units. embedding: its length.
    read: of `blstm` alone, where its embedding is taken: the second BLSTM or the last dense layer.
    head: of `blstm` alone, what makes its dense layers' word positive: `prelu` nothing (the losses clip it, as
        the asker did), `softplus` or `softmax`.
    batch_norm: of `blstm` alone, before the head. dropout: of `blstm` after the first BLSTM and the first dense layer.
    whiten: whether its embeddings are given mean 0 and even spread over the training utterances, once it is trained.
    statistics: share of a pair's cosine that statistics of cepstra have, learnt in closed form beside the network; 0
        for the network alone.
    """

    name: Literal["blstm", "tdnn", "resnet"]
    width: float
    embedding: int
    read: Literal["blstm", "dense"]
    head: Literal["prelu", "softplus", "softmax"]
    batch_norm: bool
    dropout: float
    whiten: bool = False
    statistics: float = 0.0

    @property
    def network(self) -> "SpeakerModelSettings":
        """What is trained by batches: all but what is learnt in closed form after it."""
        return replace(self, whiten=False, statistics=0.0)

    def __post_init__(self) -> None:
        require(0.1 <= self.width <= 8, "width", "must lie from 0.1 to 8")
        require(self.embedding > 1, "embedding", "must be at least 2")
        require(0 <= self.dropout < 1, "dropout", "must be a share from 0 up to 1")
        require(0 <= self.statistics < 1, "statistics", "must be a share from 0 up to 1")


@dataclass(frozen=True)
class PairSettings:
    """Seed 004's loss over all pairs of a batch.

    distance: `kl` of one direction, `reversed` the other, or `symmetric`, their sum.
    positive: how values become positive before the logarithm: `clip` to epsilon..1, as the asker did, or `add` epsilon.
    hinge: on the `distance`, or on each `direction` of a symmetric one, added.
    soft: softplus(margin - distance) in place of max(margin - distance, 0).
    over: the `sum` or the `mean` over the values of an embedding.
    same, different: weights of pairs of one and of two speakers.
    broadcast: the asker's mistake: labels (pairs, 1) against distances (pairs,) judge every distance by every label.
    """

    distance: Literal["kl", "reversed", "symmetric"]
    positive: Literal["clip", "add"]
    hinge: Literal["distance", "direction"]
    soft: bool
    margin: float
    over: Literal["sum", "mean"]
    same: float
    different: float
    broadcast: bool

    def __post_init__(self) -> None:
        require(self.margin > 0, "margin", "must be above 0")
        require(self.same > 0 and self.different > 0, "same", "and different must be above 0")
        fits = self.hinge == "distance" or self.distance == "symmetric"
        require(fits, "hinge", "must be distance where the distance has one direction alone")


@dataclass(frozen=True)
class VoiceAugmentSettings:
    """What a training crop may go through; all on stored log-mel frames. Shares of crops, 0 for none.

    noise: another training recording, or noise with a random slope, is added; babble: several recordings.
    snr_db: lowest and highest level of speech above what is added.
    room: energy that decays as in a room. band: everything outside of a random band is attenuated.
    gain_db: largest random slope over the bands, from end to end.
    time_masks, band_masks: SpecAugment's, of up to time_mask frames and band_mask bands.
    """

    noise: float
    babble: float
    snr_db: tuple[float, float]
    room: float
    band: float
    gain_db: float
    time_masks: int
    time_mask: int
    band_masks: int
    band_mask: int

    def __post_init__(self) -> None:
        for name in ("noise", "babble", "room", "band"):
            require(0 <= getattr(self, name) <= 1, name, "must be a share from 0 to 1")
        require(self.snr_db[0] <= self.snr_db[1], "snr_db", "must be the lowest and the highest, in this order")

    @property
    def any(self) -> bool:
        """Whether anything but masks changes a segment."""
        return max(self.noise, self.babble, self.room, self.band, self.gain_db) > 0


@dataclass(frozen=True)
class SpeakerTrainSettings(LoopSettings):
    """One training on batches of P speakers and K segments each.

    loss: `pairs` is seed 004's (settings `pair`), `aam` softmax with an additive angular margin over the training
        speakers, `angular` the angular prototypical loss, `contrastive` the supervised contrastive one.
    margin, scale: of `aam`, radians, the margin growing from 0 over `margin_epochs`; of the others the scale alone.
    segments_s: shortest and longest segment; every batch draws one length.
    batches: an epoch's.
    keep: the weights of the epoch with the lowest validation `loss`, which is 1 - AUC of validation trials, the highest
        `accuracy`, which is 1 - EER, or the `last`.
    The rest as in `settings.loop.LoopSettings`.
    """

    loss: Literal["pairs", "aam", "angular", "contrastive"]
    pair: PairSettings
    margin: float
    margin_epochs: int
    scale: float
    speakers: int
    segments: int
    segments_s: tuple[float, float]
    batches: int
    augment: VoiceAugmentSettings

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.speakers > 1 and self.segments > 1, "speakers", "and segments must be at least 2")
        require(
            0.1 <= self.segments_s[0] <= self.segments_s[1], "segments_s", "must be two lengths from 0.1 s up, in order"
        )
        require(0 <= self.margin < 1.5, "margin", "must be an angle from 0 to 1.5")
        require(self.scale > 0, "scale", "must be above 0")
        require(self.batches > 0, "batches", "must be above 0")


@dataclass(frozen=True)
class SpeakerEvaluateSettings:
    """How speakers are judged.

    utterance_s: recordings of one speaker and group are joined to utterances of about this length where the manifest
        has no utterances of its own; 0 joins none. trials: at most so many of each kind, same and different.
    """

    bootstrap: int
    seed: int
    utterance_s: float
    trials: int

    def __post_init__(self) -> None:
        require(self.bootstrap >= 100, "bootstrap", "must be at least 100 resamples")
        require(self.seed >= 0, "seed", "must be at least 0")
        require(self.utterance_s >= 0, "utterance_s", "must be at least 0")
        require(self.trials > 0, "trials", "must be above 0")


@dataclass(frozen=True)
class SpeakerSettings:
    """All settings of the speaker task, in the order of its stages."""

    data: DataSettings
    features: SpeakerFeatureSettings
    model: SpeakerModelSettings
    train: SpeakerTrainSettings
    evaluate: SpeakerEvaluateSettings

    def __post_init__(self) -> None:
        positive = self.model.name == "blstm" and self.model.read == "dense"
        fits = positive or self.train.loss != "pairs"
        alone = self.model.name != "blstm" or self.features.normalize != "both"
        require(alone, "features.normalize", "must be bands or level for model.name blstm")
        heard = not self.model.statistics or self.features.normalize != "bands"
        require(heard, "model.statistics", "must be 0 where features.normalize is bands, which takes their means away")
        require(fits, "train.loss", "pairs compares the word of blstm's dense layers; set model.name and model.read so")
