"""A release: figures held to the recipe and the recordings, the bundle's three files, the card's statements."""

import hashlib
import json
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from safetensors.torch import load

from builders import FREQUENCY, small_folder, tone
from bundles import config, weights
from chord_audio import songs
from earmark import config as configuration
from earmark.cli import use
from earmark.data import manifest
from earmark.errors import EarmarkError
from earmark.release import bundle
from earmark.tasks import model_folder
from earmark.tasks.chord import scores
from earmark.tasks.chord.notation import lab
from earmark.tasks.chord.predictions import Recogniser
from earmark.tasks.genre import card, release
from earmark.tasks.genre.predictions import Predictor
from earmark.training import key
from project import REPOSITORY, SMALL, set_keys, write_params

FIGURES = {"accuracy": 0.75, "accuracy_ci95": [0.5, 0.875], "macro_f1": 0.7, "macro_f1_ci95": [0.4, 0.9]}
FIGURES |= {"n_recordings": 18, "folds": ["fold1", "fold2"]}


@pytest.fixture
def place(workplace):
    """A project on a small folder of sounds, and an empty bundle root."""
    small_folder(workplace / "audio")
    params = yaml.safe_load((REPOSITORY / "params.yaml").read_text())
    set_keys(params["tasks"]["genre"], SMALL | {"data.root": "audio", "train.epochs": 4})
    (workplace / "params.yaml").write_text(yaml.safe_dump(params))
    return workplace


def settings():
    return configuration.load("params.yaml").tasks["genre"]


def quote(place, **changes):
    """Write figures of the project's own recipe."""
    found = FIGURES | {"recipe": key.recipe(settings())} | changes
    (place / "metrics.json").write_text(json.dumps(found))
    return place / "metrics.json"


RELEASE = ("release", "genre", "--about", "tones, three classes", "--data", "Generated, CC0")


def test_release_then_predict_with_nothing_else_trained(place, earmark):
    quote(place)
    root = place / "audio"
    command = [*RELEASE, "--figures", "metrics.json", "-S", "train.epochs=4", "-S", f"data.root={root}"]
    code, out, err = earmark(*command)
    assert code == 0, err
    assert out.splitlines()[-1] == "`earmark predict genre --model release/genre FILE...` answers with it."
    folder = place / "release/genre"
    assert not (place / "bundles").exists()  # what the package ships stays as it is
    assert sorted(p.name for p in folder.iterdir()) == [
        *("CARD.md", "config.json", "model.safetensors", "recordings.csv"),
    ]
    config = model_folder.read_config(folder)
    assert config.labels == ["high", "low", "noise"]
    facts = config.release
    assert (facts["n_recordings"], facts["figures"]) == (18, FIGURES)
    assert facts["half_precision"]["largest_change"] < 0.01
    stored = load((folder / "model.safetensors").read_bytes())
    assert {v.dtype for v in stored.values() if v.is_floating_point()} == {torch.float16}
    card = (folder / "CARD.md").read_text()
    assert card.splitlines()[0] == "# tones, three classes"
    assert facts["command"] == (
        "earmark release genre --about 'tones, three classes' --data 'Generated, CC0' --figures metrics.json "
        "-S train.epochs=4 -S data.root=path/to/audio"
    )
    for statement in (
        facts["command"],
        "| accuracy, by recording | 0.750 | 0.500 to 0.875 |",
        "Cross-validated by this recipe: every one of 18 recordings in 2 folds",
        "Recordings: Generated, CC0.",
        facts["data_sha256"],
        hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest(),
        "  epochs: 4",
        "It hears 0 to 4000 Hz in windows of 0.5 s",
    ):
        assert statement in card
    assert str(place) not in card + (folder / "config.json").read_text()
    code, out, err = earmark("predict", "genre", "audio/low/1.wav", "--json", "--model", "release/genre")
    assert (code, json.loads(out)[0]["label"] in config.labels) == (0, True)
    code, _, err = earmark("predict", "genre", "audio/low/1.wav")
    assert (code, "has no champion and no released bundle" in err[-1]) == (1, True)  # never picked unasked


