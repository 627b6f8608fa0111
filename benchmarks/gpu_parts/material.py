"""Small made-up trainings of every task, the same on every machine: data from numpy's generator, weights from torch's.

Sizes are small, so that a CPU trains each in a second. Every value has a structure that a network can learn.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from earmark.tasks.chord.batches import ChordTask
from earmark.tasks.chord.notation.vocabulary import IGNORED, NARROW, WIDE, Vocabulary
from earmark.tasks.chord.settings import (
    DOWN,
    UP,
    ChordModelSettings,
    ChordNetModel,
    ChordTrainSettings,
    CrossEntropy,
    FocalTversky,
    PitchNetModel,
)
from earmark.tasks.chord.songs import Songs
from earmark.tasks.genre.batches import GenreTask
from earmark.tasks.genre.settings import AugmentSettings, CompactSettings, FrameLoss, TrainSettings, Unmixed
from earmark.tasks.genre.windows import Windows
from earmark.tasks.speaker.batches import SpeakerTask, ValidationTrials
from earmark.tasks.speaker.settings import (
    AamSoftmaxSettings,
    ResnetSettings,
    SpeakerFeatureSettings,
    SpeakerTrainSettings,
    VoiceAugmentSettings,
)
from earmark.tasks.speaker.voices import Voices
from earmark.training.loop import TrainingTask
from earmark.training.settings import AdamW, CosineSchedule

EPOCHS = 4
BANDS = 24  # of genre
WINDOW = 32
CLASSES = 3
BINS = 36  # of an octave, the one that chord networks hear here
SPEAKERS, RUN = 6, 60  # a run's frames
UNAUGMENTED = AugmentSettings(0.0, 0, 0.0, 0.0, 0.0, 0, 0.0, 0, 0, Unmixed())
AUGMENTED = AugmentSettings(0.2, 2, 0.0, 0.0, 3.0, 1, 0.05, 1, 4, Unmixed())
SILENT_ROOM = VoiceAugmentSettings(0.0, 0.0, (5.0, 20.0), 0.0, 0.0, 0.0, 0, 0, 0, 0)
NOISY_ROOM = VoiceAugmentSettings(0.3, 0.2, (5.0, 20.0), 0.3, 0.3, 6.0, 1, 5, 1, 3)
VOICE_FEATURES = SpeakerFeatureSettings(16000, 512, 160, 16, 20.0, 7600.0, 80.0, 0.0, (), "level")


def loop_settings(precision: str, **changes: Any) -> dict[str, Any]:
    """What every task's training here has in common, as fields of LoopSettings."""
    plain = {
        "optimizer": AdamW(),
        "lr": 0.005,
        "weight_decay": 0.01,
        "epochs": EPOCHS,
        "average": 0.5,
        "keep": "last",
        "patience": 0,
        "seed": 1,
        "device": "auto",
        "precision": precision,
        "schedule": CosineSchedule(warmup_epochs=1),
    }
    return plain | changes


