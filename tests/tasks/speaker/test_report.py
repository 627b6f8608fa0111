"""Pictures of a speaker evaluation."""

from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest

from earmark.tasks.speaker import report
from earmark.tasks.speaker.trials import enrolment
from earmark.tasks.speaker.trials.trial_set import Answers, Thresholds
from speaker_answers import answers, crowd


def pictures(folder, test: Answers, beside: dict) -> None:
    report.pictures(folder, test, Thresholds(0.7, 0.4), beside, report.map_utterances(test))


def test_the_pictures_are_drawn_and_the_same_every_time(tmp_path):
    drawn = []
    for i in range(2):
        pictures(tmp_path / str(i), crowd(3, 3), {"baseline": crowd(3, 3)})
        drawn.append({p.name: p.read_bytes() for p in (tmp_path / str(i)).iterdir()})
    assert sorted(drawn[0]) == ["dendrogram.png", "det.png", "distances.png", "map.png"]
    assert all(png.startswith(b"\x89PNG") for png in drawn[0].values())
    assert drawn[0] == drawn[1]


@pytest.mark.parametrize("degrees", [(0, 0, 90, 90, 180), (7, 7, 7, 7, 7)])
def test_voices_wholly_apart_or_all_alike_can_be_drawn(tmp_path, degrees):
    pictures(tmp_path, answers(degrees), {})
    assert len(list(tmp_path.iterdir())) == 4


def test_a_crowd_is_thinned_out_in_the_tree(tmp_path, monkeypatch):
    figures = []
    monkeypatch.setattr(report, "save", lambda fig, path: figures.append(fig))
    monkeypatch.setattr(report, "LEAVES", 25)
    test = crowd(22, 2)
    report.dendrogram(tmp_path / "d.png", test, 0.4)
    labels = figures[0].axes[0].get_xticklabels()
    assert (len(labels), len({tick.get_text() for tick in labels})) == (25, 22)
    colours = {tick.get_text(): tick.get_color() for tick in labels}
    assert len({tuple(colour) for colour in colours.values()}) == 22


def test_the_det_curve_has_probit_axes(tmp_path, monkeypatch):
    figures = []
    monkeypatch.setattr(report, "save", lambda fig, path: figures.append(fig))
    test = crowd(4, 6)
    report.det(tmp_path / "det.png", {"model": test})
    (ax,) = figures[0].axes
    x, y = ax.lines[0].get_data()
    false_alarm, miss = report.scores.det(test.curve)
    np.testing.assert_allclose(x, [NormalDist().inv_cdf(p) for p in false_alarm], atol=1e-9)
    np.testing.assert_allclose(y, [NormalDist().inv_cdf(p) for p in miss], atol=1e-9)
    ticks = dict(zip((t.get_text() for t in ax.get_xticklabels()), ax.get_xticks(), strict=True))
    assert ticks["20"] == pytest.approx(NormalDist().inv_cdf(0.2))
    assert ax.get_legend().get_texts()[0].get_text() == f"model: EER {100 * report.scores.eer(test.curve):.1f} %"


def test_distances_stand_on_their_side_of_the_threshold(tmp_path, monkeypatch):
    figures = []
    monkeypatch.setattr(report, "save", lambda fig, path: figures.append(fig))
    report.distances(tmp_path / "d.png", answers(), threshold=0.9)
    (ax,) = figures[0].axes
    # same: 10 and 80 degrees. Accepted are 0-10, 0-20, 10-20 and 100-95: one of two same missed, three of eight wrong.
    assert ax.get_title() == "At the threshold 50.0 % are missed, 37.5 % falsely accepted"
    bars = [sum(p.get_height() for p in container) for container in ax.containers]
    assert bars == pytest.approx([1, 1])
    assert ax.lines[0].get_xdata()[0] == pytest.approx(0.1)


def answered(*taken: str) -> pd.DataFrame:
    """A query a word, the speaker's letter and that of who it is taken for."""
    return pd.DataFrame([(word[0], word[1]) for word in taken], columns=["label", "taken_for"])


