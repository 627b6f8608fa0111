"""A step of the walk: trained, watched and judged, each against a reference."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import adjusted_rand_score

from earmark.experiments.siamese_blstm import fit, judge
from earmark.experiments.siamese_blstm.step import apart
from earmark.experiments.siamese_blstm.watch import TrainingCurves
from earmark.tasks.speaker.networks import build, pairs
from siamese_walk import settings


def tower(step):
    """A network of the step as it is drawn."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return build.build(step.model, 40).eval()


def steps(root, *overrides: str):
    return {s.name: s for s in settings(root, *overrides).steps}


def test_a_step_repeats_and_says_what_it_is(root, sounds):
    step = steps(root)["labels"]
    found, again, other = (fit.fit(step, sounds, seed) for seed in (1, 1, 2))
    assert {k: len(v) for k, v in found["curves"].items()} == {
        "loss": 1,
        "threshold": 1,
        "custom_metric": 1,
        "asker_accuracy": 1,
        "negative_share": 1,
    }
    assert found["curves"] == again["curves"]
    assert found["curves"]["loss"] != other["curves"]["loss"]
    assert (found["step"], found["seed"]) == ("labels", 1)
    assert 0 <= found["eer_native"] <= 1
    assert found["dead_share"] > 0
    assert len(found["distances_same"]) == 21


def test_every_step_runs(root, sounds):
    found = {name: fit.fit(s, sounds, 1) for name, s in steps(root).items()}
    assert found["asked"]["dead_share"] > 0.3
    assert found["softplus"]["dead_share"] is None
    assert found["symmetric"]["negative_in_training"] == found["symmetric"]["negative_share"] == 0
    assert found["labels"]["negative_in_training"] > 0.005
    assert "asker_accuracy" not in found["aam"]
    assert found["aam"]["curves"].keys() == {"loss", "threshold", "custom_metric"}
    # only what is read changes: the same network, the same word, and another embedding
    assert found["dense"]["curves"] == found["softmax"]["curves"]
    assert found["dense"]["eer_native"] == found["softmax"]["eer_native"]
    for one in found.values():
        assert {"mr", "ari", "mr_untrained", "eer_untrained", "custom_metric"} <= one.keys()


@pytest.mark.parametrize(
    ("before", "after"),
    [("own_distance", "labels"), ("softplus", "over_mean"), ("softplus", "by_direction"), ("asked", "answered")],
)
def test_what_a_step_turns_changes_its_training(root, sounds, before, after):
    both = [fit.fit(steps(root, "train.batches=20")[name], sounds, 1) for name in (before, after)]
    assert both[0]["curves"]["loss"] != pytest.approx(both[1]["curves"]["loss"], rel=1e-3)
    assert both[0]["lowest"] != both[1]["lowest"]


def test_the_asked_network_comes_to_a_stand(root, sounds):
    """The loss falls to .5, where it has no slope; the alarm rings, and no accuracy in his shapes is above .5."""
    found = fit.fit(steps(root, "train.batches=60")["asked"], sounds, 1)
    loss = found["curves"]["loss"]
    assert min(loss) >= 0.5 - 1e-6
    assert loss[0] > loss[-1] == pytest.approx(0.5, abs=2e-3)
    assert max(found["curves"]["asker_accuracy"]) <= 0.5
    assert found["curves"]["custom_metric"] == pytest.approx([0.5] * 6)
    assert "broadcast: false" in found["alarm"]


def test_accuracies_are_logged_of_the_batchs_pairs(root, sounds):
    """By hand, of ten batches: three of words that are right, seven of words that are all alike."""
    step = steps(root)["softplus"]
    watch, labels = TrainingCurves(step, sounds.val), torch.arange(4).repeat_interleave(4)
    apart_words = 1e-3 + 5 * torch.eye(4)[labels]
    alike = torch.ones(16, 4)
    for i in range(13):
        watch.before(tower(step))
        watch.chosen = 1.0
        watch.after(torch.tensor(float(i)), apart_words if i < 3 else alike, labels)
    found = watch.curves()  # thirteen batches make one point
    # right words: 0 between pairs of one speaker, far more than 1 between others: no rounded distance is its label
    assert found["asker_accuracy"] == pytest.approx([0.3 * 0 + 0.7 * 0.5])
    assert found["custom_metric"] == pytest.approx([0.3 * 1 + 0.7 * 0.5])
    assert found["loss"] == [4.5]
    assert found["negative_share"] == [0]
    assert found["threshold"] == [1.0]


