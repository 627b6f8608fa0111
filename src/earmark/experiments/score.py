"""A labelled folder from elsewhere, such as generated sounds, judged by a trained model beside its own test figures."""

import csv
import inspect
import json
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

from earmark.data.learnt import UNKNOWN, Learnt
from earmark.evaluation import metrics
from earmark.evaluation.scored import ScoredFolder, by_class
from earmark.registry.resolve import ResolvedModel
from earmark.tasks.task import Task
from earmark.training import model_files


def known_recordings(model: Path, tracker=None) -> set[str] | None:
    """sha256 of the recordings that the model of a folder was trained and validated on; None where nobody knows.

    As its folder says; models of earlier releases have the manifest in the run that made them, if the tracker has it.
    """
    carried = model_files.read_learnt(model)
    if carried is not None:
        return {sha for sha, _ in carried}
    sha256 = model_files.weights_sha256(model)
    runs = tracker.find({"earmark.model_sha256": sha256, "earmark.kind": "pipeline"}) if tracker else []
    return next(filter(None, (_of_run(tracker, run) for run in runs)), None)


def _of_run(tracker, run) -> set[str]:
    """The same by the manifest of a run; empty where it has none."""
    if not any(file.path == "data/manifest.csv" for file in tracker.client.list_artifacts(run.info.run_id, "data")):
        return set()
    with TemporaryDirectory() as folder:
        file = Path(tracker.client.download_artifacts(run.info.run_id, "data/manifest.csv", folder))
        with file.open(encoding="utf-8", newline="") as rows:
            return {row["sha256"] for row in csv.DictReader(rows) if row["split"] != "test"}


def judge_folder(task: Task, model: Path, folder: Path, learnt: Learnt, warn, progress) -> ScoredFolder:
    """What a model makes of a folder, but the recordings that `learnt` leaves out."""
    room: Any = task.room("score")
    if len(inspect.signature(room.judge_folder).parameters) < 5:  # a task of the user's own, from before it was asked
        warn(UNKNOWN)
        learnt.sha256 = None
        return room.judge_folder(model, folder, warn, progress)
    return room.judge_folder(model, folder, warn, progress, learnt)


def real_figures(task: Task, model: Path, reports: Path, tracker=None) -> dict | None:
    """Figures of the same weights on their own test set, with `from`: where they were found; None when unknown.

    Looked for in `reports`/metrics.json, in the released bundle's config.json, and in the tracker's runs.
    """
    sha256 = model_files.weights_sha256(model)
    release = model_files.read_plain(model)["release"]
    names = task.compared
    if (reports / "metrics.json").exists():
        found = json.loads((reports / "metrics.json").read_text())
        if found.get("model_sha256") == sha256:
            return _compared(found, names) | {"from": f"the test set of {reports / 'metrics.json'}"} | _recall(reports)
    if released := release.get("figures"):
        theirs, whose = _of_card(task, released)
        return _compared(theirs, names) | {"from": f"{whose}, as the bundle's card says"}
    runs = tracker.find({"earmark.model_sha256": sha256, "earmark.kind": "pipeline"}) if tracker else []
    logged = next((r.data.metrics for r in runs if f"test/{names[0]}" in r.data.metrics), None)
    return logged and _from_run(logged, names)


def _of_card(task: Task, released: dict) -> tuple[dict, str]:
    """A card's figures and where they come from; it may have those of several test folders, and the first counts."""
    if task.headline in released:
        return released, task.card_figures
    first, *others = released
    more = f" ({' and '.join(others)} {'is' if len(others) == 1 else 'are'} in the card, too)" if others else ""
    return released[first], f"{task.card_figures} of {first}{more}"


def _compared(found: dict, names: tuple[str, ...]) -> dict:
    names = [n for n in names if f"{n}_ci95" in found]
    return {n: found[n] for n in names} | {f"{n}_ci95": found[f"{n}_ci95"] for n in names}


def _recall(reports: Path) -> dict:
    path = reports / "predictions.parquet"
    if not path.exists():  # DVC's cache holds it; metrics.json alone is committed
        return {}
    predictions = pd.read_parquet(path)
    if "recording_predicted" not in predictions:  # of chords
        return {}
    return {"recall": {label: row["recall"] for label, row in by_class(predictions).items()}}


def _from_run(logged: dict, names: tuple[str, ...]) -> dict:
    found = {}
    for name in (n for n in names if f"test-ci95/{n}_low" in logged):
        found[name] = logged[f"test/{name}"]
        found[f"{name}_ci95"] = [logged[f"test-ci95/{name}_{end}"] for end in ("low", "high")]
    return found | {"from": "the test set that its MLflow run was evaluated on"}


def differences(names: Iterable[str], found: dict, beside: dict) -> dict:
    """Figures less the real ones, with intervals; the recordings differ, so nothing is paired."""
    out = {}
    for name in (n for n in names if n in beside and n in found):
        ours, theirs = found[f"{name}_ci95"], beside[f"{name}_ci95"]
        out[name] = found[name] - beside[name]
        out[f"{name}_ci95"] = metrics.difference_interval(found[name], ours, beside[name], theirs)
    return out


def summary(task: Task, judged: ScoredFolder, chosen: ResolvedModel, learnt: Learnt, beside: dict | None) -> dict:
    """What score.json says: figures, what was left out, the model, and the real figures beside (or None)."""
    found = judged.figures | {"unusable": judged.unusable.to_dict("records"), "in_training": learnt.plain()}
    found |= {"score_manifest_sha256": judged.data_sha256}
    found |= {"model": chosen.name, "model_sha256": model_files.weights_sha256(chosen.folder)}
    return found | ({"real": beside, "difference": differences(task.compared, found, beside)} if beside else {})


def write(out: Path, predictions: pd.DataFrame, found: dict) -> None:
    """score.json and predictions.parquet below `out`."""
    out.mkdir(parents=True, exist_ok=True)
    predictions.to_parquet(out / "predictions.parquet", index=False)
    (out / "score.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def log(tracker, out: Path, found: dict, source: Path, pictures: list[Path]) -> str:
    """A finished run of kind `score` with the figures, the files below `out` and the pictures; its id."""
    from earmark.registry import stale, tracking

    facts = {k: found[k] for k in ("model_sha256", "score_manifest_sha256")}
    params = {"folder": str(source), "model": found["model"]}
    run_id = tracker.create(f"score-{source.resolve().name}", tracking.run_tags("score", facts), params)
    with stale.ending(tracker.client, run_id):
        tracker.log(run_id, tracking.numbers("score", found))
        if "difference" in found:
            tracker.log(run_id, tracking.numbers("score-minus-test", found["difference"]))
        for file in (out / "score.json", out / "predictions.parquet", *pictures):
            tracker.client.log_artifact(run_id, str(file))
    return run_id