def test_the_cards_command_makes_the_same_bundle(place, earmark):
    """Run as the card has it: into a folder of its own, over itself, and over the one that the package ships."""
    quote(place)
    for more, last in (
        ((), "`earmark predict genre --model release/genre FILE...` answers with it."),
        (("--out", "of mine"), "`earmark predict genre --model 'of mine' FILE...` answers with it."),
        (
            ("--out", "bundles/genre"),
            (
                "This is the bundle that the package ships: `earmark predict genre` answers with it where there "
                "is no champion."
            ),
        ),
    ):
        folder = place / (more[-1] if more else "release/genre")
        code, out, err = earmark(*RELEASE, "--figures", "metrics.json", *more)
        assert (code, out.splitlines()[-1]) == (0, last), err
        command = model_folder.read_config(folder).release["command"]
        assert f"\n{command}\n" in (folder / "CARD.md").read_text()
        before = {path.name: path.read_bytes() for path in folder.iterdir()}
        code, _, err = earmark(*shlex.split(command)[1:])
        replaced = str(folder.relative_to(place))
        assert (code, err[0]) == (0, f"earmark: {replaced} holds a bundle already, which the new one replaces.")
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize(("dirty", "said"), [("true", True), ("false", False), ("none", False)])
def test_a_card_whose_commit_is_not_what_was_run_is_said(place, earmark, monkeypatch, dirty, said):
    monkeypatch.setattr("earmark.training.provenance.git_tags", lambda: {"earmark.dirty": dirty})
    _, _, err = earmark(*RELEASE)
    sentence = (
        "There are uncommitted changes, so nobody could repeat this from the commit that the card will name; "
        "commit them first."
    )
    assert (f"earmark: {sentence}" in err) == said


def test_a_trained_model_is_not_written_over(place, earmark, monkeypatch):
    monkeypatch.setattr(release.train, "run", lambda *a, **k: pytest.fail("it trains"))
    quote(place)
    (place / "models/genre").mkdir(parents=True)
    (place / "models/genre/model.safetensors").write_text("weights")
    code, _, err = earmark(*RELEASE, "--figures", "metrics.json", "--out", "models/genre")
    assert (code, err) == (
        1,
        [
            "earmark: models/genre holds a model that is not a bundle (model.safetensors); name another folder with "
            "--out."
        ],
    )
    assert (place / "models/genre/model.safetensors").read_text() == "weights"


def test_every_recording_is_trained_on(place):
    table, root = release.recordings(settings(), {}, print, lambda items, n, title: items)
    assert (len(table), set(table["split"]), root.name) == (18, {"train"}, "audio")


def test_figures_must_come_from_somewhere(place, earmark):
    code, _, err = earmark(*RELEASE)
    assert (code, err) == (
        1,
        [
            "earmark: A release needs figures; run `earmark crossval` with this recipe and name its metrics.json "
            "with --figures."
        ],
    )
    code, _, err = earmark(*RELEASE, "--figures", "gone.json")
    assert (code, err[0].startswith("earmark: There is no file gone.json; run")) == (1, True)
    for missing in ("about", "data"):
        at = RELEASE.index(f"--{missing}")
        _, _, err = earmark(*RELEASE[:at], *RELEASE[at + 2 :])
        assert err[0].startswith(f"earmark: A release needs --{missing}; `earmark release --help` shows an example.")
    assert not (place / "release").exists()


FORMER_SGD = {"optimizer": "sgd", "momentum": 0.9, "loss": "song", "crops": "windows"}
SGD = ("optimizer.name=sgd", "optimizer.momentum=0.9", "loss.name=song", "crops=windows")


