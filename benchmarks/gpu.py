"""Checks and timings of earmark on a GPU, with torch, torchaudio and numpy alone; started by benchmarks/gpu.sh.

    benchmarks/gpu.sh [--device auto|cuda|cpu] [--json FILE] [--seconds 120] [--parts checks,ceilings,...]

Parts, in this order: `checks`, that every task trains, resumes and answers on the device as on the CPU (gpu_parts/
checks.py); `ceilings` of the device; `features` on the device; `steps` of every network against the ceilings; `loading`
beside a plain DataLoader; CUDA `graphs`; `compile`. A part that fails is told of, and the others still run; the exit
status is then 1. The figures are written after every part.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gpu_parts import beside, ceilings, checks, faster, features, steps
from gpu_parts.material import TRAININGS
from rows import Row

from earmark.errors import EarmarkError
from earmark.features.torchaudio_lite import torchaudio
from earmark.training import loop

POINT = "9 GPU"
WHOLE_S = 480  # after which no measurement begins: ten minutes, less the start and the longest that one takes
SECONDS = {"cuda": 120.0, "cpu": 60.0}  # of a part
EACH_S = {"cuda": 0.5, "cpu": 0.2}  # of one timing
RATIO = 10  # asked, to the plain DataLoader


@dataclass
class Report:
    """What is measured, as it goes into the JSON, and what failed, one sentence each."""

    device: torch.device
    seconds: float
    began: float = field(default_factory=time.perf_counter)
    parts: dict[str, Any] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    @property
    def each(self) -> float:
        """Seconds of one timing."""
        return EACH_S[self.device.type]

    def left(self) -> Callable[[], bool]:
        """Whether a part that begins now may go on."""
        until = min(time.perf_counter() + self.seconds, self.began + WHOLE_S)
        return lambda: time.perf_counter() < until

    def row(self, what: str, figure: float, detail: str, asked: str = "") -> None:
        """Note a row of the table and print it."""
        self.rows.append(Row(POINT, what, figure, asked, detail))
        print(f"  {what}: {figure:.3g}{f' (asked {asked})' if asked else ''}; {detail}", flush=True)

    def fail(self, what: str, error: Exception) -> None:
        """Note what failed; with a traceback where the error is none of a check."""
        self.failed.append(f"{what}: {type(error).__name__}: {error}")
        print(f"  FAILED {self.failed[-1]}", flush=True)
        if not isinstance(error, checks.CheckError):
            traceback.print_exc()

    def plain(self) -> dict[str, object]:
        """For JSON."""
        rows = [asdict(row) for row in self.rows]
        took = time.perf_counter() - self.began
        return {"machine": machine(self.device), "seconds": took, "failed": self.failed} | self.parts | {"rows": rows}


def machine(device: torch.device) -> dict[str, object]:
    """The device and the versions of what runs on it."""
    found: dict[str, object] = {
        "device": device.type,
        "name": platform.processor() or platform.machine(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "torchaudio": torchaudio.__version__,
        "numpy": np.__version__,
        "threads": torch.get_num_threads(),
    }
    if device.type == "cuda":
        card = torch.cuda.get_device_properties(device)
        found |= {
            "name": card.name,
            "memory_gib": card.total_memory / 2**30,
            "capability": f"{card.major}.{card.minor}",
        }
        found |= {"cuda": torch.version.cuda, "cudnn": torch.backends.cudnn.version()}
    return found


def run_checks(to: Report) -> None:
    """Every check of every training; all of them, whatever fails."""
    found, passed = [], 0
    for name in TRAININGS:
        with tempfile.TemporaryDirectory() as folder:
            for what, check in checks.each(name, to.device, Path(folder)):
                try:
                    figures = check()
                except Exception as error:  # the others are still to be checked
                    to.fail(f"{name} {what}", error)
                    found.append({"training": name, "what": what, "passed": False, "error": str(error)})
                else:
                    passed += 1
                    found.append({"training": name, "what": what, "passed": True} | figures)
                    print(f"  {name} {what}: {', '.join(f'{k} {v:.3g}' for k, v in figures.items())}", flush=True)
    to.parts["checks"] = found
    to.row("checks passed", passed / len(found), f"{passed} of {len(found)}", ">= 1")


def run_ceilings(to: Report) -> None:
    """What the device reaches at best."""
    to.parts["ceilings"] = found = ceilings.measured(to.device, to.each)
    for what, figure in found.items():
        to.row(f"ceiling, {what}", figure, "GB/s" if what == "copy" else "TFLOP/s")


def run_features(to: Report) -> None:
    """Features on the device."""
    to.parts["features"] = found = []
    for feature in features.measured(to.device, to.each):
        found.append(asdict(feature))
        to.row(f"{feature.name}, times real time", feature.real_time, feature.line())


def run_steps(to: Report) -> None:
    """Steps against the roofline."""
    known = to.parts.get("ceilings") or ceilings.measured(to.device, to.each)
    to.parts["steps"], left = [], to.left()
    for of, batch, precision in steps.planned(to.device):
        what = f"{of.name}, {precision}, {batch} a step"
        if not left():
            print(f"  {what}: left out, for the time was up", flush=True)
            continue
        try:
            step = steps.timed(of, batch, precision, to.device, known, to.each)
        except torch.cuda.OutOfMemoryError:
            print(f"  {what}: left out, for it takes more memory than there is", flush=True)
        except Exception as error:  # the others are still to be timed
            to.fail(what, error)
        else:
            to.parts["steps"].append(asdict(step))
            to.row(f"{what}, of the roofline", step.roofline, step.line(), f">= {step.asked:g}" if step.asked else "")
        if to.device.type == "cuda":
            torch.cuda.empty_cache()


def run_loading(to: Report) -> None:
    """Beside a DataLoader."""
    to.parts["loading"] = found = []
    for speed in beside.measured(to.device, to.seconds / len(beside.MODELS), to.left()):
        found.append(asdict(speed))
        asked = f">= {RATIO}" if to.device.type == "cuda" and speed.way == beside.OURS else ""
        to.row(f"{speed.network}, {speed.way}, to the plain one", speed.ratio, f"{speed.crops_s:,.0f} crops/s", asked)


def run_ways(to: Report, part: str, ways: Callable) -> None:
    """Steps another way than plainly."""
    to.parts[part] = found = []
    for way in ways(to.device, to.each, to.left()):
        found.append(asdict(way))
        what = f"{way.network}, {way.way}, {way.batch} a step"
        if way.ratio is None:
            print(f"  {what}: {way.line()}", flush=True)
        else:
            to.row(f"{what}, to the plain one", way.ratio, way.line())


PARTS: dict[str, Callable[[Report], None]] = {
    "checks": run_checks,
    "ceilings": run_ceilings,
    "features": run_features,
    "steps": run_steps,
    "loading": run_loading,
    "graphs": lambda to: run_ways(to, "graphs", faster.graphs),
    "compile": lambda to: run_ways(to, "compile", faster.compiled),
}


def main() -> int:
    """Run the parts; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("auto", "cuda", "cpu"), default="auto")
    parser.add_argument("--json", type=Path, default=Path(os.environ.get("OUT", ".")) / "gpu.json")
    parser.add_argument("--seconds", type=float, help="of a part; 120 on CUDA, 60 on a CPU")
    parser.add_argument("--parts", default=",".join(PARTS))
    args = parser.parse_args()
    if unknown := set(args.parts.split(",")) - set(PARTS):
        parser.error(f"--parts knows {', '.join(PARTS)}, not {', '.join(sorted(unknown))}")
    try:
        device = loop.pick_device(args.device)
    except EarmarkError as error:
        parser.error(str(error))
    to = Report(device, SECONDS[device.type] if args.seconds is None else args.seconds)
    print(", ".join(f"{k} {v}" for k, v in machine(device).items()), flush=True)
    for part in args.parts.split(","):
        print(f"{part}, after {time.perf_counter() - to.began:.0f} s", flush=True)
        try:
            PARTS[part](to)
        except Exception as error:  # a part that fails leaves the others
            to.fail(part, error)
        args.json.parent.mkdir(parents=True, exist_ok=True)
        args.json.write_text(json.dumps(to.plain(), indent=1) + "\n")
    print(f"\n| {POINT} | figure | asked | met | detail |\n|---|---|---|---|---|")
    for row in to.rows:
        print(row.line())
    print(f"\n{time.perf_counter() - to.began:.0f} s, {len(to.failed)} failed; {args.json}")
    for sentence in to.failed:
        print(f"FAILED {sentence}")
    return 1 if to.failed else 0


if __name__ == "__main__":
    sys.exit(main())
