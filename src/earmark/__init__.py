"""earmark: audio models from a folder of recordings to a registry."""

import os

__version__ = "0.1.0"

# Torch's threads wait for each other after every layer. GNU's OpenMP has them spin 300,000 times before they sleep, on
# the very cores that the ones they wait for need where something else runs; so many are enough on an idle machine.
os.environ.setdefault("GOMP_SPINCOUNT", "10000")
