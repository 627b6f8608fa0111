"""Run one tool over files, in the tool's own environment: estimates as .lab files, CPU seconds as timing.json.

    PYTHON _run.py RUNNER.py OUT PASSES [--load ARGUMENT] -- FILE...

A runner is a file with `load(...)`, which imports the tool and its models and returns `recognise(path)`, which returns
rows (start in seconds, end in seconds, Harte label). The first file is recognised once before the clock starts, so that
nothing compiled or cached at first use counts; everything until then is `load_s`. CPU seconds are user and system time
of this process, all its threads, and its children. Nothing here may need more than that
environment has: Python 3.10 and the tool.
"""

import argparse
import importlib.util
import json
import resource
import sys
import time
from importlib import metadata
from pathlib import Path


def cpu_s():
    """User and system seconds of this process and of its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def runner(path):
    """The runner's module, whose name and folder must not hide the tool's own package."""
    sys.path[:] = [p for p in sys.path if Path(p or ".").resolve() != Path(__file__).resolve().parent]
    spec = importlib.util.spec_from_file_location("runner_of_" + Path(path).stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write(path, rows):
    """A .lab file, times to the microsecond; rows without length are left out."""
    rows = [row for row in rows if round(row[1], 6) > round(row[0], 6)]
    path.write_text("".join(f"{start:.6f}\t{end:.6f}\t{label}\n" for start, end, label in rows))


def timed(recognise, files, out):
    """One pass over the files: CPU seconds by stem, wall seconds in all."""
    cpu, began = {}, time.perf_counter()
    for file in files:
        before = cpu_s()
        rows = recognise(str(file))
        write(out / (file.stem + ".lab"), rows)
        cpu[file.stem] = cpu_s() - before
    return {"cpu_s": cpu, "wall_s": time.perf_counter() - began}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runner", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("passes", type=int)
    parser.add_argument("--load", action="append", default=[])
    parser.add_argument("files", type=Path, nargs="+")
    args = parser.parse_args()
    module = runner(args.runner)
    recognise = module.load(*args.load)
    recognise(str(args.files[0]))
    load_s = cpu_s()
    passes = [timed(recognise, args.files, args.out) for _ in range(args.passes)]
    found = {
        "load_s": load_s,
        "passes": passes,
        "python": sys.version.split()[0],
        "packages": {name: metadata.version(name) for name in module.PACKAGES},
    }
    (args.out / "timing.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