def windows(recordings: int = 24) -> Windows:
    """Recordings of 2 to 4 windows; a class is a third of the bands, which is louder."""
    rng = np.random.default_rng(0)
    labels = np.arange(recordings) % CLASSES
    counts = rng.integers(2, 5, recordings)
    segment = np.repeat(np.arange(recordings), counts)
    values = rng.standard_normal((len(segment) * WINDOW, BANDS)).astype(np.float16)
    third = BANDS // CLASSES
    loud = np.repeat(labels[segment], WINDOW)
    values += 2 * (np.arange(BANDS) // third == loud[:, None])
    starts = np.arange(len(segment)) * WINDOW
    places = WINDOW * (np.cumsum(counts) - counts), WINDOW * counts
    return Windows(values, starts, segment, *places, labels, [f"recording {i}" for i in range(recordings)], WINDOW)


def genre(device: torch.device, precision: str, still: bool) -> tuple[GenreTask, TrainSettings]:
    """The compact network on random, augmented crops; `still`: on fixed windows as they are."""
    of, last = windows(), 6
    settings = TrainSettings(
        loss=FrameLoss(),
        crops="windows" if still else "random",
        batch_size=6,
        augment=UNAUGMENTED if still else AUGMENTED,
        **loop_settings(precision, average=0.0 if still else 0.5),
    )
    n = len(of.ids)
    parts = np.arange(n - last), np.arange(n - last, n)
    return GenreTask(of, *parts, CLASSES, CompactSettings(width=0.25), settings, device), settings


def songs(channels: int, vocabulary: Vocabulary) -> Songs:
    """Songs of major triads that change now and then, whose root is the bass and the key; one frame is unknown."""
    rng, lengths = np.random.default_rng(0), np.array([80, 50, 65, 60, 50, 70])
    n, offsets = int(lengths.sum()), np.cumsum(lengths) - lengths
    change = (rng.random(n) < 0.1).astype(np.uint8)
    change[offsets] = 1
    root = rng.integers(0, 12, n)[np.maximum.accumulate(np.where(change, np.arange(n), 0))]
    width = BINS + (UP + DOWN) * BINS // 12
    values = rng.uniform(0, 0.3, (n, channels, width))
    for above in (0, 4, 7):
        values[np.arange(n), 0, (UP + (root + above) % 12) * BINS // 12] += 0.7
    tones = np.stack([(np.arange(12) == (root[:, None] + above) % 12) for above in (0, 4, 7)]).any(0)
    chord = 12 + root  # major is the second quality
    chord[offsets[0] + 3] = IGNORED
    bass = root.astype(np.int64)
    ids = [f"song {i}" for i in range(len(lengths))]
    arrays = values.reshape(n, -1).astype(np.float16), offsets, lengths, ids, chord, bass, bass, tones.astype(np.uint8)
    return Songs(*arrays, change, BINS, vocabulary.none, BINS)


def _chord(
    network: ChordModelSettings, loss: Any, device: torch.device, precision: str, still: bool
) -> tuple[ChordTask, ChordTrainSettings]:
    stereo = isinstance(network, ChordNetModel)
    words = NARROW if stereo else WIDE
    of = songs(2 if stereo else 1, words)
    settings = ChordTrainSettings(
        loss=loss,
        batch_size=4,
        crop_frames=16,
        transpose=not still,
        tilt=0.0 if still else 0.2,
        floor=0.0 if still else 0.3,
        time_masks=0 if still else 1,
        time_mask=4,
        band_masks=0 if still else 1,
        band_mask=4,
        crops="changes",
        **loop_settings(precision, lr=0.02),
    )
    return ChordTask(of, np.arange(4), np.arange(4, 6), len(words.qualities), network, settings, device), settings


def chordnet(device: torch.device, precision: str, still: bool) -> tuple[ChordTask, ChordTrainSettings]:
    """ChordNet with its dual path and its second network, a tenth as wide."""
    network = ChordNetModel(width=0.1, chunk_frames=8, vector="sigmoid")
    return _chord(network, FocalTversky(name="focal_tversky_of_logits"), device, precision, still)


def pitch_net(device: torch.device, precision: str, still: bool) -> tuple[ChordTask, ChordTrainSettings]:
    """The released model's network, small, with the heads' agreement and a CRF that is trained with it."""
    network = PitchNetModel(channels=16, stem=4, blocks=2, agreement=True, decoder="crf_joint")
    return _chord(network, CrossEntropy(), device, precision, still)


def voices(runs: int, seed: int) -> Voices:
    """A speaker is two loud bands that come and go, each of the runs with noise of its own."""
    rng, n = np.random.default_rng(seed), SPEAKERS * runs
    bands = np.stack(
        [np.random.default_rng(s).choice(VOICE_FEATURES.n_mels, 2, replace=False) for s in range(SPEAKERS)]
    )
    speakers = np.repeat(np.arange(SPEAKERS), runs)
    loud = np.zeros((n, 1, VOICE_FEATURES.n_mels))
    np.put_along_axis(loud, bands[speakers][:, None], 30.0, axis=2)
    values = -40 + 4 * rng.standard_normal((n, RUN, VOICE_FEATURES.n_mels))
    values = np.minimum(values + loud * (rng.random((n, RUN, 1)) > 0.4), 0).reshape(n * RUN, -1)
    lengths = np.full(n, RUN)
    return Voices(values.astype(np.float16), np.arange(n * RUN), np.cumsum(lengths) - lengths, lengths, speakers)


def speaker(device: torch.device, precision: str, still: bool) -> tuple[SpeakerTask, SpeakerTrainSettings]:
    """The default tower, a fifth as wide, with the additive margin; `still`: without noise, rooms and masks."""
    judged = voices(2, seed=1)
    a, b = np.triu_indices(len(judged.speakers), 1)
    settings = SpeakerTrainSettings(
        loss=AamSoftmaxSettings(margin_epochs=0, scale=15.0),
        speakers=SPEAKERS,
        segments=2,
        segments_s=(0.3, 0.5),
        batches=10,
        augment=SILENT_ROOM if still else NOISY_ROOM,
        **loop_settings(precision, lr=0.01),
    )
    names = [f"speaker {i}" for i in range(SPEAKERS)]
    heard = ValidationTrials(judged, a, b, judged.speakers[a] == judged.speakers[b])
    network = ResnetSettings(width=0.2, embedding=16)
    return SpeakerTask(voices(3, seed=0), heard, VOICE_FEATURES, network, settings, device, names), settings


Made = Callable[
    [torch.device, str, bool], tuple[TrainingTask, Any]
]  # device, precision, still -> a training, its settings
TRAININGS: dict[str, Made] = {
    "genre, compact": genre,
    "chord, ChordNet": chordnet,
    "chord, pitch_net with a joint CRF": pitch_net,
    "speaker, resnet": speaker,
}
