"""What the stages before publish leave of a small genre model, and a version in place of the seconds that one takes."""

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd

from bundles import LABELS, config, weights
from earmark.registry import versions
from earmark.training import model_files
from stores import NAME

PLACES = (Path("data/genre"), Path("models/genre"), Path("reports/genre"))
HISTORY = [{"epoch": 1, "train/loss": 2.0, "val/accuracy": 0.5}, {"epoch": 2, "train/loss": 1.0, "val/accuracy": 0.7}]
FIGURES = {"accuracy": 0.5, "accuracy_ci95": [0.4, 0.6], "test_manifest_sha256": "0" * 64}

code = {"now": "1" * 64}  # hash of the code that computes features


def write(seed: int = 0, **figures) -> None:
    """The folders of PLACES, in the present folder. seed: of the weights, and in the train key."""
    data, model, reports = PLACES
    settings = replace(config(), hashes={"train_key": f"{seed:064}", "code_sha256": "c" * 64})
    model_files.write(model, settings, weights(settings, seed), HISTORY, "layers\n")
    data.mkdir(parents=True, exist_ok=True)
    (reports / "plots").mkdir(parents=True, exist_ok=True)
    _write_data(data)
    for file in ("listening.html", "plots/a.png", "plots/confusion.png"):
        (reports / file).write_text(f"x{seed}")
    columns = ["path", "label", "group", "recording_predicted", "window"]
    said = pd.DataFrame([(f"{label}2.wav", label, f"g{label}2", label, 0) for label in LABELS], columns=columns)
    said.to_parquet(reports / "predictions.parquet")
    (reports / "metrics.json").write_text(json.dumps(FIGURES | figures))


def _write_data(data: Path) -> None:
    for name in ("summary.csv", "clip_lengths.csv"):
        (data / name).write_text("x")
    columns = ["path", "label", "group", "duration_s", "sample_rate", "channels", "peak", "sha256", "split"]
    rows = [
        (f"{label}{i}.wav", label, f"g{label}{i}", 2.0, 8000, 1, 0.5, f"{n}{i}".rjust(64, "0"), split)
        for n, label in enumerate(LABELS)
        for i, split in enumerate(("train", "val", "test"))
    ]
    pd.DataFrame(rows, columns=columns).to_csv(data / "manifest.csv", index=False)


def registered(client, task, run_id, folder, config, tags):
    """`versions.register` without the pyfunc model."""
    versions._ensure_model(client, task)
    tags = tags | {versions.FEATURES_CODE: code["now"]}
    client.log_text(run_id, "{}", f"model{len(client.search_model_versions())}/artifacts/genre/config.json")
    place = client.get_run(run_id).info.artifact_uri
    return client.create_model_version(NAME, f"{place}/model{len(client.search_model_versions())}", run_id, tags=tags)