def test_a_confusion_of_few_shows_everybody(tmp_path, monkeypatch):
    figures = []
    monkeypatch.setattr(report, "save", lambda fig, path: figures.append((fig, path.name)))
    made = report.confusion(tmp_path / "plots", answered("aa", "aa", "ab", "bb", "cb", "cd"))
    ((fig, name),) = figures
    ax = fig.axes[0]
    assert [path.name for path in made] == [name, "confusion.csv"] == ["confusion.png", "confusion.csv"]
    assert [t.get_text() for t in ax.get_yticklabels()] == [t.get_text() for t in ax.get_xticklabels()] == list("abcd")
    np.testing.assert_allclose(
        ax.images[0].get_array(), [[2 / 3, 1 / 3, 0, 0], [0, 1, 0, 0], [0, 0.5, 0, 0.5], [0, 0, 0, 0]]
    )
    written = {t.get_position()[::-1]: t.get_text() for t in ax.texts}
    assert written == {(0, 0): "2", (0, 1): "1", (1, 1): "1", (2, 1): "1", (2, 3): "1"}
    assert ax.get_title() == "6 queries, 50.0 % taken for their speaker"
    table = pd.read_csv(made[1])
    assert table.to_dict("list") == {
        "speaker": ["a", "a", "b", "c", "c"],
        "taken_for": ["a", "b", "b", "b", "d"],
        "n": [2, 1, 1, 1, 1],
        "queries": [3, 3, 1, 2, 2],
        "share": pytest.approx([2 / 3, 1 / 3, 1, 0.5, 0.5]),
    }


def test_a_confusion_of_a_crowd_shows_who_is_confused_most(tmp_path, monkeypatch):
    figures = []
    monkeypatch.setattr(report, "save", lambda fig, path: figures.append(fig))
    names = [f"s{i:03}" for i in range(250)]
    rows = [(name, name) for name in names]
    rows += [("s200", "s100")] * 3 + [("s200", "s007")] + [(name, names[i + 1]) for i, name in enumerate(names[:30])]
    queries = pd.DataFrame(rows, columns=["label", "taken_for"])
    made = report.confusion(tmp_path, queries)
    (ax,) = (fig.axes[0] for fig in figures)
    shown = [t.get_text() for t in ax.get_yticklabels()]
    assert len(shown) == report.CONFUSED
    # mistakes: s200 four, s100 three, s007 three, s001 to s029 two, s000 and s030 one
    assert shown == sorted(["s200", "s100", "s007", *[name for name in names[1:24] if name != "s007"]])
    assert [t.get_text() for t in ax.get_xticklabels()] == [*shown, "(others)"]
    last = np.asarray(ax.images[0].get_array())[shown.index("s023")]
    assert (last[shown.index("s023")], last[-1]) == (0.5, 0.5)  # s024 is not drawn
    assert ax.get_title().endswith("the 25 who are confused most, of 250")
    assert pd.read_csv(made[1]).n.sum() == len(rows)  # the table has everybody


def test_a_confusion_is_who_is_nearest(tmp_path):
    test = answers(degrees=(0, 80, 20, 100, 95))  # a: 0, then 80; b: 20, then 100; c, with one alone: 95
    assert report.confusion(tmp_path, enrolment.identify(test))[0].read_bytes().startswith(b"\x89PNG")
    table = pd.read_csv(tmp_path / "confusion.csv")
    assert list(zip(table.speaker, table.taken_for, strict=True)) == [("a", "c"), ("b", "c")]


def test_what_is_similar_is_side_by_side():
    test = crowd(4, 6)
    places = report.flat(test.embeddings)
    away = np.linalg.norm(places[:, None] - places[None], axis=-1) + 1e9 * np.eye(24)
    nearest = test.trials.speakers[away.argmin(1)]
    assert (nearest == test.trials.speakers).mean() > 0.8


def test_few_are_taken_evenly():
    speakers = np.array([0] * 6 + [1] * 2 + [2] * 3)
    assert report.few(speakers, 6).tolist() == [0, 1, 6, 7, 8, 9]
    assert report.few(speakers, 100).tolist() == list(range(11))
