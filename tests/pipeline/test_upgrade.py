"""A project that release b20216c made goes on under this code: its versions, parameters, checkpoints and studies."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from builders import small_folder
from project import REPOSITORY, Project, commit, set_keys, sha256

FORMER = "b20216c"
LAST = "publish@genre"  # the stage; what it needs runs before it
KILL_SWITCH = REPOSITORY / "tests/support/kill_switch"
# The smallest of its genre pipelines, in the keys it had.
SMALL = {
    "data.source": "folder",
    "features.sample_rate": 8000,
    "features.n_fft": 512,
    "features.hop_length": 256,
    "features.n_mels": 24,
    "features.window_s": 0.5,
    "features.window_hop_s": 0.25,
    "model.name": "cnn",
    "model.channels": 4,
    "model.hidden": 8,
    "train.crops": "windows",
    "train.lr": 0.002,
    "train.epochs": 3,
    "train.average": 0.0,
    "train.precision": "float32",
    "train.device": "cpu",
    "evaluate.bootstrap": 100,
}
# The same in the keys of today, where they are others.
TODAY = {k: v for k, v in SMALL.items() if not k.startswith("model.")} | {
    "model": {"name": "cnn", "channels": 4, "hidden": 8, "dropout": 0.2, "pooling": "mean_prob"}
}
STUDY = """
task: genre
about: how long
base: {train.epochs: 2, data.val_share: 0.0}
factors:
  length: {short: {train.epochs: 1}, long: {}}
