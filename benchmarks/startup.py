"""Seconds until a command begins or ends that has little to do, and a `dvc repro` that has nothing to do.

    python benchmarks/startup.py PROJECT [--rounds 7] [--json FILE]

PROJECT is a folder in which `dvc repro` has run on the demo data, twice. References in the same run: a bare Python,
`import torch`, and a bare DVC, which looks at as many stages of one `true` each, as many of them always changed. Every
command runs once before it counts; rounds take turns, medians count.
"""

import argparse
import array
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
import wave
from collections.abc import Iterator
from pathlib import Path

import yaml
from rows import Row, write

PYTHON = [sys.executable, "-c"]
EARMARK = [sys.executable, "-m", "earmark"]
DVC = [sys.executable, "-m", "dvc"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("project", type=Path)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", type=Path, help="The rows as JSON, too.")
    args = parser.parse_args()
    song = str(sorted((args.project / "data/demo").rglob("*.flac"))[0].relative_to(args.project))
    with tempfile.TemporaryDirectory() as bare, tempfile.NamedTemporaryFile(suffix=".wav") as short:
        tone(short.name)
        trivial(Path(bare), yaml.safe_load((args.project / "dvc.yaml").read_text()))
        asked = {
            "python": ([*PYTHON, "pass"], args.project),
            "import torch": ([*PYTHON, "import torch"], args.project),
            "earmark --help": ([*EARMARK, "--help"], args.project),
            "earmark publish genre, nothing new": ([*EARMARK, "publish", "genre"], args.project),
            "import of prepare": ([*PYTHON, "import earmark.data.reading, earmark.pipeline.prepare"], args.project),
            "earmark predict genre, 1 s": ([*EARMARK, "predict", "genre", short.name], args.project),
            "earmark predict genre, 30 s": ([*EARMARK, "predict", "genre", song], args.project),
            "bare dvc repro, nothing to do": ([*DVC, "repro", "--quiet"], Path(bare)),
            "dvc repro, nothing to do": ([*DVC, "repro", "--quiet"], args.project),
        }
        spent: dict[str, list[float]] = {name: [] for name in asked}
        for _ in range(args.rounds + 1):
            for name, (command, folder) in asked.items():
                spent[name].append(seconds(command, folder))
    write(args.json, rows({name: statistics.median(times[1:]) for name, times in spent.items()}))


def rows(took: dict[str, float]) -> Iterator[Row]:
    """Seconds by command, beside what is asked and what nobody can do without."""
    torch, dvc = took["import torch"], took["bare dvc repro, nothing to do"]
    beside = {
        "python": ("", ""),
        "import torch": ("", ""),
        "earmark --help": ("<= 0.2", ""),
        "earmark publish genre, nothing new": ("", "with MLflow, which it spares, about 3 s"),
        "import of prepare": ("<= 0.5", "a stage without torch"),
        "bare dvc repro, nothing to do": ("", "as many stages of `true`, as many always changed"),
        "dvc repro, nothing to do": ("<= 2", f"{took['dvc repro, nothing to do'] / dvc:.2f} times the bare one"),
    }
    for name, (asked, detail) in beside.items():
        yield Row("1-2 Starts", f"{name}, s", took[name], asked, detail)
    predicted, more = took["earmark predict genre, 1 s"], took["earmark predict genre, 30 s"]
    detail = (
        f"{predicted:.2f} s for a recording of one second, of which import torch {torch:.2f}; for a song {more:.2f} s"
    )
    yield Row("1-2 Starts", "earmark predict genre beyond import torch, s", predicted - torch, "<= 0.3", detail)


def tone(file: str) -> None:
    """A second of 440 Hz as WAV."""
    samples = (int(10000 * math.sin(2 * math.pi * 440 * i / 44100)) for i in range(44100))
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(44100)
        out.writeframes(array.array("h", samples).tobytes())


def trivial(folder: Path, pipeline: dict) -> None:
    """A DVC project with as many stages as a pipeline has, one for each task where it says so."""
    tasks, stages = ("genre", "chord", "speaker"), {}
    for name, stage in pipeline["stages"].items():
        for one in tasks if "foreach" in stage else ("",):
            always = (stage.get("do") or stage).get("always_changed", False)
            stages[f"{name}{one}"] = {"cmd": "true", "always_changed": always} if always else {"cmd": "true"}
    (folder / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages}))
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
    for command in (["init", "--quiet"], ["repro", "--quiet"]):
        subprocess.run([*DVC, *command], cwd=folder, check=True)


def seconds(command: list[str], folder: Path) -> float:
    """Wall time of a command that must end well; the stages find the programs of this Python first."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    began = time.perf_counter()
    done = subprocess.run(
        command, cwd=folder, env=os.environ | {"PATH": path, "DVC_NO_ANALYTICS": "1"}, capture_output=True
    )
    spent = time.perf_counter() - began
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: {done.stderr.decode()[-500:]}")
    return spent


if __name__ == "__main__":
    main()
