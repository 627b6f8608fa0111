"""The released bundles in the tree are what their cards say, and answer with nothing trained."""

import hashlib
import json
import os
import subprocess
import sys

import pandas as pd
import pytest
import soundfile as sf

from builders import tone
from bundles import config, weights
from earmark.nn import describe
from earmark.release import bundle
from earmark.tasks import model_folder
from earmark.tasks.chord.predictions import Recogniser
from earmark.tasks.genre.networks import trained
from earmark.tasks.speaker.predictions import Embedder
from earmark.training import model_files
from project import REPOSITORY

ESC10 = REPOSITORY.parent / "shared/data/snd_esc10"
BUNDLES = sorted(p.name for p in bundle.ROOT.iterdir() if (p / "config.json").exists())


HEADLINE = {"genre": "accuracy", "chord": "majmin"}


def test_every_task_has_a_bundle():
    assert BUNDLES == ["chord", "genre", "speaker"]


def network(task, folder, config):
    if task == "genre":
        return trained.load(folder, config)
    return Recogniser(folder).model if task == "chord" else Embedder(folder).tower


def headlines(task, figures) -> list[str]:
    """A card's cells of its headline figure."""
    if task != "speaker":
        return [f"| {figures[HEADLINE[task]]:.3f} |"]
    return [f"| eer | {f['eer']:.3f} [{f['eer_ci95'][0]:.3f}, {f['eer_ci95'][1]:.3f}] |" for f in figures.values()]


@pytest.mark.parametrize("task", BUNDLES)
def test_a_bundle_names_the_training_that_made_it_or_says_that_none_did(task):
    """Those of chords and voices were made by scripts of before, outside of the pipeline."""
    hashes = json.loads((bundle.folder(task) / "config.json").read_text())["hashes"]
    assert hashes["train_key"] is None if task in ("chord", "speaker") else len(hashes["train_key"]) == 64


@pytest.mark.parametrize("task", BUNDLES)
def test_a_card_is_of_its_file(task):
    folder = bundle.folder(task)
    data, card = (folder / "model.safetensors").read_bytes(), (folder / "CARD.md").read_text()
    config = model_folder.read_config(folder)
    model = network(task, folder, config)
    assert {p.name for p in folder.iterdir()} == {"model.safetensors", "config.json", "CARD.md"}
    assert len(data) <= bundle.LARGEST_BYTES
    assert hashlib.sha256(data).hexdigest() in card
    assert f"{describe.count(model):,} parameters" in card
    if task == "speaker":  # two networks, what whitens them, and the projection of the statistics
        assert describe.count(model) == 2 * 738_728 + 2 * (128 * 128 + 128) + 4 * 59 * 60
    else:
        assert describe.count(model) < 1_000_000
    assert card.splitlines()[0] == f"# {config.release['about']}"
    for cell in headlines(task, config.release["figures"]):
        assert cell in card


@pytest.mark.skipif(not ESC10.is_dir(), reason="ESC-10 is not in ../shared/data/snd_esc10")
def test_clips_are_told_apart_with_nothing_trained(tmp_path):
    """It was trained on these very clips, so this says that the file works, not how well it generalises."""
    table = pd.read_csv(ESC10 / "manifest.csv")[::25]
    env = os.environ | {"OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "earmark", "predict", "genre", "--json", *(str(ESC10 / p) for p in table.path)]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=True)
    answers = json.loads(done.stdout)
    assert [a["label"] for a in answers] == list(table.label)
    assert {a["model"]["source"] for a in answers} == {"bundle"}
    assert {a["error"] for a in answers} == {None}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("heard", [Recogniser, Embedder])
def test_chords_and_voices_open_a_recording_once(tmp_path, monkeypatch, heard):
    read = heard(bundle.folder("chord" if heard is Recogniser else "speaker"))
    opened, whole = [], sf.SoundFile
    path = tone(tmp_path / "a.wav", seconds=3)
    monkeypatch.setattr(sf, "SoundFile", lambda file, **how: opened.append(file) or whole(file, **how))
    read(path)
    assert len(opened) == 1


def test_a_bundle_says_by_hash_what_it_learnt_from(tmp_path):
    settings = config()
    data = bundle.pack(bundle.half(weights(settings)))
    bundle.write(tmp_path, settings, data, "# card\n", [("a", "train"), ("b", "val")])
    assert model_files.read_learnt(tmp_path) == [("a", "train"), ("b", "val")]
    bundle.write(tmp_path, settings, data, "# card\n")  # of a model that does not say
    assert model_files.read_learnt(tmp_path) is None
