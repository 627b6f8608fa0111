"""Two versions on the same recordings: by outcomes that both have, or judged anew on today's test split.

Figures stay with a version and outcomes with its run, by the hash of the test recordings, so that the next comparison
judges nothing.
"""

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from earmark.data import manifest
from earmark.data.corpus import Warn
from earmark.data.reading import Progress
from earmark.errors import EarmarkError
from earmark.evaluation import outcomes
from earmark.registry import judging, tracking, versions
from earmark.registry.tracking import Tracker
from earmark.tasks.task import Task
from earmark.training import model_files

RUN_TAG = "earmark.evaluation."  # and the beginning of metrics.json's hash: of a run, the hash of the recordings
ENOUGH = 10  # test recordings that must remain where some were trained on: a figure of fewer says nothing


@dataclass(frozen=True)
class TodaysTestSplit:
    """What versions are judged on, and how that is shown: the working tree's test split.

    settings: gives those of the task, read where they are needed alone.
    """

    settings: Callable[[], Any]
    say: Warn
    progress: Progress


class MeasuredVersion(NamedTuple):
    """A version on the test recordings with a hash: headline figure and what else its tag holds, and the outcomes."""

    test_sha256: str
    figures: dict[str, Any]
    outcomes: pd.DataFrame


class VersionPair(NamedTuple):
    """Two versions on the same test recordings."""

    new: MeasuredVersion
    old: MeasuredVersion


def on_shared_test(client: MlflowClient, new: ModelVersion, old: ModelVersion) -> VersionPair | None:
    """Both on recordings that both were tested on, if outcomes of both were kept: today's, or the largest set.

    None where there is no such set.
    """
    ours, theirs = versions.evaluations(new), versions.evaluations(old)
    now = _todays_tag(new.name)
    tags = sorted(set(ours) & set(theirs), key=lambda tag: (tag == now, ours[tag].get("n_recordings", 0)), reverse=True)
    for tag in tags:
        pair = [kept_measurement(client, version, tag) for version in (new, old)]
        if pair[0] and pair[1] and outcomes.same_recordings(pair[0].outcomes, pair[1].outcomes):
            return VersionPair(pair[0], pair[1])
    return None


def _todays_tag(model: str) -> str | None:
    file = Path("data") / model.removeprefix("earmark-") / "manifest.csv"
    if not file.exists():
        return None
    table = manifest.load(file)
    return versions.evaluation_tag(manifest.digest(table[table["split"] == "test"]))


def kept_measurement(client: MlflowClient, version: ModelVersion, tag: str) -> MeasuredVersion | None:
    """What was kept of a version's evaluation; None where there was none, or it is of a release without outcomes."""
    figures = versions.evaluations(version).get(tag)
    if figures is None or not version.run_id:
        return None
    try:
        run = client.get_run(version.run_id)
    except MlflowException as e:
        if e.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return None
    for key, test in run.data.tags.items():
        if key.startswith(RUN_TAG) and versions.evaluation_tag(test) == tag:
            found = outcomes_of(client, run, test)
            return None if found is None else MeasuredVersion(test, figures, found)
    return None


def outcomes_of(client: MlflowClient, run: Run, test: str) -> pd.DataFrame | None:
    """What a run kept of its model's outcomes on the test recordings with a hash; None where it kept none."""
    for key in [key for key, value in run.data.tags.items() if key.startswith(RUN_TAG) and value == test]:
        with TemporaryDirectory() as folder, suppress(MlflowException, OSError):
            at = f"evaluation/{key.removeprefix(RUN_TAG)}/{outcomes.FILE}"
            return pd.read_parquet(client.download_artifacts(run.info.run_id, at, folder))
    return None


def on_todays_test(
    client: MlflowClient, task: Task, some: list[ModelVersion], on: TodaysTestSplit
) -> list[MeasuredVersion]:
    """Versions on the working tree's test split, on which those are judged of which no outcomes were kept.

    Recordings that one of them was trained on are left out, with their groups. Raises EarmarkError where that leaves
    too few, and where a version cannot be judged.
    """
    test = _test_split(task)
    rows = _untrained(client, task, test, some, on.say)
    tag = versions.evaluation_tag(manifest.digest(rows))
    return [_evaluation(client, task, version, rows, tag, on) for version in some]


