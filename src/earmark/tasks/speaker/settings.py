"""Settings of the speaker task; standard library only, so that a bare GPU machine reads them."""

from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal, Self

from earmark.data.settings import DataSettings
from earmark.errors import require
from earmark.evaluation.settings import EvaluateSettings, GateSettings
from earmark.training.settings import LoopSettings


@dataclass(frozen=True)
class SpeakerDataSettings(DataSettings):
    """Recordings of speakers, and the utterances and trials made from them. The manifest's `label` is the speaker."""

    utterance_s: float = 0.0
    """Seconds to which recordings of a speaker and group are joined, if no utterances are listed; 0 joins none."""
    trials: int = 2000
    """Largest number of same-speaker trials, and of different-speaker ones, drawn where no trials are listed."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.utterance_s >= 0, "utterance_s", "must be at least 0")
        require(self.trials > 0, "trials", "must be above 0")


@dataclass(frozen=True)
class SpeakerFeatureSettings:
    """Log-mel frames of whole recordings; pauses are removed and levels adjusted when the stored frames are read."""

    sample_rate: int
    """Sample rate in Hz that recordings are resampled to."""
    n_fft: int
    """Length of a frame, in samples."""
    hop_length: int
    """Samples between frames."""
    n_mels: int
    """Number of mel bands; 128 in the study siamese_blstm, which needs n_fft 1024 (else some filters are empty)."""
    f_min: float
    """Lower edge of the mel bank, in Hz."""
    f_max: float
    """Upper edge of the mel bank, in Hz."""
    top_db: float
    """Level below the recording's loudest band, in decibels, at which values are floored."""
    voice_db: float
    """Frames more than this many decibels below the loudest frame count as pauses and are left out; 0 keeps all."""
    speeds: tuple[float, ...]
    """Each training recording is also stored at these speeds; at each speed its voice counts as a further speaker."""
    normalize: Literal["bands", "level", "both"]
    """What is subtracted before the network: `bands`, each band's mean (the microphone's colour, but also some of the
    voice's); `level`, the overall mean; `both` trains a tower on each, and concatenates their embeddings."""

    def __post_init__(self) -> None:
        for name in ("sample_rate", "n_fft", "hop_length", "n_mels", "top_db"):
            require(getattr(self, name) > 0, name, "must be above 0")
        require(self.hop_length <= self.n_fft, "hop_length", f"must be at most n_fft ({self.n_fft})")
        nyquist = self.sample_rate / 2
        fits = 0 <= self.f_min < self.f_max <= nyquist
        require(fits, "f_max", f"must be above f_min and at most the Nyquist frequency ({nyquist:g} Hz)")
        require(self.voice_db >= 0, "voice_db", "must be at least 0")
        good = all(0.5 <= speed <= 2 and speed != 1 for speed in self.speeds)
        require(good, "speeds", "must be from 0.5 to 2, but not 1")

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
class TowerSettings:
    """Frames of a segment in, an embedding out; each network comes on top."""

    name: str = ""
    width: float = 1.0
    """Factor on the number of channels or units."""
    embedding: int = 128
    """Length of the embedding."""
    whiten: bool = False
    """Whether embeddings are whitened after training, by mean and covariance of the training utterances."""
    statistics: float = 0.0
    """Weight, in a pair's score, of statistics of cepstra (computed in closed form); 0 uses the network alone."""

    @property
    def network(self) -> Self:
        """What is trained by batches: all but what is learnt in closed form after it."""
        return replace(self, whiten=False, statistics=0.0)

    def __post_init__(self) -> None:
        require(0.1 <= self.width <= 8, "width", "must be from 0.1 to 8")
        require(self.embedding > 1, "embedding", "must be at least 2")
        require(0 <= self.statistics < 1, "statistics", "must be at least 0 and below 1")


@dataclass(frozen=True)
class ResnetSettings(TowerSettings):
    """A small residual network with attentive statistics pooling."""

    name: Literal["resnet"] = "resnet"


@dataclass(frozen=True)
class TdnnSettings(TowerSettings):
    """ECAPA-like: dilated convolutions over time with attentive statistics pooling."""

    name: Literal["tdnn"] = "tdnn"


