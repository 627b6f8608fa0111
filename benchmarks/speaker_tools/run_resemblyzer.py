"""Resemblyzer's embeddings of a list of utterances, for benchmarks/speakers.py --also.

In an environment of its own: pip install "setuptools<81" resemblyzer pandas pyarrow, then

    python benchmarks/speaker_tools/run_resemblyzer.py utterances.csv resemblyzer.parquet
"""

import sys
import time

import numpy as np
import pandas as pd
import torch
from resemblyzer import VoiceEncoder, preprocess_wav


def main(listed: str, out: str) -> None:
    torch.set_num_threads(1)
    encoder = VoiceEncoder("cpu")
    rows = []
    spent = 0.0
    seconds = 0.0
    for row in pd.read_csv(listed).itertuples():
        began = time.process_time()
        sound = np.concatenate([preprocess_wav(path) for path in row.paths.split(";")])
        rows.append((row.utterance, encoder.embed_utterance(sound)))
        spent, seconds = spent + time.process_time() - began, seconds + len(sound) / 16000
    pd.DataFrame(rows, columns=["utterance", "embedding"]).to_parquet(out, index=False)
    print(f"{1000 * spent / len(rows):.1f} ms of CPU an utterance of {seconds / len(rows):.2f} s without its pauses")


if __name__ == "__main__":
    main(*sys.argv[1:])
