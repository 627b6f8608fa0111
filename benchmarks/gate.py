"""Does the gate hold its level, and does it ever say yes? Simulated, without any model.

    python benchmarks/gate.py                       # about ten minutes on one core; one table
    python benchmarks/gate.py --repeats 400         # a minute
    python benchmarks/gate.py --out gate.json       # the figures beside it

Two models answer the same recordings, in groups, and the new one is promoted where the lower bound of its gain
(`evaluation.paired`, at level .05) lies above -.05. `false` is how often that happens where it is worse by just .05,
`power` where both are equal, and `limit` how often a test would say so that knows beforehand how the gain varies:
no real one does, and where that one says little, nothing says more. Recordings are answered yes or no, a share of
them differently (`disagreement`), or have shares of their own between 0 and 1; groups are of one recording, of five,
of 1 to 12 (geometric) or mostly of one and some of twenty; a group's recordings are lost together (correlation 1) or
one by one (0). Trials are scores of speakers who are harder or easier than others, or wholly lost by one model, and
the figure is the equal error rate.
`creeping` is the share of chains that end more than .05 lower: ten candidates, each worse by .02 than the champion
(or than the candidate before it), promoted where they pass against the champion and against the best champion so far
by its figure on these recordings, at the level .05 / (candidates so far). `classes` is how often an equal model of
ten classes is accused of having lost one, or the gate cannot tell, and how often a class of ten recordings that is
wholly lost is found.
"""

import argparse
import json
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import norm

MARGIN = 0.05
LEVEL = 0.05
STEP = 0.02
CANDIDATES = 10
GROUPS = (20, 40, 80, 200)
SIZES = ("one", "five", "1 to 12", "1 or 20")
DISAGREEMENT = (0.05, 0.06, 0.1, 0.2, 0.5)
SPREAD = (2.0, 20.0)  # concentration of the shares: wild, and as of models much alike
DRAWS, AT_ONCE = 2000, 250
CLASSES, CLASS_MARGIN = 10, 0.2  # the default of tasks.TASK.gate.class_margin
SPEAKER_DRAWS = 200  # TRIALS of either kind a speaker
BINS = 100
TRIALS = 6

Cell = dict[str, object]


def bounds(
    values: np.ndarray, sizes: np.ndarray, levels: tuple[float, ...], rng: np.random.Generator, end: float = -1.0
) -> np.ndarray:
    """Quantiles of the weighted quotients with an unseen group at `end`, (levels, repeats); both (repeats, groups).

    `paired.share_difference` for many tests at once: a level's lower bound with end -1, and 1 - level's upper one
    with end 1.
    """
    found = []
    for start in range(0, len(values), AT_ONCE):
        d, m = (x[start : start + AT_ONCE].T for x in (values, sizes))
        weights = rng.standard_exponential((DRAWS, len(d) + 1))
        extra = weights[:, :1] * ((m**2).sum(0) / m.sum(0))
        drawn = (weights[:, 1:] @ d + end * extra) / (weights[:, 1:] @ m + extra)
        found.append(np.quantile(drawn, levels, axis=0, method="weibull"))
    return np.concatenate(found, axis=1)


