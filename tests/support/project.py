"""A copy of the project in a folder of its own, for tests that run the pipeline as a user would."""

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml
from mlflow import MlflowClient

REPOSITORY = Path(__file__).parents[2]
# Small and quick: 8 kHz sound, half-second windows, a few epochs of a narrow network.
SMALL = {
    "data.source": "folder",
    "data.max_quarantined": 0.5,
    "features.sample_rate": 8000,
    "features.n_fft": 512,
    "features.hop_length": 256,
    "features.n_mels": 24,
    "features.window_s": 0.5,
    "features.window_hop_s": 0.25,
    "model": {"name": "cnn", "channels": 4, "hidden": 8, "dropout": 0.2, "pooling": "mean_prob"},
    "train.crops": "windows",
    "train.lr": 0.002,
    "train.epochs": 3,
    "train.average": 0.0,
    "train.keep": "last",
    "train.precision": "float32",
    "train.device": "cpu",
    "evaluate.bootstrap": 100,
}
# The same for chords: four octaves of 8 kHz sound, the smallest ChordNet.
SMALL_CHORD = {
    "data.source": "folder",
    "data.max_quarantined": 0.5,
    "features.sample_rate": 8000,
    "features.hop_length": 512,
    "features.f_min": 65.40639132514966,
    "features.octaves": 4,
    "model.width": 0.08,
    "model.core": "dprnn",
    "model.chunk_frames": 16,
    "train.lr": 0.005,
    "train.batch_size": 4,
    "train.crop_frames": 32,
    "train.epochs": 3,
    "train.average": 0.0,
    "train.device": "cpu",
    "evaluate.bootstrap": 100,
}
# And for speakers: the smallest TDNN, few steps.
SMALL_SPEAKER = {
    "data.source": "folder",
    "data.max_quarantined": 0.5,
    "features.n_mels": 24,
    "features.speeds": [0.9],
    "model": {"name": "tdnn", "width": 0.1, "embedding": 16},
    "train.speakers": 6,
    "train.segments_s": [0.3, 0.6],
    "train.batches": 8,
    "train.epochs": 3,
    "train.average": 0.0,
    "train.device": "cpu",
    "evaluate.bootstrap": 100,
    "data.trials": 100,
}
SMALLEST = {"genre": SMALL, "chord": SMALL_CHORD, "speaker": SMALL_SPEAKER}


def set_keys(block: dict, changes: dict) -> None:
    """Values by dotted key below a task's block."""
    for dotted, value in changes.items():
        *parents, key = dotted.split(".")
        node = block
        for part in parents:
            node = node[part]
        node[key] = value


def write_params(folder: Path, task: str = "genre", **changes) -> None:
    """The project's params.yaml into a folder, with the small settings of a task and changes by dotted key."""
    params = yaml.safe_load((REPOSITORY / "params.yaml").read_text())
    set_keys(params["tasks"][task], SMALLEST[task] | changes)
    (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))


@dataclass
class Project:
    """One copy: run commands in it, change its parameters, look at its tracking store."""

    path: Path
    task: str = "genre"

    def run(self, *command: str, check: bool = True, **env: str) -> subprocess.CompletedProcess:
        """Run a program of the environment in the project; fails the test when it fails, unless `check` is off."""
        programs = Path(sys.executable).parent
        other = ("MLFLOW_", "DVC_", "PYTEST_", "PYTHONDONTWRITEBYTECODE")  # a user's Python writes __pycache__
        own = {k: v for k, v in os.environ.items() if not k.startswith(other)}
        own |= {
            "PATH": f"{programs}:{own['PATH']}",
            "OMP_NUM_THREADS": "1",
            "COLUMNS": "200",
            "DVC_NO_ANALYTICS": "1",
        }
        # A session of its own: a test may kill the whole group.
        done = subprocess.run(
            command,
            cwd=self.path,
            env=own | env,
            capture_output=True,
            text=True,
            start_new_session=True,
            timeout=300,
        )
        if check and done.returncode:
            raise AssertionError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
        return done

    def repro(self, *args: str, check: bool = True, **env: str) -> list[str]:
        """`dvc repro`; the names of the stages that ran."""
        return stages(self.run("dvc", "repro", *args, check=check, **env).stdout)

    def set(self, **changes) -> None:
        """Change parameters below the task's by dotted key."""
        params = yaml.safe_load((self.path / "params.yaml").read_text())
        set_keys(params["tasks"][self.task], changes)
        (self.path / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))

    @property
    def client(self) -> MlflowClient:
        uri = f"sqlite:///{self.path / 'mlflow.db'}"
        return MlflowClient(uri, uri)

    def runs(self, kind: str = "pipeline") -> list:
        experiment = self.client.get_experiment_by_name(self.task)
        return self.client.search_runs([experiment.experiment_id], f"tags.`earmark.kind` = '{kind}'")

    def steps(self, run_id: str, key: str) -> list[int]:
        return [m.step for m in self.client.get_metric_history(run_id, key)]


def stages(output: str) -> list[str]:
    """Stages that DVC says it ran."""
    lines = [line for line in output.splitlines() if line.startswith("Running stage '")]
    return [line.split("'")[1] for line in lines]


def make(path: Path, root: Path | None = None, task: str = "genre", **changes) -> Project:
    """A committed copy of the project's files, on the audio folder `root` (None keeps params.yaml as it is).

    With a root the pipeline has the stages of `task` alone.
    """
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in listed.stdout.splitlines():
        own = name == "dvc.lock" or name.startswith(("tests/", "reports/", "registry/"))
        if not own and (REPOSITORY / name).exists():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / name, path / name)
    project = Project(path, task)
    if root is not None:
        project.set(**SMALLEST[task] | {"data.root": str(root)} | changes)
        _alone(path, task)
    project.run("git", "init", "-q")
    commit(project, "start")
    return project


def _alone(path: Path, task: str) -> None:
    """Leave the block of one task in params.yaml, and with it its stages, and no demo songs, which nobody uses here."""
    params = yaml.safe_load((path / "params.yaml").read_text())
    params["tasks"] = {task: params["tasks"][task]}
    (path / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    pipeline = yaml.safe_load((path / "dvc.yaml").read_text())
    del pipeline["stages"]["demo"]
    (path / "dvc.yaml").write_text(yaml.safe_dump(pipeline, sort_keys=False))


def commit(project: Project, message: str) -> None:
    project.run("git", "add", "-A")
    identity = ["-c", "user.name=tester", "-c", "user.email=tester@example.org"]
    project.run("git", *identity, "commit", "-q", "-m", message)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def own_project(path: Path, task: str) -> Project:
    """A project of one task as `earmark init` makes it, without earmark's source, whose files are committed."""
    path.mkdir(parents=True)
    project = Project(path, task)
    project.run("earmark", "init", ".", "--task", task)
    for key, value in (("user.name", "tester"), ("user.email", "tester@example.org")):  # for commits of its own, too
        project.run("git", "config", key, value)
    commit(project, "A project")
    return project
