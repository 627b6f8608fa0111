"""Statistics beside a network: as scipy, librosa and scikit-learn compute them, and their share of a cosine."""

from dataclasses import replace

import librosa
import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from scipy.fft import dct
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.preprocessing import StandardScaler

from earmark import config
from earmark.features.store import Store
from earmark.tasks.speaker import closed_form, embedding, log_mel, predictions, train
from earmark.tasks.speaker.dataset import SpeakerDataset
from earmark.tasks.speaker.networks import build
from earmark.tasks.speaker.networks.statistics import SpeakerStatistics, slopes
from earmark.tasks.speaker.settings import (
    SpeakerFeatureSettings,
    SpeakerTrainSettings,
    TdnnSettings,
)
from earmark.tasks.speaker.trials import pairing
from project import REPOSITORY

FEATURES = SpeakerFeatureSettings(16000, 512, 160, 24, 20.0, 7600.0, 80.0, 0.0, (1.1,), "level")
MODEL = TdnnSettings(width=0.1, embedding=16, statistics=0.3)


def material(speakers: int = 6, each: int = 5, longest: int = 60) -> SpeakerDataset:
    """Recordings of coloured noise; the last two speakers are val's. Those of training stand there at 1.1, too."""
    rng = np.random.default_rng(0)
    rows = []
    ids = []
    frames = []
    colour = 8 * rng.standard_normal((speakers, 24))
    for speaker in range(speakers):
        split = "train" if speaker < speakers - 2 else "val"
        for i in range(each):
            path = f"s{speaker}_{i}.wav"
            rows.append((path, f"s{speaker}", f"s{speaker}-{i}", split, path, 0.5))
            for name, higher in ((path, 0), (f"{path}@1.1", 1)):
                x = np.roll(colour[speaker], higher) + 6 * rng.standard_normal((rng.integers(30, longest), 24)) - 40
                frames.append(np.minimum(x, 0).astype(np.float16))
                ids.append(name)
    lengths = np.array([len(x) for x in frames])
    store = Store(np.concatenate(frames), np.cumsum(lengths) - lengths, lengths, ids, {}, "of noise")
    table = pd.DataFrame(rows, columns=["path", "label", "group", "split", "utterance", "duration_s"])
    return SpeakerDataset(table, store, FEATURES, pairing.of_manifest(table, None, 1000, 1, pytest.fail))


def expected(frames: np.ndarray) -> np.ndarray:
    """Statistics of (frames, 24) decibels, by scipy's DCT and librosa's deltas; in units of 15 dB as the views are."""
    cepstra = dct(frames.astype(np.float64) / 15, norm="ortho", axis=1)[:, 1:].T
    values = np.concatenate([cepstra, librosa.feature.delta(cepstra, width=9)])
    return np.concatenate([values.mean(1), values.std(1)])


def random(n_bands: int) -> SpeakerStatistics:
    """A tower that has learnt anything."""
    torch.manual_seed(0)
    tower = SpeakerStatistics(n_bands)
    tower.mean.normal_()
    tower.deviation.uniform_(0.5, 2)
    torch.nn.init.normal_(tower.project.weight)
    return tower


def test_statistics_are_scipys_and_librosas():
    frames = (20 * np.random.default_rng(0).standard_normal((2, 37, 24))).astype(np.float32)
    found = SpeakerStatistics(24).statistics(log_mel.normalized(torch.from_numpy(frames), "level"))
    assert found.shape == (2, 92)
    np.testing.assert_allclose(found, [expected(x) for x in frames], atol=1e-5)


def test_sixty_cepstra_of_eighty_bands():
    frames = (20 * np.random.default_rng(0).standard_normal((12, 80))).astype(np.float32)
    found = SpeakerStatistics(80).statistics(torch.from_numpy(frames)[None] / 15)
    assert found.shape == (1, 4 * 59)
    np.testing.assert_allclose(found[0, :59], dct(frames / 15, norm="ortho", axis=1)[:, 1:60].mean(0), atol=1e-5)


