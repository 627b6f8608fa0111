"""Are parts of a recording heard again in another fold? Every pair of recordings, at every lag.

    python benchmarks/near_duplicates.py MANIFEST FEATURES AUDIO_ROOT [--least 1.0] [--confirm 300] [--show 20]

MANIFEST has `path`, `group` and `fold` (or `split`); FEATURES is a feature store of the same recordings (features/TASK
after `dvc repro`, best with features.trim_db null). Two recordings are compared by the correlation of their log-mel
frames over whatever overlaps at a lag, each band freed of its mean over the recording, so that a common spectrum alone
is no likeness; at least `least` seconds must overlap. That finds candidates, among them short sounds before like
silence; the `confirm` likest pairs of different folds are then compared as waveforms, where the same sound copied, cut,
shifted or louder gives about 1, and another take of the like about 0.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from earmark.audio import read_blocks
from earmark.features import store as feature_store


class Likeness:
    """Highest correlation of one recording with each later one, over all lags at which enough frames overlap.

    every: (n, t, bands) frames, zeros after each recording's end; least: frames that must overlap.
    """

    def __init__(self, every: torch.Tensor, least: int):
        self.t = every.shape[1]
        self.size = 2 * self.t
        self.spectra = torch.fft.rfft(every, self.size, dim=1)
        self.powers = torch.fft.rfft(every.square().sum(2), self.size, dim=1)
        self.ones = torch.fft.rfft(torch.ones(self.t), self.size)
        self.lags = torch.arange(-(self.t - 1), self.t)
        self.allowed = (self.t - self.lags.abs()) >= least
        self.floor = 1e-3 * every.shape[2] ** 2

    def __call__(self, i: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Correlation (n - i - 1,) and its lag in frames (n - i - 1,) for the recordings after i."""
        dot = self._over_lags((self.spectra[i].conj() * self.spectra[i + 1 :]).sum(2))
        ours = self._over_lags(self.powers[i].conj() * self.ones)
        theirs = self._over_lags(self.ones.conj() * self.powers[i + 1 :])
        r = dot / (ours * theirs).clamp_min(self.floor).sqrt()
        top = torch.where(self.allowed, r, -1.0).max(1)
        return top.values, self.lags[top.indices]

    def _over_lags(self, spectrum: torch.Tensor) -> torch.Tensor:
        """Sums over frames of a[k] b[k + lag], (..., lags), from the product of spectra (..., bins)."""
        circular = torch.fft.irfft(spectrum, self.size)
        return torch.cat([circular[..., self.size - self.t + 1 :], circular[..., : self.t]], dim=-1)


def frames(store: feature_store.Store, path: str, n: int) -> torch.Tensor:
    """The first n frames of a recording, (n, bands), each band freed of its mean; shorter ones end in zeros."""
    x = torch.from_numpy(np.array(store.frames(path)[:n], np.float32))
    x = x - x.mean(0)
    return torch.nn.functional.pad(x, (0, 0, 0, n - len(x)))


def waveform_likeness(one: np.ndarray, other: np.ndarray) -> float:
    """Largest absolute cross-correlation of two signals over all lags, divided by the deviations of both."""
    size = 1 << (len(one) + len(other) - 1).bit_length()
    product = np.fft.rfft(one - one.mean(), size).conj() * np.fft.rfft(other - other.mean(), size)
    scale = np.sqrt(np.square(one - one.mean()).sum() * np.square(other - other.mean()).sum())
    return float(np.abs(np.fft.irfft(product, size)).max() / scale)


def samples(path: Path) -> np.ndarray:
    """A recording at 22.05 kHz, mono."""
    return np.concatenate(list(read_blocks(path, 22050, None)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("manifest", type=Path)
    parser.add_argument("features", type=Path)
    parser.add_argument("audio", type=Path)
    parser.add_argument("--confirm", type=int, default=300)
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
    found, likeness = [], Likeness(every, round(args.least * rate))
    for i in range(len(table) - 1):
        r, lag = likeness(i)
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
    likest = rows[~one_fold].head(args.confirm)
    ends = zip(likest.path_i, likest.path_j, strict=True)
    likest = likest.assign(
        waveform=[waveform_likeness(samples(args.audio / a), samples(args.audio / b)) for a, b in ends]
    )
    print(f"the likest {len(likest)} of them as waveforms:")
    shown = ["waveform", "correlation", "lag_s", "path_i", "fold_i", "path_j", "fold_j"]
    print(likest.sort_values("waveform", ascending=False)[shown].head(args.show).to_string(index=False))
    if args.csv:
        rows.to_csv(args.csv, index=False)


if __name__ == "__main__":
    main()
