"""Pictures of a genre evaluation."""

import pandas as pd

from earmark.tasks.genre import report


def predictions() -> pd.DataFrame:
    """Two recordings of two windows, the first of them wrong, most of all in its second window."""
    rows = []
    for name, label, said, wrong in (("bad.wav", "low", "high", (0.6, 0.9)), ("good.wav", "low", "low", (0.1, 0.2))):
        for window, p in enumerate(wrong):
            row = {
                "recording": name,
                "window": window,
                "start_s": 0.5 * window,
                "label": label,
                "p_high": p,
                "p_low": 1 - p,
            }
            rows.append(row | {"recording_predicted": said, "recording_probability": 0.75})
    return pd.DataFrame(rows)


def test_reliability_diagram_draws_the_bins(tmp_path, monkeypatch):
    """Heights are accuracies, the gaps reach the mean confidences, the counts stand below, the ECE in the title."""
    rows = [("a", "a", 0.95), ("a", "a", 0.85), ("a", "b", 0.85), ("a", "b", 0.35)]
    songs = pd.DataFrame(rows, columns=["label", "recording_predicted", "recording_probability"]).assign(window=0)
    table = pd.concat([songs, songs.assign(window=1, recording_probability=0.0)])  # later windows count nothing
    drawn = []
    monkeypatch.setattr(report, "save", lambda fig, path: drawn.append((fig, path)))
    report.reliability(tmp_path / "r.png", table)
    (fig, path) = drawn[0]
    top, below = fig.axes
    accuracy, gaps = ({round(b.get_x() + 0.05, 2): b for b in bars} for bars in top.containers)
    assert {x: b.get_height() for x, b in accuracy.items()} == {0.35: 0, 0.85: 0.5, 0.95: 1}
    ends = {x: (round(b.get_y(), 3), round(b.get_y() + b.get_height(), 3)) for x, b in gaps.items()}
    assert ends == {0.35: (0, 0.35), 0.85: (0.5, 0.85), 0.95: (0.95, 1)}
    assert [b.get_height() for b in below.containers[0]] == [0, 0, 0, 1, 0, 0, 0, 0, 2, 1]
    # (1 * .35 + 2 * .35 + 1 * .05) / 4
    assert top.get_title() == "4 recordings, calibration error (ECE) 0.275"
    assert path == tmp_path / "r.png"


def test_reliability_picture_is_the_same_file_every_time(tmp_path):
    for name in ("a.png", "b.png"):
        report.reliability(tmp_path / name, predictions())
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_figures_by_class_and_the_confusion_are_tables(tmp_path):
    rows = [("a", "a"), ("a", "b"), ("a", "c"), ("a", "b"), ("b", "b"), ("c", "c")]
    said = pd.DataFrame(rows, columns=["label", "recording_predicted"]).assign(window=0)
    report.tables(tmp_path, pd.concat([said, said.assign(window=1)]), ["a", "b", "c"])
    assert (tmp_path / "confusion.csv").read_text() == "true,a,b,c\na,1,2,1\nb,0,1,0\nc,0,0,1\n"
    lines = ["label,recordings,recall,taken_for", 'a,4,0.25,"b 2, c 1"', "b,1,1.0,", "c,1,1.0,"]
    assert (tmp_path / "by_class.csv").read_text().splitlines() == lines