def test_slopes_of_a_sound_shorter_than_their_width():
    found = slopes(torch.tensor([[[0.0, 1.0, 2.0]]]))
    torch.testing.assert_close(found, torch.tensor([[[19 / 60, 20 / 60, 19 / 60]]]))  # as the baseline's, by hand
    torch.testing.assert_close(slopes(torch.ones(1, 2, 1)), torch.zeros(1, 2, 1), atol=1e-6, rtol=0)


def test_the_level_does_not_matter_and_padding_changes_nothing():
    tower, x = random(24), torch.randn(3, 20, 24)
    torch.testing.assert_close(tower(x + 3), tower(x), atol=1e-4, rtol=1e-4)
    lengths = torch.tensor([20, 7, 12])
    alone = torch.cat([tower(x[i : i + 1, :n]) for i, n in enumerate(lengths)])
    torch.testing.assert_close(tower(torch.cat([x, torch.full((3, 5, 24), 9.0)], 1), lengths), alone)
    assert not torch.allclose(tower(x), alone, atol=0.1)


def test_what_is_learnt_is_scikit_learns():
    """On utterances at both speeds, each speed a class of its own: scikit-learn's transform of new recordings."""
    given = material()
    train = given.table[given.table["split"] == "train"]
    names = [path + more for more in ("", "@1.1") for path in train.path]
    speakers = [label + more for more in ("", "@1.1") for label in train.label]
    scaler = StandardScaler().fit([expected(given.store.frames(name)) for name in names])
    lda = LinearDiscriminantAnalysis(solver="eigen", shrinkage=0.05)
    lda.fit(scaler.transform([expected(given.store.frames(name)) for name in names]), speakers)
    tower = closed_form.statistics(given)
    for name in given.table.path[given.table["split"] == "val"]:
        frames = given.store.frames(name)
        found = tower(log_mel.normalized(torch.from_numpy(frames.astype(np.float32))[None], "level"))[0].detach()
        wanted = lda.transform(scaler.transform([expected(frames)]))[0]
        assert (found.shape, wanted.shape) == ((60,), (7,))  # eight speakers tell of seven directions
        np.testing.assert_allclose(found[:7], wanted, atol=2e-3)
        assert not found[7:].any()