seeds: [1]
"""
ANSWER = """
import json, sys
import mlflow, pandas as pd
model = mlflow.pyfunc.load_model("models:/earmark-genre/1")
print(json.dumps(model.predict(pd.DataFrame({"path": sys.argv[1:]})).to_dict("records")))
"""


class Upgraded(Project):
    """A project that runs the source that lies in it, and what it said before the source was another."""

    folder: Path
    before: dict

    def run(self, *command: str, check: bool = True, **env: str) -> subprocess.CompletedProcess:
        """The command `earmark` is the one of this folder, whatever is installed."""
        here = {"PATH": f"{self.path / 'bin'}:{Path(sys.executable).parent}:/usr/bin:/bin"}
        return super().run(*command, check=check, **here | {"PYTHONPATH": str(self.path / "src")} | env)

    def answers(self, model: str) -> list:
        sounds = [str(self.folder / f"{label}/0.wav") for label in ("low", "high", "noise")]
        said = json.loads(self.run("earmark", "predict", "genre", "--json", "--model", model, *sounds).stdout)
        return [{k: v for k, v in answer.items() if k not in ("model", "error")} for answer in said]


def params_of(text: str, values: dict, root: Path) -> str:
    """A params.yaml whose genre pipeline is small."""
    params = yaml.safe_load(text)
    set_keys(params["tasks"]["genre"], values | {"data.root": str(root)})
    return yaml.safe_dump(params, sort_keys=False)


@pytest.fixture(scope="module")
def upgraded(tmp_path_factory) -> Upgraded:
    """Trained and promoted twice by the former code, one training killed; then given today's source and dvc.yaml."""
    known = ["git", "cat-file", "-e", f"{FORMER}^{{commit}}"]
    if subprocess.run(known, cwd=REPOSITORY, capture_output=True).returncode:
        pytest.skip(f"the repository's history does not reach {FORMER}, whose projects are upgraded here")
    base = tmp_path_factory.mktemp("upgraded")
    project = Upgraded(base / "project")
    project.path.mkdir()
    project.folder = small_folder(base / "audio")
    archive = subprocess.run(["git", "archive", FORMER], cwd=REPOSITORY, capture_output=True, check=True).stdout
    subprocess.run(["tar", "-x", "-C", str(project.path)], input=archive, check=True)
    for name in ("tests", "reports", "dvc.lock"):
        path = project.path / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    command = project.path / "bin/earmark"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m earmark "$@"\n')
    command.chmod(0o755)
    params = project.path / "params.yaml"
    params.write_text(params_of(params.read_text(), SMALL, project.folder))
    (project.path / "studies/length.yaml").write_text(STUDY)
    project.run("git", "init", "-q")
    commit(project, "as it was")

    project.repro(LAST)
    first = sha256(project.path / "models/genre/model.safetensors")
    project.run("earmark", "promote", "genre")
    project.before = {
        "weights": first,
        "answers": project.answers("models:/earmark-genre/1"),
        "pyfunc": json.loads(pyfunc(project)),
        "study": study(project),
    }
    switch = {"PYTHONPATH": f"{KILL_SWITCH}:{project.path / 'src'}", "EARMARK_TEST_KILL": "after:1:group"}
    project.set(**{"train.epochs": 4})
    assert project.run("dvc", "repro", LAST, check=False, **switch).returncode
    project.before["checkpoint"] = [p.name for p in (project.path / ".earmark/checkpoints").iterdir()]
    project.set(**{"train.lr": 0.001, "train.epochs": 3})
    project.repro(LAST)
    project.run("earmark", "promote", "genre", "--force", "--why", "a trial")
    project.before["metrics"] = json.loads((project.path / "reports/genre/metrics.json").read_bytes())

    shutil.rmtree(project.path / "src")
    shutil.copytree(REPOSITORY / "src", project.path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("dvc.yaml", ".dvcignore", ".gitignore"):
        shutil.copy(REPOSITORY / name, project.path / name)
    return project


def pyfunc(project: Upgraded) -> str:
    sounds = [str(project.folder / f"{label}/0.wav") for label in ("low", "high", "noise")]
    store = {"MLFLOW_TRACKING_URI": f"sqlite:///{project.path / 'mlflow.db'}"}
    return project.run("python", "-c", ANSWER, *sounds, **store).stdout.strip().splitlines()[-1]


def study(project: Upgraded) -> list[str]:
    """Run a small study; the names of the files it leaves."""
    project.run("earmark", "study", "studies/length.yaml", "--workers", "1")
    return sorted(p.name for p in (project.path / "study/length").iterdir())


def versions(project: Project) -> dict[str, int]:
    """Version by alias, and how many there are."""
    found = project.client.search_model_versions("name = 'earmark-genre'")
    aliases = project.client.get_registered_model("earmark-genre").aliases
    return {**{k: int(v) for k, v in aliases.items()}, "count": len(found)}


pytestmark = pytest.mark.pipeline


def test_the_former_parameters_are_refused_with_their_new_names(upgraded):
    """Key after key, until all are those of today."""
    params = upgraded.path / "params.yaml"
    done = upgraded.run("earmark", "train", "genre", check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("earmark: params.yaml: tasks.genre.model: width is a key for name compact or net")
    today = params_of((REPOSITORY / "params.yaml").read_text(), TODAY | {"train.lr": 0.001}, upgraded.folder)
    upgraded.set(model=TODAY["model"])
    done = upgraded.run("earmark", "train", "genre", check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "tasks.genre.train.momentum is now tasks.genre.train.optimizer.momentum" in done.stderr
    params.write_text(today)


def test_a_champion_of_then_answers_evaluates_and_republishes(upgraded):
    """What stands: two versions, the second champion; its model folder and the report of it."""
    assert versions(upgraded) == {"champion": 2, "count": 2}
    assert upgraded.answers("models:/earmark-genre/1") == upgraded.before["answers"]
    early = upgraded.run("earmark", "evaluate", "genre", check=False)
    assert early.returncode == 1
    assert "There is no features/genre/classical.npy; run `dvc repro` to extract the features again." in early.stderr
    upgraded.run("earmark", "features", "genre")  # as `dvc repro` does
    upgraded.run("earmark", "evaluate", "genre")
    found = json.loads((upgraded.path / "reports/genre/metrics.json").read_bytes())
    known = {name: value for name, value in upgraded.before["metrics"].items() if not name.endswith("_ci95")}
    assert {name: found[name] for name in known} == pytest.approx(known)  # intervals are made otherwise since
    upgraded.run("earmark", "publish", "genre")
    assert versions(upgraded) == {"champion": 2, "count": 2}


def test_a_version_of_then_brings_its_own_code(upgraded):
    assert json.loads(pyfunc(upgraded)) == upgraded.before["pyfunc"]


def test_rollback_finds_the_champion_of_then(upgraded):
    assert "Version 1 is champion again" in upgraded.run("earmark", "rollback", "genre").stdout
    assert versions(upgraded)["champion"] == 1
    history = json.loads(upgraded.run("earmark", "history", "genre", "--json").stdout)
    assert [(e["kind"], e["why"]) for e in history] == [("imported", None), ("imported", "a trial"), ("rollback", None)]


def test_the_next_repro_trains_anew_and_ends_in_the_same_weights(upgraded):
    """Code is hashed otherwise, so that no key is the former one and no checkpoint of then is taken for one's own."""
    assert upgraded.before["checkpoint"]
    upgraded.set(**{"train.lr": 0.002})
    assert "train@genre" in upgraded.repro(LAST)
    assert sha256(upgraded.path / "models/genre/model.safetensors") == upgraded.before["weights"]
    assert versions(upgraded) == {"champion": 1, "challenger": 3, "count": 3}


def test_a_study_of_then_runs_again(upgraded):
    assert study(upgraded) == upgraded.before["study"]
