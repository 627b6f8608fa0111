"""Who is who without names: agglomeration of embeddings, judged by the speakers that are known.

Average linkage on cosine distance (1 - cosine, 0..2); a threshold is the distance up to which groups are joined.
"""

import numpy as np
from scipy.cluster import hierarchy
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import squareform
from scipy.special import entr

CUTS_A_SPEAKER = 4  # clusters a speaker among which a threshold is looked for; more never help a usable embedding
EPSILON = 1e-12  # information below it is rounding


def tree(embeddings: np.ndarray) -> np.ndarray:
    """scipy's linkage matrix (n - 1, 4) of embeddings (n, d), L2-normalised; n at least 2."""
    e = embeddings.astype(np.float64)
    distances = np.clip(1 - e @ e.T, 0, 2)
    np.fill_diagonal(distances, 0)
    return hierarchy.linkage(squareform(distances, checks=False), "average")


def cut_into(merges: np.ndarray, k: int) -> np.ndarray:
    """Exactly k clusters: (n,) numbers from 0. k from 1 to n."""
    # By rank, since a cut at a distance gives fewer clusters than k where several merges share one.
    ranked = merges.copy()
    ranked[:, 2] = np.arange(len(merges))
    return hierarchy.fcluster(ranked, len(merges) - k + 0.5, "distance") - 1


def cut_at(merges: np.ndarray, threshold: float) -> np.ndarray:
    """The clusters left when all merges up to a distance are done: (n,) numbers from 0."""
    return hierarchy.fcluster(merges, threshold, "distance") - 1


def in_own_cluster(clusters: np.ndarray, speakers: np.ndarray) -> np.ndarray:
    """Which utterances (n,) lie in the cluster that is their speaker's.

    Clusters and speakers are assigned one to one so that as many utterances as possible lie right (Hungarian method);
    a cluster too many is nobody's, a speaker without one is all wrong.
    """
    _, row = np.unique(speakers, return_inverse=True)
    _, column = np.unique(clusters, return_inverse=True)
    counts = np.zeros((row.max() + 1, column.max() + 1), np.int64)
    np.add.at(counts, (row, column), 1)
    of_speaker = np.full(len(counts), -1)
    rows, columns = linear_sum_assignment(counts, maximize=True)
    of_speaker[rows] = columns
    return of_speaker[row] == column


def misclassification_rate(clusters: np.ndarray, speakers: np.ndarray) -> float:
    """Share of utterances that are not in their speaker's cluster: the MR of ZHAW's speaker clustering papers."""
    return float(1 - in_own_cluster(clusters, speakers).mean())


def agreement(clusters: np.ndarray, speakers: np.ndarray) -> dict[str, float]:
    """ari, the adjusted Rand index, and nmi, mutual information over the mean entropy."""
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score  # an answer does not want it

    return {
        "ari": float(adjusted_rand_score(speakers, clusters)),
        "nmi": float(normalized_mutual_info_score(speakers, clusters)),
    }


def agreements(clusters: np.ndarray, speakers: np.ndarray, draws: list[np.ndarray]) -> dict[str, np.ndarray]:
    """`agreement` of each of many draws (places of utterances, which may come twice): (draws,) values by name.

    All at once, from the draws' tables of speakers by clusters: one by one it takes milliseconds each.
    """
    (_, row), (_, column) = (np.unique(x, return_inverse=True) for x in (speakers, clusters))
    shape = row.max() + 1, column.max() + 1
    cell = row * shape[1] + column
    counts = np.stack([np.bincount(cell[d], minlength=shape[0] * shape[1]).reshape(shape) for d in draws]).astype(float)
    n = counts.sum((1, 2))
    by_speaker = counts.sum(2)
    by_cluster = counts.sum(1)
    together, of_speaker, of_cluster = ((x**2).reshape(len(x), -1).sum(1) - n for x in (counts, by_speaker, by_cluster))
    expected = of_speaker * of_cluster / np.maximum(n * (n - 1), 1)
    most = (of_speaker + of_cluster) / 2
    alike = (of_speaker == together) & (of_cluster == together)
    ari = np.where(alike, 1.0, (together - expected) / np.where(alike, 1.0, most - expected))
    of_s, of_c, of_both = (entr(x.reshape(len(x), -1) / n[:, None]).sum(1) for x in (by_speaker, by_cluster, counts))
    mean, shared = (of_s + of_c) / 2, of_s + of_c - of_both
    nmi = np.where(mean == 0, 1.0, np.where(shared > EPSILON, shared, 0.0) / np.where(mean == 0, 1.0, mean))
    return {"ari": ari, "nmi": nmi}


def best_threshold(merges: np.ndarray, speakers: np.ndarray) -> float:
    """The distance at which a cut misclassifies least, in the middle of the widest such gap between merges.

    To be chosen on validation speakers (n,) and carried to others.
    """
    n, heights = len(speakers), merges[:, 2]
    most = min(n, CUTS_A_SPEAKER * len(np.unique(speakers)))
    # After n - k merges there are k clusters; the cut lies between the last of these and the next one.
    low = np.array([heights[n - k - 1] if k < n else 0.0 for k in range(1, most + 1)])
    high = np.array([heights[n - k] if k > 1 else 2.0 for k in range(1, most + 1)])
    rates = np.array([misclassification_rate(cut_into(merges, k), speakers) for k in range(1, most + 1)])
    rates[high <= low] = 2.0  # equal distances leave no room for a cut
    gaps = np.where(rates == rates.min(), high - low, -1.0)
    chosen = int(np.argmax(gaps))
    return float((low[chosen] + high[chosen]) / 2)