def test_the_logged_accuracies_have_the_steps_shapes(root, sounds):
    """The answered network's labels meet every distance, so that of half and half half is right, whatever it says."""
    both = steps(root)
    labels = torch.arange(4).repeat_interleave(4)
    for name, expected in (("answered", 0.5), ("softplus", 1.0)):
        watch = TrainingCurves(both[name], sounds.val)
        for _ in range(10):
            watch.before(tower(both[name]))
            watch.chosen = 1.0
            watch.after(torch.zeros(()), 1e-3 + 5 * torch.eye(4)[labels], labels)
        assert watch.curves()["custom_metric"] == [pytest.approx(expected)]


def test_the_threshold_is_chosen_on_validation_segments_again_and_again(root, sounds):
    step = steps(root)["softplus"]
    network = tower(step)
    watch = TrainingCurves(step, sounds.val)
    chosen = []
    heard, v = sounds.val, sounds.val.voices
    for i in range(25):
        if i == 12:
            with torch.no_grad():
                network.dense[-1].weight.mul_(3)
        watch.before(network.train())
        assert network.training
        chosen.append(watch.chosen)
    assert chosen[:20] == [chosen[0]] * 20
    assert chosen[20:] == [chosen[20]] * 5
    assert chosen[20] != chosen[0]
    with torch.no_grad():
        first = torch.stack([torch.from_numpy(v.values[o : o + 40].astype(np.float32)) for o in v.offsets])
        words = network.eval()((first - first.mean((1, 2), keepdim=True)) / 15)
        d = apart(words[heard.a], words[heard.b], step).numpy()
    right = lambda t: ((d[heard.same] < t).mean() + (d[~heard.same] >= t).mean()) / 2  # noqa: E731
    assert right(chosen[20]) == pytest.approx(max(right(t) for t in [*d, d.max() + 1]))


def test_utterances_are_means_of_their_segments(root, sounds):
    for name in ("dense", "asked"):
        step = steps(root)[name]
        network, v = tower(step), sounds.test.voices
        with torch.no_grad():
            found = judge.Utterances(network, sounds.test, step)
            first = torch.from_numpy(v.values[: v.lengths[0]].astype(np.float32))
            parts = torch.stack([first[i : i + 40] for i in range(0, len(first) - 39, 40)])
            parts = (parts - parts.mean((1, 2), keepdim=True)) / 15
            words, embeddings = network(parts), network.embed(parts)
        torch.testing.assert_close(found.words[0], words.mean(0))
        torch.testing.assert_close(found.first_words[0], words[0])
        torch.testing.assert_close(found.embeddings[0], embeddings.mean(0))
    assert embeddings.shape[1] == network.blstm2.n_out  # as asked: of the second BLSTM, both directions
    assert words.shape[1] == 128


def test_clustering_error_is_scipys(root, sounds):
    """Average linkage of cosine distances, cut into as many clusters as speakers, matched one to one."""
    step = steps(root)["asked"]
    with torch.no_grad():
        found = judge.Utterances(tower(step), sounds.test, step)
    rng = np.random.default_rng(0)
    found.embeddings = torch.tensor(rng.standard_normal(found.embeddings.shape) + 0.4, dtype=torch.float32)
    who = sounds.test.voices.speakers
    clusters = fcluster(linkage(found.embeddings.double().numpy(), "average", "cosine"), 3, "maxclust") - 1
    counts = np.array([[np.sum((who == s) & (clusters == c)) for c in range(3)] for s in range(3)])
    right = counts[linear_sum_assignment(-counts)].sum()
    got = judge.clustering_figures(found)
    assert got["mr"] == pytest.approx(1 - right / 12)
    assert got["ari"] == pytest.approx(adjusted_rand_score(who, clusters))
    assert 0 < got["mr"] < 1
    found.embeddings = torch.nn.functional.one_hot(torch.tensor(who)).float()
    assert judge.clustering_figures(found) == {"mr": 0, "ari": 1}


def test_of_pairs_in_a_batch_so_many_are_of_one_speaker(root):
    step = steps(root)["all_pairs"]
    labels = torch.arange(4).repeat_interleave(4)
    same = (labels[:, None] == labels).triu(1).sum() / (16 * 15 / 2)
    assert judge.share_same(step) == pytest.approx(same.item())
    for mistake in ({"broadcast": True}, {"hinge_over": "batch"}):
        wrong = replace(step, pair=replace(step.pair, **mistake))
        assert judge.share_same(wrong) == 0.5
        first, second = pairs.two_by_two(labels)
        words = torch.rand(16, 5, generator=torch.Generator().manual_seed(0))
        expected = pairs.two_by_two_loss(words[first], words[second], labels[first] == labels[second], wrong.pair)
        assert torch.equal(fit.pair_loss(words, labels, wrong), expected)