def test_long_recordings_are_learnt_as_they_are_heard(monkeypatch):
    monkeypatch.setattr(closed_form, "LONGEST", 40)
    given = material()
    found, speakers = closed_form.examples(SpeakerStatistics(24), given)
    parts = [-(-n // 40) for i, n in zip(given.store.ids, given.store.lengths, strict=True) if i[:2] < "s4"]
    assert len(found) == len(speakers) == sum(parts) > 40
    assert len(set(speakers)) == 8


def test_a_cosine_is_the_weighted_mean():
    """Worked by hand: the network's pair has cosine 0, that of the statistics 0.6; shares of 0.3."""

    class Fixed(torch.nn.Module):
        def __init__(self, rows):
            super().__init__()
            self.rows = torch.tensor(rows)
            self.n_out = 2
            self.basis = torch.zeros(1, 1)

        def forward(self, x, lengths=None):
            assert x.shape == (2, 5, self.n_bands)
            return self.rows

    network, statistics = Fixed([[2.0, 0.0], [0.0, 3.0]]), Fixed([[1.0, 0.0], [6.0, 8.0]])
    network.n_bands, statistics.n_bands = 2, 1
    found = build.embed(build.NetworkWithStatistics(network, statistics, 0.3), torch.zeros(2, 5, 2))
    torch.testing.assert_close(found.norm(dim=1), torch.ones(2))
    assert float(found[0] @ found[1]) == pytest.approx(0.7 * 0 + 0.3 * 0.6, abs=1e-6)


@pytest.mark.parametrize(("views", "normalize"), [(1, "level"), (2, "both")])
def test_statistics_read_the_view_without_the_level(views, normalize):
    torch.manual_seed(0)
    tower = build.build(replace(MODEL, statistics=0.5), 24, views).eval()
    tower.statistics = random(24)
    decibels = 20 * torch.randn(40, 24)
    found = embedding.of_frames(tower, decibels, normalize)
    assert found.shape == (tower.n_out,) == (16 * views + 60,)
    level = log_mel.normalized(decibels[None], "level")
    wanted = torch.nn.functional.normalize(tower.statistics(level), dim=1)[0] * 0.5**0.5
    torch.testing.assert_close(found[16 * views :], wanted, rtol=1e-4, atol=1e-5)


def test_a_training_writes_both_and_its_thresholds(tmp_path):
    raw = yaml.safe_load((REPOSITORY / "recipes/speaker.yaml").read_text())["train"]
    raw |= {"batches": 2, "epochs": 1, "speakers": 4, "segments_s": [0.1, 0.2], "device": "cpu"}
    settings = config.typed(SpeakerTrainSettings, raw, "speaker.yaml")
    given = material()
    task, _ = train.run(given, MODEL, settings, tmp_path / "both")
    train.run(given, replace(MODEL, statistics=0.0), settings, tmp_path / "network")
    both, network = predictions.Embedder(tmp_path / "both"), predictions.Embedder(tmp_path / "network")
    a, b = (given.store.frames(f"s4_{i}.wav") for i in (0, 1))
    statistics = [embedding.of_frames(closed_form.statistics(given), torch.tensor(x).float(), "level") for x in (a, b)]
    wanted = 0.7 * network.of_frames(a) @ network.of_frames(b) + 0.3 * float(statistics[0] @ statistics[1])
    assert both.of_frames(a) @ both.of_frames(b) == pytest.approx(wanted, abs=1e-5)
    assert both.config.n_parameters == network.config.n_parameters + 60 * 92
    assert both.config.release == train.thresholds(task, given.trial_set("val"))
    assert both.config.release != network.config.release


def test_whitened_embeddings_have_no_mean_and_the_spread_worked_out_by_numpy():
    given = material()
    torch.manual_seed(0)
    tower = build.build(MODEL.network, 24).eval()
    made = closed_form.whiten(tower, given, "level")
    names = given.table.path[given.table["split"] == "train"]
    heard = [
        log_mel.normalized(torch.from_numpy(given.store.frames(n).astype(np.float32))[None], "level") for n in names
    ]
    plain = np.concatenate([build.embed(tower, x).detach().numpy() for x in heard]).astype(np.float64)
    white = np.concatenate([made(x).detach().numpy() for x in heard])
    np.testing.assert_allclose(white.mean(0), 0, atol=1e-4)
    spread = np.cov(plain.T)
    shrunk = 0.7 * spread + 0.3 * np.trace(spread) / 16 * np.eye(16)
    # whichever axes a whitening turns to, inner products are those of the inverse spread
    wanted = (plain - plain.mean(0)) @ np.linalg.inv(shrunk) @ (plain - plain.mean(0)).T
    np.testing.assert_allclose(white @ white.T, wanted, rtol=1e-3, atol=1e-2)


def test_every_view_is_whitened_by_itself_and_read_as_it_was_written():
    given = material()
    given = replace(given, features=replace(FEATURES, normalize="both"))
    torch.manual_seed(0)
    model = replace(MODEL, whiten=True)
    network = build.build(model.network, 24, 2).eval()
    made = closed_form.add_closed_form(network, given, model)
    read = build.build(model, 24, 2).eval()
    read.load_state_dict(made.state_dict())
    x = given.store.frames("s5_0.wav").astype(np.float32)
    found = embedding.of_frames(read, torch.from_numpy(x), "both")
    assert torch.equal(found, embedding.of_frames(made, torch.from_numpy(x), "both"))
    for i, view in enumerate(("level", "bands")):
        alone = embedding.of_frames(closed_form.whiten(network.towers[i], given, view), torch.from_numpy(x), view)
        torch.testing.assert_close(found[16 * i : 16 * (i + 1)], alone * 0.35**0.5, rtol=1e-4, atol=1e-5)


def test_shares_that_mean_nothing_are_refused():
    for share in (-0.1, 1.0):
        with pytest.raises(ValueError, match="statistics must be at least 0 and below 1"):
            replace(MODEL, statistics=share)
