"""A linear-chain CRF over chord classes whose transitions do not know the key they are in.

The score of going from one chord to the next depends on both qualities and on the interval between the roots:
44 x 44 x 12 numbers for 528 chords instead of 528 x 528, each learnt from all twelve keys. N stands apart.
Classes are `quality * 12 + root`, then N (chords.vocabulary).
"""

import numpy as np
import torch
from torch import Tensor, nn

from earmark.features.rows import Rows
from earmark.tasks.chord.decoding.viterbi import Scores, blocks

LARGEST_ODDS = 14.0  # of a change, as logarithm: a frame's word is worth no more than a millionth's doubt


class TiedCrf(nn.Module):
    """p(classes | frames) ~ exp(start + sum of unary + sum of transitions), linear-chain (Lafferty et al. 2001).

    pair: (qualities, qualities, 12) score from one quality to another whose root lies 0..11 semitones above.
    to_none, from_none: (qualities,); none: (), from N to N; start: (qualities + 1,), N last.
    sharpness: () multiplies the log-probabilities that it is given. Frames are far from independent, so their sum
        is too sure of itself; a CRF trained on a network's outputs learns how much to believe them.
    switch: (2,), weight w and usual log-odds b of what the network hears of changes: a change of class into a frame
        whose log-odds of a change are x scores w * (x - b) more. At w 0 the network's word on changes counts nowhere.
    """

    def __init__(self, n_qualities: int = 44, stay: float = 4.0):
        """stay: score of remaining on a chord before training; all other transitions begin at 0."""
        super().__init__()
        self.n_qualities, self.n_classes = n_qualities, 12 * n_qualities + 1
        self.pair = nn.Parameter(torch.zeros(n_qualities, n_qualities, 12))
        self.to_none, self.from_none = nn.Parameter(torch.zeros(n_qualities)), nn.Parameter(torch.zeros(n_qualities))
        self.none, self.start = nn.Parameter(torch.tensor(stay)), nn.Parameter(torch.zeros(n_qualities + 1))
        self.sharpness, self.switch = nn.Parameter(torch.ones(())), nn.Parameter(torch.zeros(2))
        self.pair.data[range(n_qualities), range(n_qualities), 0] = stay

    def transitions(self) -> Tensor:
        """Scores (from class, to class): (n_classes, n_classes)."""
        root = torch.arange(12, device=self.pair.device)
        above = (root[None, :] - root[:, None]) % 12  # (root from, root to)
        pair = self.pair[:, :, above].permute(0, 2, 1, 3).reshape(self.n_classes - 1, self.n_classes - 1)
        column = torch.cat([self.from_none.repeat_interleave(12), self.none.view(1)])
        return torch.cat([torch.cat([pair, self.to_none.repeat_interleave(12).unsqueeze(1)], 1), column.unsqueeze(0)])

    def starts(self) -> Tensor:
        """Scores of the first frame's class: (n_classes,)."""
        return torch.cat([self.start[:-1].repeat_interleave(12), self.start[-1:]])

    def gains(self, change: Tensor) -> Tensor:
        """What a change of class into a frame scores more, from its log-odds (...) of a change: the same shape."""
        return self.switch[0] * (change.clamp(-LARGEST_ODDS, LARGEST_ODDS) - self.switch[1])

    def log_likelihood(
        self, log_probs: Tensor, classes: Tensor, lengths: Tensor | None = None, change: Tensor | None = None
    ) -> Tensor:
        """log p(classes | frames) of every song: (batch,).

        log_probs: (batch, frames, n_classes), any scores; classes: (batch, frames) int64; lengths: (batch,) in
        frames, at least 1; change: (batch, frames) log-odds of a change into each frame, None: the network says
        nothing of changes. A class of -100 (X) counts as unknown: summed over, so that nothing is learnt from it.
        """
        inside, trans = _inside(log_probs, lengths), self.transitions()
        unary = self.sharpness * log_probs.float().masked_fill(~inside.unsqueeze(2), 0)
        heard = unary.new_zeros(unary.shape[:2]) if change is None else change.float().masked_fill(~inside, 0)
        gains = self.gains(heard) if change is not None else heard
        if bool((classes[inside] >= 0).all()):
            return self._score(unary, classes, inside, trans, gains) - self._log_sum(unary, inside, trans, gains)
        only = self._log_sum(_only(unary, classes), inside, trans, gains)
        return only - self._log_sum(unary, inside, trans, gains)

    def _score(self, unary: Tensor, classes: Tensor, inside: Tensor, trans: Tensor, gains: Tensor) -> Tensor:
        """Score of one path a song, all frames at once: (batch,)."""
        classes = classes.masked_fill(~inside, 0)
        here = unary.gather(2, classes.unsqueeze(2)).squeeze(2).masked_fill(~inside, 0)
        before, after = classes[:, :-1], classes[:, 1:]
        moves = trans[before, after] + gains[:, 1:] * (before != after)
        return self.starts()[classes[:, 0]] + here.sum(1) + moves.masked_fill(~inside[:, 1:], 0).sum(1)

    def _log_sum(self, unary: Tensor, inside: Tensor, trans: Tensor, gains: Tensor) -> Tensor:
        """Logarithm of the sum over all paths, by the forward algorithm: (batch,).

        A step is one matrix product of the whole batch: exp(alpha - its maximum) @ exp(transitions), of which staying
        is apart, since a change has its frame's gain.
        """
        top = trans.detach().amax()
        weights = (trans - top).exp()
        stay = weights.diagonal()
        move = weights - torch.diag(stay)
        most_gained = gains.detach().clamp_min(0)
        changing, staying = (gains - most_gained).exp()[..., None], (-most_gained).exp()[..., None]
        alpha = self.starts() + unary[:, 0]
        for t in range(1, unary.shape[1]):
            most = alpha.detach().amax(1, keepdim=True)
            share = (alpha - most).exp()
            reached = (share @ move) * changing[:, t] + share * stay * staying[:, t]
            reached = reached.clamp_min(1e-37).log() + most + top + most_gained[:, t, None]
            alpha = torch.where(inside[:, t, None], reached + unary[:, t], alpha)
        return alpha.logsumexp(1)

    @torch.no_grad()
    def fit_counts(self, songs: list[np.ndarray], prior: float = 1.0) -> None:
        """Set the transitions to log-probabilities counted in songs of classes (frames,), -100 as a break.

        Generative, without a gradient: quick, and a good start for training. `prior` counts are shared among the
        transitions out of a chord, so that none is impossible.
        """
        q = self.n_qualities
        pair = np.zeros((q, q, 12))
        to_none = np.zeros(q)
        from_none = np.zeros(q)
        none = 0.0
        start = np.full(q + 1, prior)
        for song in songs:
            known = (song[:-1] >= 0) & (song[1:] >= 0)
            a, b = song[:-1][known], song[1:][known]
            chord_a, chord_b = a < 12 * q, b < 12 * q
            i, j = a[chord_a & chord_b], b[chord_a & chord_b]
            np.add.at(pair, (i // 12, j // 12, (j - i) % 12), 1)  # 12 divides every quality's offset
            np.add.at(to_none, a[chord_a & ~chord_b] // 12, 1)
            np.add.at(from_none, b[~chord_a & chord_b] // 12, 1)
            none += int((~chord_a & ~chord_b).sum())
            np.add.at(start, song[song >= 0][:1] // 12, 1)
        each = prior / self.n_classes
        total = pair.sum((1, 2)) + to_none + prior
        for parameter, value in (
            (self.pair, np.log((pair + each) / total[:, None, None])),
            (self.to_none, np.log((to_none + each) / total)),
            (self.from_none, np.log((from_none / 12 + each) / (from_none.sum() + none + prior))),
            (self.none, np.log((none + each) / (from_none.sum() + none + prior))),
            (self.start, np.log(start / start.sum() / np.array([12] * q + [1]))),
        ):
            parameter.copy_(torch.as_tensor(value))

    @torch.no_grad()
    def decoder(self) -> "Decoder":
        """The trained scores, ready for Viterbi."""
        scores = self.transitions().cpu().numpy(), self.starts().cpu().numpy()
        weight, usual = self.switch.tolist()
        return Decoder(*scores, self.sharpness.item(), (weight, usual))


class Decoder:
    """Viterbi over many classes, exact, without looking at every pair of them in every frame.

    In a frame most chords are so far behind the best one, b, that no path through them can win: i may pass
    something on to another class only if, for some j, score_i + A_ij > score_b + A_bj, that is if
    score_i > score_b - reach[b, i] with reach[b, i] = max over j of A_ij - A_bj. Only these few are expanded;
    staying is looked at for all. The sharper the frames, the fewer there are; the path is the same.
    """

    def __init__(
        self,
        transitions: np.ndarray,
        starts: np.ndarray,
        sharpness: float = 1.0,
        switch: tuple[float, float] = (0.0, 0.0),
    ):
        """transitions: (from, to), starts: (classes,), any finite scores. switch: as of TiedCrf."""
        self.switch = switch
        self.transitions = np.ascontiguousarray(transitions, np.float32)
        self.starts, self.sharpness = starts.astype(np.float32), np.float32(sharpness)
        self.stay = self.transitions.diagonal().copy()
        self.moves = self.transitions.copy()
        np.fill_diagonal(self.moves, -np.inf)
        self._own = np.arange(len(self.starts), dtype=np.uint16)
        self._known_reach: dict[int, np.ndarray] = {}

    def __call__(self, log_probs: Scores, change: np.ndarray | None = None) -> np.ndarray:
        """The best path (frames,) int64 through log_probs (frames, classes).

        change: (frames,) log-odds of a change into each frame, as the transition head has them; None: they count
        nowhere.
        """
        n = len(log_probs)
        if n == 0:
            return np.zeros(0, np.int64)
        cost = np.zeros(n, np.float32) if change is None else self.costs(change)
        score, t = None, 0
        with Rows() as kept:
            for block in blocks(log_probs):
                unary = self.sharpness * np.asarray(block, np.float32)
                back = np.zeros(unary.shape, np.uint16)
                for row, into in zip(unary, back, strict=True):
                    if score is None:
                        score = self.starts + row
                    else:
                        score, into[:] = self._step(score, cost[t])
                        score += row
                    t += 1
                kept.append(back)
            return _traced(kept, int(score.argmax()))

    def costs(self, change: np.ndarray) -> np.ndarray:
        """What a change of class into each frame costs, (frames,) float32; below 0 it is a gain."""
        weight, usual = self.switch
        return (-weight * (np.clip(change, -LARGEST_ODDS, LARGEST_ODDS) - usual)).astype(np.float32)

    def _step(self, score: np.ndarray, cost: np.float32) -> tuple[np.ndarray, np.ndarray]:
        """Scores (classes,) -> scores before the next frame is heard, and the class that each came from."""
        best = int(score.argmax())
        score = score - score[best]  # relative to the best, or an hour's sum would eat float32's digits
        # a negative cost is a gain that all moves have, but for the best's staying: widen by it
        near = np.flatnonzero(score >= min(cost, 0) - self._reach(best))
        via = score[near, None] + self.moves[near]
        chosen = via.argmax(0)
        moved = via[chosen, self._own] - cost
        stayed = score + self.stay
        leaves = moved > stayed
        return np.where(leaves, moved, stayed), np.where(leaves, near[chosen], self._own)

    def _reach(self, best: int) -> np.ndarray:
        """How far behind `best` a class (classes,) may be and still matter; worked out when a class first leads."""
        if best not in self._known_reach:
            self._known_reach[best] = (self.moves - self.transitions[best]).max(1).clip(0)
        return self._known_reach[best]


def _traced(kept: Rows, last: int) -> np.ndarray:
    """Follow the pointers (frames, classes) from the last frame's class to the first's."""
    path = np.empty(len(kept), np.int64)
    for start, back in kept.backwards():
        for t in range(start + len(back) - 1, start - 1, -1):
            path[t] = last
            last = int(back[t - start, last])
    return path


def _inside(x: Tensor, lengths: Tensor | None) -> Tensor:
    """(batch, frames) bool: true where a frame belongs to its song."""
    n, t = x.shape[:2]
    if lengths is None:
        return torch.ones(n, t, dtype=torch.bool, device=x.device)
    return torch.arange(t, device=x.device) < lengths.to(x.device)[:, None]


def _only(unary: Tensor, classes: Tensor) -> Tensor:
    """unary (batch, frames, n) with -1e9 for every class but the known one; untouched where it is negative."""
    allowed = torch.zeros_like(unary, dtype=torch.bool).scatter(2, classes.clamp_min(0).unsqueeze(2), True)
    return torch.where(allowed | (classes < 0).unsqueeze(2), unary, -1e9)