@pytest.mark.parametrize(
    ("former", "today", "old", "now", "there", "here"),
    [
        ({}, (), "label_smoothing", "loss.label_smoothing", 0.3, 0.1),
        (FORMER_SGD, SGD, "momentum", "optimizer.momentum", 0.8, 0.9),
    ],
)
def test_figures_of_before_there_were_blocks_are_compared(place, former, today, old, now, there, here):
    """A cross-validation of then has every key of every name, flat; what it used counts."""
    theirs = yaml.safe_load((REPOSITORY / "tests/support/former/params.yaml").read_text())["tasks"]["genre"]
    theirs = {part: theirs[part] for part in ("features", "model", "train")}
    theirs["train"] |= former
    ours = configuration.load_task(REPOSITORY / "params.yaml", "genre", [f"tasks.genre.train.{one}" for one in today])
    assert release.figures(quote(place, recipe=theirs), ours, pytest.fail)["accuracy"] == 0.75
    theirs["train"][old] = there
    with pytest.raises(EarmarkError, match=rf"another recipe: train\.{now} is {there} there and {here} here"):
        release.figures(quote(place, recipe=theirs), ours, pytest.fail)


def test_figures_of_before_a_key_came_hold_for_its_default(place):
    recipe = key.recipe(settings())
    assert recipe["train"].pop("balance") == "none"
    assert release.figures(quote(place, recipe=recipe), settings(), pytest.fail)["accuracy"] == 0.75
    ours = configuration.load_task(REPOSITORY / "params.yaml", "genre", ["tasks.genre.train.balance=weights"])
    recipe = key.recipe(ours)
    del recipe["train"]["balance"]
    with pytest.raises(EarmarkError, match=r"belongs to another recipe: train\.balance is none there and weights here"):
        release.figures(quote(place, recipe=recipe), ours, pytest.fail)


def test_figures_of_before_a_value_had_its_name_are_of_the_same_recipe(place):
    said = ("model.name=cnn", "model.variant=song_mil", "features.log_floor=zero", "features.normalize=none")
    said = [f"tasks.genre.{one}" for one in (*said, "features.trim_db=null")]
    ours = configuration.load_task(REPOSITORY / "params.yaml", "genre", said)
    recipe = key.recipe(ours)
    recipe["model"]["variant"], recipe["features"]["log_floor"] = "seed000", "seed003"
    assert release.figures(quote(place, recipe=recipe), ours, pytest.fail)["accuracy"] == 0.75
    recipe["model"]["variant"] = "sound"
    with pytest.raises(EarmarkError, match=r"another recipe: model\.variant is sound there and song_mil here"):
        release.figures(quote(place, recipe=recipe), ours, pytest.fail)


def test_figures_of_another_recipe_are_refused(place):
    path = quote(place)
    assert release.figures(path, settings(), pytest.fail)["accuracy"] == 0.75
    recipe = key.recipe(settings())
    recipe["train"] |= {"seed": 7, "device": "cuda"}  # a recipe holds for any seed and machine
    release.figures(quote(place, recipe=recipe), settings(), pytest.fail)
    ours = recipe["train"]["lr"]
    recipe["train"]["lr"] = 0.5
    with pytest.raises(EarmarkError, match=rf"belongs to another recipe: train\.lr is 0\.5 there and {ours} here"):
        release.figures(quote(place, recipe=recipe), settings(), pytest.fail)


def test_figures_without_a_recipe_are_said(place):
    path, said = place / "metrics.json", []
    path.write_text(json.dumps(FIGURES))
    release.figures(path, settings(), said.append)
    assert said == [f"{path} does not say which recipe it belongs to, and the card will state that."]
    path.write_text(json.dumps({"accuracy": 1}))
    with pytest.raises(EarmarkError, match="has no 'accuracy_ci95'"):
        release.figures(path, settings(), said.append)
    path.write_text("no json")
    with pytest.raises(EarmarkError, match="is not valid JSON"):
        release.figures(path, settings(), said.append)


