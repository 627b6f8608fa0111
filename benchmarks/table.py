"""Every ratio of the table of speeds in one run: benchmarks/README.md between its marks, and JSON beside it.

    python benchmarks/table.py PROJECT [--only startup,inference] [--json benchmarks/table.json]

PROJECT is a folder in which `dvc repro` has run on the demo data, twice. Takes about three quarters of an hour on an
idle machine of two cores; other work spoils it. Each benchmark runs in a process of its own; what is not run keeps its
rows.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from rows import Row, read

HERE = Path(__file__).parent
PAGE, MARKS = HERE / "README.md", ("<!-- table -->\n", "<!-- end of table -->\n")
BENCHMARKS = {  # in the order of the table; PROJECT stands for the finished project
    "startup": ["startup.py", "PROJECT", "--rounds", "7"],
    "busy": ["busy.py", "PROJECT"],
    "extraction": ["extraction.py", "--rounds", "3"],
    "memory": ["extraction.py", "--memory"],
    "training": ["training.py"],
    "loading": ["throughput.py", "--rounds", "3"],
    "inference": ["inference.py"],
    "growth": ["growth.py"],
}
ONE_THREAD = ("extraction", "memory", "training", "inference", "growth")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("project", type=Path)
    parser.add_argument("--only", default=",".join(BENCHMARKS))
    parser.add_argument("--json", type=Path, default=HERE / "table.json")
    args = parser.parse_args()
    found = json.loads(args.json.read_text())["rows"] if args.json.exists() else {}
    for name in args.only.split(","):
        print(f"\n{name}", flush=True)
        found[name] = [asdict(row) for row in run(name, args.project.absolute())]
        found = {known: found[known] for known in BENCHMARKS if known in found}
        args.json.write_text(json.dumps({"machine": machine(), "rows": found}, indent=1) + "\n")
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(MARKS[0])
    table = lines([Row(**row) for rows in found.values() for row in rows])
    PAGE.write_text(before + MARKS[0] + table + MARKS[1] + rest.partition(MARKS[1])[2], encoding="utf-8")


def run(name: str, project: Path) -> list[Row]:
    """The rows of a benchmark, run in a process of its own."""
    script, *more = BENCHMARKS[name]
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "rows.json"
        command = [sys.executable, str(HERE / script), *(str(project) if a == "PROJECT" else a for a in more)]
        env = os.environ | ({"OMP_NUM_THREADS": "1"} if name in ONE_THREAD else {})
        subprocess.run([*command, "--json", str(out)], env=env, check=True)
        return read(out)


def machine() -> dict[str, object]:
    """What was measured on."""
    versions = {name: __import__(name).__version__ for name in ("torch", "numpy", "librosa")}
    return {"cores": os.cpu_count(), "processor": processor(), "python": platform.python_version()} | versions


def processor() -> str:
    """The processor's name, as Linux tells it."""
    cpuinfo = Path("/proc/cpuinfo")
    names = [line.partition(": ")[2] for line in cpuinfo.read_text().splitlines()] if cpuinfo.exists() else []
    told = [name for name in names if "GHz" in name or "EPYC" in name or "Core" in name or "Xeon" in name]
    return told[0] if told else platform.processor()


def lines(rows: list[Row]) -> str:
    """The Markdown table, a heading for each point."""
    out, point = "", None
    for row in rows:
        if row.point != point:
            point = row.point
            out += f"\n**{point}**\n\n| what | measured | asked | met | figures |\n|---|---|---|---|---|\n"
        out += row.line() + "\n"
    return out + "\n"


if __name__ == "__main__":
    main()