@dataclass(frozen=True)
class BlstmSettings(TowerSettings):
    """The network of the study siamese_blstm: two BLSTMs and two dense layers."""

    name: Literal["blstm"] = "blstm"
    read: Literal["blstm", "dense"] = "dense"
    """Which layer's output is the embedding: the second BLSTM's (`blstm`) or the last dense layer's (`dense`)."""
    head: Literal["prelu", "softplus", "softmax"] = "softplus"
    """Activation of the dense layers' outputs; `prelu`, which the study siamese_blstm starts from, leaves negative
    values, which the losses clip."""
    batch_norm: bool = False
    """Whether the head has batch normalisation."""
    dropout: float = 0.1
    """Dropout after the first BLSTM and after the first dense layer."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(0 <= self.dropout < 1, "dropout", "must be at least 0 and below 1")


SpeakerModelSettings = ResnetSettings | TdnnSettings | BlstmSettings


@dataclass(frozen=True)
class PairSettings:
    """A loss over all pairs of a batch; studies/siamese_blstm.yaml develops it step by step from that of the question
    which the study is about (the asker's)."""

    distance: Literal["kl", "reversed", "symmetric"] = "symmetric"
    """Kullback-Leibler divergence: `kl` in one direction, `reversed` in the other, `symmetric` the sum of both."""
    positive: Literal["clip", "add"] = "add"
    """What makes values positive for the logarithm: `clip` to epsilon..1 (siamese_blstm's asker) or `add` epsilon."""
    hinge: Literal["distance", "direction"] = "direction"
    """Whether the hinge is on the `distance`, or on each `direction` of a symmetric one before they are added."""
    soft: bool = True
    """Whether the hinge is softplus(margin - distance) in place of max(margin - distance, 0)."""
    margin: float = 3.0
    """Distance from which a pair of different speakers no longer adds to the loss."""
    over: Literal["sum", "mean"] = "sum"
    """Whether the divergence is the sum or the mean over the values of an embedding."""
    same: float = 1.0
    """Weight of pairs of the same speaker."""
    different: float = 1.0
    """Weight of pairs of different speakers."""
    broadcast: bool = False
    """Whether each distance is compared with every label, as shapes broadcast: a mistake of siamese_blstm's asker."""
    hinge_over: Literal["pair", "batch"] = "pair"
    """Hinge of a different-speaker `pair` alone or, as siamese_blstm's asker has it, the mean over the `batch`."""
    name: Literal["pairs"] = "pairs"

    def __post_init__(self) -> None:
        require(self.margin > 0, "margin", "must be above 0")
        require(self.same > 0 and self.different > 0, "same", "and different must be above 0")
        fits = self.hinge == "distance" or self.distance == "symmetric"
        require(fits, "hinge", "must be distance unless distance is symmetric")


@dataclass(frozen=True)
class AamSoftmaxSettings:
    """Softmax over the training speakers with an additive angular margin."""

    name: Literal["aam"] = "aam"
    margin: float = 0.2
    """Angular margin, in radians."""
    margin_epochs: int = 3
    """Number of epochs over which the margin grows from 0."""
    scale: float = 30.0
    """Factor on the cosines before the softmax."""
    each_view: bool = False
    """With features.normalize `both`: a softmax loss for each tower, added, in place of one over both."""

    def __post_init__(self) -> None:
        require(0 <= self.margin < 1.5, "margin", "must be an angle from 0 to 1.5")
        require(self.scale > 0, "scale", "must be above 0")


@dataclass(frozen=True)
class SimilaritySettings:
    """`angular`: the angular prototypical loss; `contrastive`: the supervised contrastive one."""

    name: Literal["angular", "contrastive"] = "angular"
    scale: float = 30.0
    """Factor on the cosines before the softmax."""

    def __post_init__(self) -> None:
        require(self.scale > 0, "scale", "must be above 0")


SpeakerLossSettings = AamSoftmaxSettings | SimilaritySettings | PairSettings


@dataclass(frozen=True)
class VoiceAugmentSettings:
    """Random changes of a training segment's stored log-mel frames; shares are of all segments, 0 switches one off."""

    noise: float
    """Share of segments to which another training recording or noise with a random spectral slope is added."""
    babble: float
    """Share of segments to which several other recordings are added (babble)."""
    snr_db: tuple[float, float]
    """Lowest and highest signal-to-noise ratio, in decibels, of what is added."""
    room: float
    """Share of segments with simulated reverberation."""
    band: float
    """Share of segments in which everything outside a random frequency band is attenuated."""
    gain_db: float
    """Largest random gain slope over the bands, in decibels from the lowest to the highest."""
    time_masks: int
    """Number of time masks per segment (SpecAugment)."""
    time_mask: int
    """Longest time mask, in frames."""
    band_masks: int
    """Number of frequency masks per segment."""
    band_mask: int
    """Widest frequency mask, in mel bands."""

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
    """One training on batches of several segments from each of several speakers; validation loss is 1 - AUC, accuracy
    1 - EER."""

    FORMER: ClassVar[dict[str, str]] = LoopSettings.FORMER | {
        "pair": "loss (of loss pairs)",
        "margin": "loss.margin (of loss aam)",
        "margin_epochs": "loss.margin_epochs",
        "scale": "loss.scale",
    }

    loss: SpeakerLossSettings
    """The training loss of a batch."""
    speakers: int
    """Number of speakers in a batch."""
    segments: int
    """Number of segments of each speaker in a batch."""
    segments_s: tuple[float, float]
    """Shortest and longest segment, in seconds; each batch draws one length for all its segments."""
    batches: int
    """Number of batches in an epoch."""
    augment: VoiceAugmentSettings
    """Random changes of a training segment."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.speakers > 1 and self.segments > 1, "speakers", "and segments must be at least 2")
        ordered = 0.1 <= self.segments_s[0] <= self.segments_s[1]
        require(ordered, "segments_s", "must be two lengths of at least 0.1 s, the shorter first")
        require(self.batches > 0, "batches", "must be above 0")


@dataclass(frozen=True)
class SpeakerSettings:
    """Who is speaking: embeddings of voices, scored by their cosine; blocks in the order of the stages."""

    FORMER: ClassVar[dict[str, str]] = {f"evaluate.{key}": f"data.{key}" for key in ("utterance_s", "trials")}

    data: SpeakerDataSettings
    features: SpeakerFeatureSettings
    model: SpeakerModelSettings
    """The network that turns the frames of a segment into an embedding."""
    train: SpeakerTrainSettings
    evaluate: EvaluateSettings
    gate: GateSettings = field(default_factory=GateSettings)

    def __post_init__(self) -> None:
        blstm = isinstance(self.model, BlstmSettings)
        fits = (isinstance(self.model, BlstmSettings) and self.model.read == "dense") or self.train.loss.name != "pairs"
        alone = not blstm or self.features.normalize != "both"
        require(alone, "features.normalize", "must be bands or level for model.name blstm")
        heard = not self.model.statistics or self.features.normalize != "bands"
        require(heard, "model.statistics", "must be 0 where features.normalize is bands, which removes the means")
        require(fits, "train.loss", "pairs needs model.name blstm and model.read dense")
