"""Settings of the speaker task; standard library only, so that a bare GPU machine reads them."""

from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal, Self

from earmark.data.settings import DataSettings
from earmark.errors import require
from earmark.evaluation.settings import EvaluateSettings, GateSettings
from earmark.training.settings import LoopSettings


@dataclass(frozen=True)
class SpeakerDataSettings(DataSettings):
    """Recordings of speakers, and the utterances and trials that are made of them. `label` is the speaker."""

    utterance_s: float = 0.0
    """Recordings of one speaker and group are joined to utterances of about so many seconds where the manifest has no
    utterances of its own; 0 joins none."""
    trials: int = 2000
    """At most so many trials of each kind, of one speaker and of two, are drawn where the source brings none."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.utterance_s >= 0, "utterance_s", "must be at least 0")
        require(self.trials > 0, "trials", "must be above 0")


@dataclass(frozen=True)
class SpeakerFeatureSettings:
    """Log-mel frames of speech, all of a recording; voice and level are decided when they are read."""

    sample_rate: int
    """Hz that recordings are brought to."""
    n_fft: int
    """Samples of a frame."""
    hop_length: int
    """Samples between frames."""
    n_mels: int
    """Mel bands; 128 in siamese_blstm's text, with n_fft 1024: else the lowest filters are empty."""
    f_min: float
    """Lower edge of the mel bank, in Hz."""
    f_max: float
    """Upper edge of the mel bank, in Hz."""
    top_db: float
    """Decibels below the recording's loudest band that count as nothing."""
    voice_db: float
    """A frame whose power is further below the recording's loudest is a pause and is left out; 0 keeps all."""
    speeds: tuple[float, ...]
    """Training recordings are stored once more at these speeds, and a voice at another speed is another speaker."""
    normalize: Literal["bands", "level", "both"]
    """What a segment loses before a network hears it: each of its `bands` its mean, and so the microphone, but of the
    voice too; or its `level` alone; `both` gives a tower each, whose embeddings stand side by side."""

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
class TowerSettings:
    """Frames of a segment in, an embedding out; each network comes on top."""

    name: str = ""
    width: float = 1.0
    """Multiplies the channels or units."""
    embedding: int = 128
    """Length of the embedding."""
    whiten: bool = False
    """Whether embeddings are given mean 0 and even spread over the training utterances, once the network is trained."""
    statistics: float = 0.0
    """Share of a pair's cosine that statistics of cepstra have, learnt in closed form beside the network; 0 for the
    network alone."""

    @property
    def network(self) -> Self:
        """What is trained by batches: all but what is learnt in closed form after it."""
        return replace(self, whiten=False, statistics=0.0)

    def __post_init__(self) -> None:
        require(0.1 <= self.width <= 8, "width", "must lie from 0.1 to 8")
        require(self.embedding > 1, "embedding", "must be at least 2")
        require(0 <= self.statistics < 1, "statistics", "must be a share from 0 up to 1")


@dataclass(frozen=True)
class ResnetSettings(TowerSettings):
    """A small residual network that pools by attentive statistics."""

    name: Literal["resnet"] = "resnet"


@dataclass(frozen=True)
class TdnnSettings(TowerSettings):
    """ECAPA-like: dilated convolutions over time, attentive statistics."""

    name: Literal["tdnn"] = "tdnn"


@dataclass(frozen=True)
class BlstmSettings(TowerSettings):
    """siamese_blstm's: two BLSTMs and two dense layers."""

    name: Literal["blstm"] = "blstm"
    read: Literal["blstm", "dense"] = "dense"
    """Where the embedding is taken: the second BLSTM or the last dense layer."""
    head: Literal["prelu", "softplus", "softmax"] = "softplus"
    """What makes the dense layers' word positive: `prelu`, the text's, nothing (the losses clip it, as the asker)."""
    batch_norm: bool = False
    """Whether the head is normalised over a batch."""
    dropout: float = 0.1
    """Share of features left out after the first BLSTM and the first dense layer."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(0 <= self.dropout < 1, "dropout", "must be a share from 0 up to 1")


SpeakerModelSettings = ResnetSettings | TdnnSettings | BlstmSettings


@dataclass(frozen=True)
class PairSettings:
    """The loss over all pairs of a batch; studies/siamese_blstm.yaml walks from the asker's to one that learns."""

    distance: Literal["kl", "reversed", "symmetric"] = "symmetric"
    """`kl` of one direction, `reversed` the other, or `symmetric`, their sum."""
    positive: Literal["clip", "add"] = "add"
    """How values become positive before the logarithm: `clip` to epsilon..1, as the asker did, or `add` epsilon."""
    hinge: Literal["distance", "direction"] = "direction"
    """On the `distance`, or on each `direction` of a symmetric one, added."""
    soft: bool = True
    """softplus(margin - distance) in place of max(margin - distance, 0)."""
    margin: float = 3.0
    """Distance from which pairs of two speakers cost nothing more."""
    over: Literal["sum", "mean"] = "sum"
    """Over the values of an embedding."""
    same: float = 1.0
    """Weight of pairs of one speaker."""
    different: float = 1.0
    """Weight of pairs of two speakers."""
    broadcast: bool = False
    """The asker's mistake: labels (pairs, 1) against distances (pairs,) judge every distance by every label."""
    hinge_over: Literal["pair", "batch"] = "pair"
    """Whose hinge a pair of two speakers costs: its own, or, as the asker's mean over the last axis, the batch's."""
    name: Literal["pairs"] = "pairs"

    def __post_init__(self) -> None:
        require(self.margin > 0, "margin", "must be above 0")
        require(self.same > 0 and self.different > 0, "same", "and different must be above 0")
        fits = self.hinge == "distance" or self.distance == "symmetric"
        require(fits, "hinge", "must be distance where the distance has one direction alone")