def test_figures_of_other_recordings_are_refused(place):
    with pytest.raises(EarmarkError, match="The figures are from other recordings than audio holds now"):
        release.recordings(settings(), {"data_sha256": "0" * 64}, print, lambda items, n, title: items)


def test_large_network_is_refused_before_training(place, earmark, monkeypatch):
    monkeypatch.setattr(release.train, "run", lambda *a, **k: pytest.fail("it trains"))
    recipe = key.recipe(
        configuration.load("params.yaml", ["tasks.genre.model.name=compact", "tasks.genre.model.width=8"]).tasks[
            "genre"
        ]
    )
    quote(place, recipe=recipe)
    big = ("-S", "model.name=compact", "-S", "model.width=8")
    code, _, err = earmark(*RELEASE, "--figures", "metrics.json", *big)
    assert code == 1
    assert re.fullmatch(
        (r"earmark: The weights take \d+\.\d MB, but a bundle may have at most 8 MB; release a smaller " r"network\."),
        err[-1],
    )
    assert not (place / "release").exists()


def test_size_is_checked_to_the_byte(tmp_path):
    header = len(bundle.pack({"w": torch.zeros(1000, dtype=torch.float16)})) - 2000
    largest = (bundle.LARGEST_BYTES - header - 8) // 2  # the header's own text grows by a few bytes
    assert len(bundle.pack({"w": torch.zeros(largest, dtype=torch.float16)})) <= 8_000_000
    with pytest.raises(EarmarkError, match="at most 8 MB"):
        bundle.pack({"w": torch.zeros(4_000_000, dtype=torch.float16)})


def test_half_precision_by_hand():
    got = bundle.half({"w": torch.tensor([1.0, 1 + 2**-11, -0.1]), "n": torch.tensor([3])})
    assert got["w"].tolist() == [1.0, 1.0, float(np.float16(-0.1))]
    assert (got["n"].dtype, got["n"].item()) == (torch.int64, 3)
    assert bundle.size({"w": torch.zeros(5), "n": torch.zeros(1, dtype=torch.int64)}) == 18
    with pytest.raises(EarmarkError, match="'w' exceed the range of half precision"):
        bundle.half({"w": torch.tensor([1e5])})


def test_bundle_without_config_is_none(tmp_path, monkeypatch):
    monkeypatch.setattr(bundle, "ROOT", tmp_path)
    (tmp_path / "genre").mkdir()
    assert bundle.folder("genre") is None
    settings = config()
    bundle.write(tmp_path / "genre", settings, bundle.pack(bundle.half(weights(settings))), "# card\n")
    assert bundle.folder("genre") == tmp_path / "genre"


def test_command_of_the_card_tells_no_folder_of_this_machine(tmp_path):
    options = {"--about": "sounds", "--figures": use._told(tmp_path / "metrics.json"), "--out": use._told(None)}
    told = use._release_command("genre", options, ["train.lr=0.1", "data.root=/home/me/esc"])
    assert told == (
        "earmark release genre --about sounds --figures metrics.json -S train.lr=0.1 -S data.root=path/to/esc"
    )


def test_card_says_when_figures_name_no_recipe():
    facts = {"figures": FIGURES, "figures_by_this_recipe": False}
    assert "by the release's author, in a file that names no recipe" in card._figures(facts)


def test_package_data_holds_the_bundles(tmp_path):
    """A wheel built by the project's own configuration has a bundle's three files."""
    (tmp_path / ".dvc").mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", "params.yaml", "dvc.yaml", ".dvc/plots.html"):
        shutil.copy(REPOSITORY / name, tmp_path / name)
    package = tmp_path / "src/earmark"
    (package / "bundles/genre").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    names = {f"bundles/genre/{name}" for name in ("model.safetensors", "config.json", "CARD.md")}
    for name in names:
        (package / name).write_text("")
    build = "from setuptools import build_meta; print(build_meta.build_wheel('.'))"
    done = subprocess.run([sys.executable, "-c", build], cwd=tmp_path, capture_output=True, text=True, check=True)
    with zipfile.ZipFile(tmp_path / done.stdout.splitlines()[-1]) as wheel:
        assert {f"earmark/{name}" for name in names} <= set(wheel.namelist())


