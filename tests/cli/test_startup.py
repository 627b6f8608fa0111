"""What a command imports: what it does not use takes seconds. Typer itself imports pydantic."""

import os
import subprocess
import sys

import pytest

HEAVY = ("mlflow", "torch", "torchaudio", "numpy", "pandas", "pyarrow", "yaml", "dvc", "optuna", "http.client")
PRINT = "print(*sorted(m for m in {heavy} if m in sys.modules))"


def imported(script: str, heavy: tuple[str, ...] = HEAVY) -> list[str]:
    """Which heavy modules a script of Python has imported at its end."""
    env = os.environ | {"COLUMNS": "200"}
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{script}\n{PRINT.format(heavy=heavy)}"],
        capture_output=True,
        text=True,
        env=env,
        check=True,
    )
    return done.stdout.splitlines()[-1].split()


def command(*args: str) -> str:
    """A script that runs a command line."""
    return (
        f"sys.argv = {['earmark', *args]!r}\n"
        "from earmark.cli import app\n"
        "try: app.main()\n"
        "except SystemExit as e: assert not e.code\n"
    )


@pytest.mark.parametrize("args", [("--help",), ("--version",), ("publish", "--help")])
def test_help_imports_nothing_heavy(args):
    assert imported(command(*args)) == []


@pytest.mark.parametrize("task", [[], ["genre"], ["chord"], ["speaker"]])
def test_help_of_predictions_imports_what_reads_audio_at_most(task):
    assert set(imported(command("predict", *task, "--help"))) <= {"numpy"}


def test_hashing_the_source_reads_it_and_imports_none_of_it():
    modules = imported(
        "from earmark.cli import pipeline\nfrom earmark.pipeline import stages\nstages.code(['data/demo'])"
    )
    assert modules == []


@pytest.mark.parametrize(
    "modules",
    [
        ("earmark.data.reading", "earmark.pipeline.prepare"),  # as cli/pipeline.py imports them
        ("earmark.generated.demo.music", "earmark.generated.demo.voices"),
        ("earmark.tasks.genre.corpora", "earmark.tasks.chord.corpora", "earmark.tasks.speaker.corpora"),
    ],
)
def test_stages_that_compute_no_features_start_without_torch(modules):
    script = "\n".join(f"import {name}" for name in modules)
    assert not {"torch", "torchaudio", "mlflow", "dvc"} & set(imported(script))


@pytest.mark.parametrize("task", ["genre", "chord", "speaker"])
def test_a_training_and_an_answer_start_without_mlflow(task):
    script = f"import earmark.tasks.{task}.train, earmark.tasks.{task}.evaluate, earmark.tasks.{task}.predictions"
    assert not {"mlflow", "dvc", "optuna"} & set(imported(script))


@pytest.mark.parametrize(("asked", "found"), [(None, "10000"), ("7", "7")])
def test_threads_sleep_when_they_have_waited_a_little_unless_somebody_asks_otherwise(asked, found, monkeypatch):
    monkeypatch.delenv("GOMP_SPINCOUNT", raising=False)
    _ = asked and monkeypatch.setenv("GOMP_SPINCOUNT", asked)
    script = "import os, earmark.training.loop; print(os.environ['GOMP_SPINCOUNT'])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == found