@dataclass(frozen=True)
class AamSoftmaxSettings:
    """Softmax over the training speakers with an additive angular margin."""

    name: Literal["aam"] = "aam"
    margin: float = 0.2
    """In radians."""
    margin_epochs: int = 3
    """Over which the margin grows from 0."""
    scale: float = 30.0
    """Of the cosines."""
    each_view: bool = False
    """Where features.normalize is `both`: a softmax for each tower alone, in place of one over both; they are added."""

    def __post_init__(self) -> None:
        require(0 <= self.margin < 1.5, "margin", "must be an angle from 0 to 1.5")
        require(self.scale > 0, "scale", "must be above 0")


@dataclass(frozen=True)
class SimilaritySettings:
    """`angular`: the angular prototypical loss; `contrastive`: the supervised contrastive one."""

    name: Literal["angular", "contrastive"] = "angular"
    scale: float = 30.0
    """Of the cosines."""

    def __post_init__(self) -> None:
        require(self.scale > 0, "scale", "must be above 0")


SpeakerLossSettings = AamSoftmaxSettings | SimilaritySettings | PairSettings


@dataclass(frozen=True)
class VoiceAugmentSettings:
    """What a training crop may go through, on its stored log-mel frames; shares of crops, 0 for none."""

    noise: float
    """Share of crops to which another training recording, or noise with a random slope, is added."""
    babble: float
    """Share of crops to which several recordings are added."""
    snr_db: tuple[float, float]
    """Lowest and highest level of speech above what is added."""
    room: float
    """Share of crops whose energy decays as in a room."""
    band: float
    """Share of crops in which everything outside of a random band is attenuated."""
    gain_db: float
    """Largest random slope over the bands, from end to end."""
    time_masks: int
    """Stretches of time that are hidden (SpecAugment)."""
    time_mask: int
    """Longest of them, in frames."""
    band_masks: int
    """Ranges of bands that are hidden."""
    band_mask: int
    """Widest of them, in bands."""

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
    """One training on batches of P speakers and K segments each; validation loss is 1 - AUC, accuracy 1 - EER."""

    FORMER: ClassVar[dict[str, str]] = LoopSettings.FORMER | {
        "pair": "loss (of loss pairs)",
        "margin": "loss.margin (of loss aam)",
        "margin_epochs": "loss.margin_epochs",
        "scale": "loss.scale",
    }

    loss: SpeakerLossSettings
    """What is judged of a batch."""
    speakers: int
    """Of a batch."""
    segments: int
    """Of each of them."""
    segments_s: tuple[float, float]
    """Shortest and longest segment, in seconds; every batch draws one length."""
    batches: int
    """Of an epoch."""
    augment: VoiceAugmentSettings
    """Random changes of a training crop."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.speakers > 1 and self.segments > 1, "speakers", "and segments must be at least 2")
        require(
            0.1 <= self.segments_s[0] <= self.segments_s[1], "segments_s", "must be two lengths from 0.1 s up, in order"
        )
        require(self.batches > 0, "batches", "must be above 0")


@dataclass(frozen=True)
class SpeakerSettings:
    """Who is speaking: embeddings whose cosine is the score; blocks in the order of their stages."""

    FORMER: ClassVar[dict[str, str]] = {f"evaluate.{key}": f"data.{key}" for key in ("utterance_s", "trials")}

    data: SpeakerDataSettings
    features: SpeakerFeatureSettings
    model: SpeakerModelSettings
    """A tower: frames of a segment in, an embedding out."""
    train: SpeakerTrainSettings
    evaluate: EvaluateSettings
    gate: GateSettings = field(default_factory=GateSettings)

    def __post_init__(self) -> None:
        blstm = isinstance(self.model, BlstmSettings)
        fits = (isinstance(self.model, BlstmSettings) and self.model.read == "dense") or self.train.loss.name != "pairs"
        alone = not blstm or self.features.normalize != "both"
        require(alone, "features.normalize", "must be bands or level for model.name blstm")
        heard = not self.model.statistics or self.features.normalize != "bands"
        require(heard, "model.statistics", "must be 0 where features.normalize is bands, which takes their means away")
        require(fits, "train.loss", "pairs compares the word of blstm's dense layers; set model.name and model.read so")