def passed(values: np.ndarray, sizes: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    """Which tests show that no more than the margin is lost: (repeats,)."""
    return bounds(values, sizes, (level,), rng)[0] > -MARGIN


def sizes_of(kind: str, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """How many recordings each group has."""
    if kind == "one" or kind == "five":
        return np.full(shape, 1 if kind == "one" else 5)
    if kind == "1 to 12":
        return np.minimum(rng.geometric(0.3, shape), 12)
    return np.where(rng.random(shape) < 0.1, 20, 1)


def answers(m: np.ndarray, gain: float, disagreement: float, together: bool, rng: np.random.Generator) -> np.ndarray:
    """Right answers of one model less those of another in groups of m recordings."""
    lost, won = (disagreement - gain) / 2, (disagreement + gain) / 2
    if together:
        u = rng.random(m.shape)
        return m * ((u >= lost) & (u < lost + won)) - m * (u < lost)
    losses = rng.binomial(m, lost)
    return rng.binomial(m - losses, won / (1 - lost)) - losses


def shares(m: np.ndarray, gain: float, spread: float, together: bool, rng: np.random.Generator) -> np.ndarray:
    """Differences between -1 and 1 a recording, summed over groups; spread: the concentration of their beta law."""
    a, b = spread * (1 + gain) / 2, spread * (1 - gain) / 2
    if together:
        return m * (2 * rng.beta(a, b, m.shape) - 1)
    each = 2 * rng.beta(a, b, (*m.shape, m.max())) - 1
    return np.where(np.arange(m.max()) < m[..., None], each, 0).sum(-1)


def tests(repeats: int, rng: np.random.Generator) -> Iterator[Cell]:
    """How often each kind of test passes."""
    kinds: list[tuple[str, Callable, float]] = [("yes/no", answers, d) for d in DISAGREEMENT]
    kinds += [("share", shares, s) for s in SPREAD]
    worse = np.empty(0)
    for n, sizes, (name, draw, spread), together, gain in product(GROUPS, SIZES, kinds, (False, True), (-MARGIN, 0.0)):
        if sizes == "one" and together:
            continue
        fits, gains = [], []
        for start in range(0, repeats, 1000):
            m = sizes_of(sizes, (min(1000, repeats - start), n), rng)
            values = draw(m, gain, spread, together, rng)
            fits.append(passed(values, m, LEVEL, rng))
            gains.append(values.sum(1) / m.sum(1))
        worse = np.concatenate(gains) if gain < 0 else worse
        yield {
            **{"what": name, "groups": n, "sizes": sizes, "correlation": int(together), "spread": spread},
            **{"gain": gain, "passes": np.concatenate(fits).mean()} | limit(worse, np.concatenate(gains), gain),
        }


def limit(worse: np.ndarray, gains: np.ndarray, gain: float) -> Cell:
    """How often equal models' gains pass what those worse by the margin pass at the level, both (repeats,)."""
    return {} if gain < 0 else {"limit": float((gains > np.quantile(worse, 1 - LEVEL)).mean())}


def chains(repeats: int, rng: np.random.Generator) -> Iterator[Cell]:
    """The share of chains of candidates that end more than the margin lower than they began."""
    for n, disagreement, each in product((80, 200), (0.06, 0.1), ("champion", "candidate")):
        lower = [_chain(n, disagreement, each, min(1000, repeats - s), rng) for s in range(0, repeats, 1000)]
        yield {
            **{"what": "chain", "groups": n, "spread": disagreement, "worse than the": each},
            "passes": float((np.concatenate(lower) > MARGIN + 1e-9).mean()),
        }


def _chain(n: int, disagreement: float, each: str, repeats: int, rng: np.random.Generator) -> np.ndarray:
    """How much lower than the first champion the last one is, (repeats,); the first has a true accuracy of .8."""
    first = rng.random((repeats, n)) < 0.8
    champion = first
    best = first.copy()
    before = first
    depth, before_depth = np.zeros(repeats, int), np.zeros(repeats, int)
    ones = np.ones((repeats, n))
    for number in range(1, CANDIDATES + 1):
        of, at = (champion, depth) if each == "champion" else (before, before_depth)
        new = _worse(of, 0.8 - STEP * at, disagreement, rng)
        fits = np.all([passed(new - 1.0 * old, ones, LEVEL / number, rng) for old in (champion, best)], axis=0)
        champion, depth = np.where(fits[:, None], new, champion), np.where(fits, at + 1, depth)
        better = fits & (new.sum(1) > best.sum(1))
        best, before, before_depth = np.where(better[:, None], new, best), new, at + 1
    return depth * STEP


def _worse(right: np.ndarray, share: np.ndarray, disagreement: float, rng: np.random.Generator) -> np.ndarray:
    """Answers that are worse by STEP and differ in a share of all; share: (repeats,), how many are right at large."""
    lost, won = (disagreement + STEP) / 2, (disagreement - STEP) / 2
    u = rng.random(right.shape)
    return np.where(right, u >= (lost / share)[:, None], u < (won / (1 - share))[:, None])


def classes(repeats: int, rng: np.random.Generator) -> Iterator[Cell]:
    """Equal models of ten classes, 6 % of whose answers differ, and a class of ten that is wholly lost."""
    for each in (2, 10, 20):
        m = np.ones((repeats * CLASSES, each), int)
        found = _lost(answers(m, 0.0, 0.06, False, rng), m, rng).reshape(2, repeats, CLASSES).any(2)
        accused, unsure = found.mean(1)
        what = {"what": "equal in ten classes", "groups": each * CLASSES}
        yield {**what, "passes": float(accused), "cannot tell": float(unsure)}
    m = np.ones((AT_ONCE, 10), int)
    found = _lost(-m, m, rng)[0].mean()
    yield {"what": "a class of ten, wholly lost", "groups": 100, "passes": float(found)}


def _lost(values: np.ndarray, sizes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """As the gate judges classes: which are lost, and of which that cannot be told, (2, tests)."""
    middle, high = bounds(values, sizes, (0.5, 1 - LEVEL / CLASSES), rng, end=1.0)
    low = middle < -CLASS_MARGIN
    return np.stack([low & (high < 0), low & (high >= 0)])


def speakers(repeats: int, rng: np.random.Generator) -> Iterator[Cell]:
    """How often equal error rates of .1 and .1 plus the margin are taken for no worse, and those of equal models."""
    worse = np.empty(0)
    for n, effect, gain in product(GROUPS, (0.0, 0.7), (-MARGIN, 0.0)):
        found = [_no_worse(*_voices(n, effect, (0.1 - gain, 0.1), rng), rng) for _ in range(repeats)]
        fits, gains = np.array(found).T
        worse = gains if gain < 0 else worse
        yield {
            **{"what": "equal error rate", "groups": n, "spread": effect},
            **{"gain": gain, "passes": float(fits.mean())} | limit(worse, gains, gain),
        }
    for n in GROUPS:
        passes = float(np.mean([_no_worse(*_lost_voices(n, rng), rng)[0] for _ in range(repeats)]))
        yield {"what": "equal error rate", "groups": n, "sizes": "lost speakers", "gain": -MARGIN, "passes": passes}


def _voices(n: int, effect: float, rates: tuple[float, ...], rng: np.random.Generator) -> tuple:
    """Scores (models, trials) of either kind, and the speakers of the trials of two, (trials, 2).

    effect: the share of the variance that is the speakers', half of which both models have in common.
    """
    pairs, found = _pairs(n, rng), []
    for kind in (pairs[:, [0, 0]], pairs):
        common = rng.standard_normal(n)
        own = [np.sqrt(0.5) * (common + rng.standard_normal(n)) for _ in rates]
        of = [w[kind].sum(1) / np.sqrt(np.where(kind[:, 0] == kind[:, 1], 4, 2)) for w in own]
        noise = rng.standard_normal((len(rates), len(kind)))
        found.append(np.sqrt(effect) * np.stack(of) + np.sqrt(1 - effect) * noise)
    same, different = found
    return same - 2 * norm.ppf(np.array(rates))[:, None], different, pairs


def _pairs(n: int, rng: np.random.Generator) -> np.ndarray:
    """Every speaker with some others, (trials, 2)."""
    first = np.repeat(np.arange(n), TRIALS)
    return np.stack([first, (first + rng.integers(1, n, n * TRIALS)) % n], 1)


def _lost_voices(n: int, rng: np.random.Generator) -> tuple:
    """As `_voices`: two models that err in nothing, but that the first has lost some speakers wholly.

    So many that a twentieth of the trials of two speakers is of one of them, which is its equal error rate.
    """
    pairs, lost = _pairs(n, rng), rng.random(n) < 1 - np.sqrt(1 - MARGIN)
    same, different = (mean + 0.3 * rng.standard_normal((2, n * TRIALS)) for mean in (4, 0))
    same[0, lost[pairs[:, 0]]], different[0, lost[pairs].any(1)] = -3.9, 5.9
    return same, different, pairs


def _no_worse(
    same: np.ndarray, different: np.ndarray, pairs: np.ndarray, rng: np.random.Generator
) -> tuple[bool, float]:
    """`tasks.speaker.outcomes.difference` on a grid of thresholds: is the first one's rate no higher by the margin?

    And by how much it is lower.
    """
    n = pairs.max() + 1
    w = rng.standard_exponential((SPEAKER_DRAWS, n + 1), np.float32)
    w[0] = 1  # the figure itself, where the unheard speaker is left out
    unseen, w = w[:, :1], w[:, 1:]
    unseen[0] = 0
    weights = w[:, pairs[:, 0]], w[:, pairs[:, 0]] * w[:, pairs[:, 1]]
    extra = unseen * TRIALS, unseen * w.sum(1, keepdims=True) * 2 * TRIALS / n
    edges = np.linspace(-4, 6, BINS)
    rates = []
    for model, errs in ((0, 1.0), (1, 0.0)):
        rates_of = same[model][:, None] < edges, different[model][:, None] >= edges
        wrong = tuple(each.astype(np.float32) for each in rates_of)
        parts = zip(wrong, weights, extra, strict=True)
        rates.append(_eer(*((x @ e + errs * more) / (x.sum(1, keepdims=True) + more) for e, x, more in parts)))
    loss = rates[0] - rates[1]
    return bool(np.quantile(loss[1:], 1 - LEVEL, method="weibull") < MARGIN), float(-loss[0])


def _eer(miss: np.ndarray, false_alarm: np.ndarray) -> np.ndarray:
    """Where the two rates (draws, thresholds) cross, thresholds ascending."""
    gap = miss - false_alarm
    after = np.argmax(gap >= 0, axis=1)[:, None]
    g0, g1, m0, m1 = (np.take_along_axis(x, i, 1)[:, 0] for x in (gap, miss) for i in (np.maximum(after - 1, 0), after))
    return m0 + (m1 - m0) * np.divide(-g0, g1 - g0, out=np.zeros_like(g0), where=g1 != g0)


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """The worst cells and the power, a row each."""
    rows = []
    for what in ("yes/no", "share", "equal error rate"):
        its = table[table.what == what]
        for n in sorted(its.groups.unique()):
            here = its[its.groups == n]
            worst = here[here.gain < 0].sort_values("passes").iloc[-1]
            rows.append((what, n, "worst false", worst.passes, _named(worst), np.nan))
            equal = here[here.gain == 0]
            some = equal[(equal.spread == 0.06)] if what == "yes/no" else equal
            if n == max(its.groups):
                rows += [(what, n, "power", row.passes, _named(row), row.limit) for _, row in some.iterrows()]
    others = table[~table.what.isin(("yes/no", "share", "equal error rate"))]
    rows += [(r.what, r.groups, "share", r.passes, _named(r), np.nan) for _, r in others.iterrows()]
    return pd.DataFrame(rows, columns=["what", "groups", "is", "figure", "where", "limit"])


def _named(row: pd.Series) -> str:
    known = row.drop(["what", "groups", "gain", "passes", "limit"], errors="ignore").dropna()
    return ", ".join(f"{k} {v:g}" if isinstance(v, float) else f"{k} {v}" for k, v in known.items())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=4000, help="simulated tests a cell")
    parser.add_argument("--speaker-repeats", type=int, help="those of equal error rates; default: as many")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, help="a JSON file of every cell")
    args = parser.parse_args()
    parts = [(tests, args.repeats), (chains, args.repeats), (classes, args.repeats)]
    parts.append((speakers, args.speaker_repeats or args.repeats))
    cells = [cell for part, repeats in parts for cell in part(repeats, np.random.default_rng(args.seed))]
    with pd.option_context("display.width", 140, "display.max_colwidth", 70, "display.max_rows", None):
        print(summary(pd.DataFrame(cells)).to_string(index=False, float_format="{:.3f}".format, na_rep=""))
    if args.out:
        args.out.write_text(json.dumps(cells, indent=1) + "\n")


if __name__ == "__main__":
    main()