def test_predictor_of_a_bundle_tells_tones_apart(place, monkeypatch, capsys):
    """Not a figure: the weights that a release writes are the trained ones."""
    quote(place, recipe=key.recipe(settings()) | {})
    monkeypatch.setattr(
        "earmark.tasks.genre.release.rounding", lambda *a: {"largest_change": 0.0, "answers_changed": 0}
    )
    table, root = release.recordings(settings(), {}, print, lambda items, n, title: items)
    dataset = release.gathered(table, root, settings(), print, lambda items, n, title: items)
    words = release.Words("a", "b", "c")
    trained = []
    run = release.train.run
    monkeypatch.setattr(release.train, "run", lambda *a, **k: trained.append(run(*a, **k)) or trained[-1])
    release.make(dataset, settings(), FIGURES, words, place / "out", lambda *a: None)
    told = Predictor(place / "out")(tone(place / "x.wav", FREQUENCY["low"], 1.5, 8000)).probabilities
    network = trained[0][0].model.eval()
    full = Predictor(place / "out")
    full.model = network
    np.testing.assert_allclose(told, full(place / "x.wav").probabilities, atol=5e-3)


CHORDS = ("release", "chord", "--about", "chords of sines", "--data", "Generated, CC0", "--out", "bundle")


def test_a_chord_model_is_released_with_figures_of_the_very_file(workplace, earmark):
    songs(workplace / "audio")
    write_params(workplace, "chord", **{"data.root": "audio", "train.epochs": 1})
    for stage in ("prepare", "features", "train"):
        assert earmark(stage, "chord")[0] == 0
    code, _, err = earmark(*CHORDS)
    assert code == 0, err
    assert "earmark: Releasing models/chord." in err
    bundled = model_folder.read_config(workplace / "bundle")
    figures = bundled.release["figures"]
    assert (figures["n_recordings"], bundled.release["n_recordings"]) == (2, 6)
    table = manifest.load(workplace / "data/chord/manifest.csv").query("split == 'test'")
    recognise = Recogniser(workplace / "bundle")
    again = [
        scores.ScoredSong(
            row.path,
            lab.read(workplace / "data/chord" / row.lab),
            recognise(Path("audio") / row.path).segments,
            row.group,
        )
        for row in table.itertuples()
    ]
    assert figures["majmin"] == pytest.approx(scores.evaluate(again, 0)["majmin"], abs=1e-3)
    stored = load((workplace / "bundle/model.safetensors").read_bytes())
    assert {v.dtype for v in stored.values() if v.is_floating_point()} == {torch.float16}
    assert any(name.startswith("crf.") for name in stored)
    text = (workplace / "bundle/CARD.md").read_text()
    for statement in (
        "# chords of sines\n",
        f"| majmin | {figures['majmin']:.3f} | ",
        hashlib.sha256((workplace / "bundle/model.safetensors").read_bytes()).hexdigest(),
        "earmark release chord --about 'chords of sines' --data 'Generated, CC0' --out bundle",
        "Generated, CC0: 6 recordings were trained on.",
    ):
        assert statement in text
    # A model that may know the test songs is not released.
    path = workplace / "data/chord/manifest.csv"
    other = pd.read_csv(path, dtype=str, keep_default_na=False)
    other.assign(split=other["split"].replace({"test": "train", "val": "test"})).to_csv(path, index=False)
    code, _, err = earmark(*CHORDS[:-1], "other")
    assert (code, "was trained on other recordings, or another split" in err[-1]) == (1, True)
    assert not (workplace / "other").exists()
