"""What is freed is taken again without asking the system for pages."""

import subprocess
import sys

import pytest

SCRIPT = """
import resource, sys
import numpy as np
from earmark.features import heap
{call}
faults = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt
np.ones(4_000_000, np.uint8)
before = faults()
for _ in range(20):
    np.ones(4_000_000, np.uint8)
print(faults() - before)
"""


def faults(call: str) -> int:
    """Pages that twenty arrays of 4 MB, each dropped at once, ask for."""
    done = subprocess.run([sys.executable, "-c", SCRIPT.format(call=call)], capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only glibc is told to keep what is freed")
def test_freed_memory_is_kept():
    kept = faults("heap.keep()")
    assert kept < 100
    assert faults("") > 10 * max(kept, 1)


def test_elsewhere_it_does_nothing(monkeypatch):
    from earmark.features import heap

    monkeypatch.setattr(heap.sys, "platform", "darwin")
    asked = []
    monkeypatch.setattr(heap.ctypes, "CDLL", asked.append)
    heap.keep()
    assert asked == []