def _test_split(task: Task) -> pd.DataFrame:
    file = Path("data") / task.name / "manifest.csv"
    if not file.exists():
        raise EarmarkError(
            f"{file}, which names today's test recordings, is missing; run `dvc repro publish@{task.name}`"
        )
    table = manifest.load(file)
    return table[table["split"] == "test"].reset_index(drop=True)


def _untrained(
    client: MlflowClient, task: Task, test: pd.DataFrame, some: list[ModelVersion], say: Warn
) -> pd.DataFrame:
    """The rows that none of the versions was trained on, nor on others of their group."""
    key, left = test[task.room("corpora").CORPORA.key], test
    for version in some:
        learnt = trained_on(client, version)
        if learnt is None:
            say(
                f"It is not known what version {version.version} was trained on, because it was published before "
                "earmark kept that: if it was trained on any of today's test recordings, its figure is too good."
            )
            continue
        if met := set(key[test.sha256.isin(learnt)]):
            n = int(key.isin(met).sum())
            left = left[~key.loc[left.index].isin(met)]
            say(
                f"Of today's {len(test)} test recordings, {n} had a {key.name} that version {version.version} was "
                "trained on."
            )
    if len(left) < min(ENOUGH, len(test)):
        raise EarmarkError(
            f"too few of today's test recordings are left that neither version was trained on: {len(left)} of "
            f"{len(test)}, and at least {ENOUGH} are needed to decide; add recordings and run `dvc repro "
            f"publish@{task.name}`"
        )
    if len(left) < len(test):
        say(f"Both are tested on the other {len(left)}.")
    return left.reset_index(drop=True)


def trained_on(client: MlflowClient, version: ModelVersion) -> set[str] | None:
    """sha256 of the recordings that a version was trained and validated on; None where that was not kept.

    As its model folder says; those of earlier releases have the manifest of their run.
    """
    with suppress(EarmarkError):  # its files may be gone
        carried = model_files.read_learnt(versions.download(f"models:/{version.name}/{version.version}"))
        if carried is not None:
            return {sha256 for sha256, _ in carried}
    with TemporaryDirectory() as folder:
        try:
            file = Path(client.download_artifacts(str(version.run_id), "data/manifest.csv", folder))
        except (MlflowException, OSError):
            return None
        table = manifest.load(file)
    return set(table.sha256[table["split"] != "test"])


def _evaluation(
    client: MlflowClient, task: Task, version: ModelVersion, rows: pd.DataFrame, tag: str, on: TodaysTestSplit
) -> MeasuredVersion:
    """The evaluation of a version on some rows of the test split, which is made and kept where there is none."""
    if known := kept_measurement(client, version, tag):
        return known
    number = version.version
    on.say(f"No outcomes of version {number} on these {len(rows)} recordings were kept, so it is tested on them now.")
    if not versions.has_files(version):
        raise EarmarkError(
            f"version {number} cannot be tested again: {versions.remedy_for_lost_files(task)}".rstrip(".")
        )
    try:
        found, table = judging.judge_version(task, version, rows, on.settings(), on.say, on.progress)
    except EarmarkError as e:
        raise EarmarkError(f"version {number} cannot be judged on today's test recordings: {e}".rstrip(".")) from None
    _keep(client, task, version, found, table)
    return MeasuredVersion(found["test_manifest_sha256"], json.loads(versions.evaluation_tags(task, found)[tag]), table)


def _keep(client: MlflowClient, task: Task, version: ModelVersion, found: dict[str, Any], table: pd.DataFrame) -> None:
    """An evaluation with the version, and in its run beside the others, as the publish stage logs them."""
    for key, value in versions.evaluation_tags(task, found).items():
        client.set_model_version_tag(task.registered_model, version.version, key, value)
    run = client.get_run(version.run_id) if version.run_id else None
    if run is None or run.info.lifecycle_stage != "active":  # what was deleted takes nothing more
        return
    text = json.dumps(found, indent=2) + "\n"
    sha = hashlib.sha256(text.encode()).hexdigest()[:8]
    tracker, run_id = Tracker(client, run.info.experiment_id), run.info.run_id
    tracker.log(run_id, tracking.numbers(f"test-{sha}", found))
    client.log_text(run_id, text, f"evaluation/{sha}/metrics.json")
    with TemporaryDirectory() as folder:
        outcomes.write(Path(folder), table)
        client.log_artifact(run_id, str(Path(folder) / outcomes.FILE), f"evaluation/{sha}")
    client.set_tag(run_id, f"{RUN_TAG}{sha}", found["test_manifest_sha256"])
