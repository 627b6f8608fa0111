"""Are parts of a recording heard again in another fold? Every pair of recordings, at every lag.

    python benchmarks/near_duplicates.py MANIFEST FEATURES [--least 1.0] [--show 20] [--csv FILE]

MANIFEST has `path`, `group` and `fold` (or `split`); FEATURES is a feature store of the same recordings (features/TASK
after `dvc repro`, best with features.trim_db null). Two recordings are compared by the correlation of their log-mel
frames over whatever overlaps at a lag, each band freed of its mean over the recording, so that a common spectrum alone
is no likeness; at least `least` seconds must overlap. The same sound copied, cut or shifted gives about 1.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from earmark.features import store as feature_store


def likeness(one: torch.Tensor, others: torch.Tensor, least: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Highest correlation of frames `one` (t, bands) with each of `others` (n, t, bands), and its lag in frames.

    Only lags at which at least `least` frames overlap count. Returns ((n,), (n,)).
    """
    t, size = len(one), 2 * len(one)

    def over_lags(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        """Sum over frames and bands of a[i] b[i + lag], (n, lags), lags from -(t-1) to t-1."""
        product = torch.fft.rfft(a, size, dim=-2).conj() * torch.fft.rfft(b, size, dim=-2)
        circular = torch.fft.irfft(product.sum(-1), size)
        return torch.cat([circular[..., size - t + 1 :], circular[..., :t]], dim=-1)

    here = torch.ones(t, 1)
    dot = over_lags(one, others)
    energy = over_lags(one.square().sum(1, keepdim=True), here) * over_lags(here, others.square().sum(2, keepdim=True))
    lags = torch.arange(-(t - 1), t)
    r = dot / energy.clamp_min(1e-3 * one.shape[1] ** 2).sqrt()
    r[..., (t - lags.abs()) < least] = -1
    top = r.max(-1)
    return top.values, lags[top.indices]


def frames(store: feature_store.Store, path: str, n: int) -> torch.Tensor:
    """The first n frames of a recording, (n, bands), each band freed of its mean; shorter ones end in zeros."""
    x = torch.from_numpy(np.array(store.frames(path)[:n], np.float32))
    x = x - x.mean(0)
    return torch.nn.functional.pad(x, (0, 0, 0, n - len(x)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("manifest", type=Path)
    parser.add_argument("features", type=Path)
    parser.add_argument("--least", type=float, default=1.0, help="seconds that must overlap")
    parser.add_argument("--show", type=int, default=20)
    parser.add_argument("--csv", type=Path, help="write all pairs above .5 here")
    args = parser.parse_args()
    table = pd.read_csv(args.manifest, dtype=str, keep_default_na=False)
    fold = table["fold"] if "fold" in table else table["split"]
    store = feature_store.load(args.features)
    rate = store.settings["sample_rate"] / store.settings["hop_length"]
    n = int(store.lengths.max())
    every = torch.stack([frames(store, path, n) for path in table.path])
    found = []
    for i in range(len(table) - 1):
        r, lag = likeness(every[i], every[i + 1 :], round(args.least * rate))
        for j in torch.nonzero(r > 0.5).flatten().tolist():
            found.append((r[j].item(), lag[j].item() / rate, i, i + 1 + j))
    rows = pd.DataFrame(found, columns=["correlation", "lag_s", "i", "j"]).sort_values("correlation", ascending=False)
    for side in ("i", "j"):
        for column, values in (("path", table.path), ("group", table.group), ("fold", fold)):
            rows[f"{column}_{side}"] = values.to_numpy()[rows[side]]
    one_fold, one_group = rows.fold_i == rows.fold_j, rows.group_i == rows.group_j
    parts = {
        "different folds": rows[~one_fold],
        "one fold, different groups": rows[one_fold & ~one_group],
        "one group": rows[one_group],
    }
    for name, part in parts.items():
        counts = {f"> {level}": int((part.correlation > level).sum()) for level in (0.6, 0.7, 0.8, 0.9, 0.95)}
        print(f"pairs in {name}: {counts}")
    shown = ["correlation", "lag_s", "path_i", "fold_i", "path_j", "fold_j"]
    print(rows[~one_fold][shown].head(args.show).to_string(index=False))
    if args.csv:
        rows.to_csv(args.csv, index=False)


if __name__ == "__main__":
    main()
