"""Tiny models for tests of answering: networks of random weights, and bundles of them."""

from dataclasses import asdict, replace
from pathlib import Path

import torch

from builders import features_settings, model_settings, train_settings
from earmark.release import bundle
from earmark.tasks.chord.networks import build as network
from earmark.tasks.chord.settings import ChordFeatureSettings, ChordModelSettings, ChordNetModel, PitchNetModel
from earmark.tasks.genre.networks import trained
from earmark.tasks.speaker.networks import build
from earmark.tasks.speaker.settings import SpeakerFeatureSettings, TdnnSettings
from earmark.training import model_files
from earmark.training.model_files import ModelConfig

CHORD_FEATURES = ChordFeatureSettings(8000, 1024, 65.40639132514966, 4, 0.6111111111111112, 0.5, 60.0)
CHORD_NETWORK = PitchNetModel(channels=8, stem=4, blocks=2)
STEREO_FEATURES = replace(CHORD_FEATURES, channels=2)
CHORDNET = ChordNetModel(width=0.08)
VOICES = SpeakerFeatureSettings(16000, 512, 160, 16, 20.0, 7600.0, 80.0, 30.0, (), "level")
TOWER = TdnnSettings(width=0.1, embedding=16)
LABELS = ["high", "low", "noise"]


def config(release: dict | None = None, **features) -> ModelConfig:
    """Settings of an untrained network for three labels."""
    f, m = features_settings(**features), model_settings()
    hashes = {"train_key": "k" * 64}
    return ModelConfig("genre", LABELS, f, m, asdict(train_settings()), hashes, 1, 0, release or {})


def weights(settings: ModelConfig, seed: int = 0) -> dict[str, torch.Tensor]:
    """Weights drawn at random, the classes told apart strongly enough that answers differ."""
    torch.manual_seed(seed)
    network = trained.untrained(settings.features, settings.model, len(settings.labels))
    with torch.no_grad():
        network.head.weight.mul_(50)
    return network.state_dict()


def small_model(path: Path, seed: int = 0, **features) -> Path:
    """A model folder with random weights."""
    settings = config(**features)
    model_files.write(path, settings, weights(settings, seed), [{"epoch": 1, "val/loss": 1.0}], "layers\n")
    return path


def small_bundle(root: Path, about: str = "tones, three classes", seed: int = 0, **facts) -> Path:
    """A released bundle `root`/genre of random weights."""
    settings = config({"about": about, **facts})
    data = bundle.pack(bundle.half(weights(settings, seed)))
    bundle.write(root / "genre", settings, data, f"# {about}\n")
    return root / "genre"


def small_chord_bundle(path: Path, model: ChordModelSettings = CHORD_NETWORK, features=CHORD_FEATURES, **facts) -> Path:
    """A bundle of a small chord network with weights drawn at random."""
    torch.manual_seed(0)
    half = bundle.half(network.untrained(model, features).state_dict())
    labels = [q.harte for q in network.vocabulary(model).qualities]
    about = {"about": "chords of nothing in particular", **facts}
    settings = ModelConfig("chord", labels, features, model, {}, {}, 1, 1, about)
    bundle.write(path, settings, bundle.pack(half), "")
    return path


def small_speaker_bundle(path: Path, labels: tuple[str, ...] = (), **facts) -> Path:
    """A bundle of a small tower with weights drawn at random; facts: what its config.json says beside what it is."""
    torch.manual_seed(0)
    half = bundle.half(build.build(TOWER, VOICES.n_mels).state_dict())
    settings = ModelConfig("speaker", list(labels), VOICES, TOWER, {}, {}, 1, 1, {"about": "buzz", **facts})
    bundle.write(path, settings, bundle.pack(half), "")
    return path
