#!/usr/bin/env bash
# Checks earmark on a GPU and times it there, in one call of at most ten minutes, on a machine that has torch, torchaudio
# and numpy and nothing else of what earmark needs. On a CPU everything runs, too, at small sizes.
#
#   benchmarks/gpu.sh [--device auto|cuda|cpu] [--json FILE] [--seconds SECONDS_OF_A_PART]
#
# Without --json, the figures are written to gpu.json in $OUT, or in the present folder.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
export PYTHONPATH="$root/src${PYTHONPATH:+:$PYTHONPATH}"
python=$(command -v python || command -v python3)
exec "$python" "$root/benchmarks/gpu.py" "$@"
