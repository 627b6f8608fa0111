"""earmark: audio models from a folder of recordings to a registry."""

import os

__version__ = "0.1.0"

# Torch's threads wait for each other after every layer. Threads that spin meanwhile hold the cores that the ones they
# wait for need, where something else runs, too: benchmarks/busy.py.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
