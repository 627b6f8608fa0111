"""What is true of a task's figures."""

import pytest

from earmark.tasks import catalog


@pytest.mark.parametrize(
    ("task", "found", "said"),
    [
        ("genre", {"accuracy": 0.5, "baseline_accuracy": 0.5}, None),
        (
            "genre",
            {"accuracy": 0.5, "baseline_accuracy": 0.625},
            "A baseline is better than version 2: a logistic regression on MFCC statistics has accuracy 0.625, against "
            "0.500.",
        ),
        ("genre", {"accuracy": 0.5}, None),
        (
            "genre",  # the best of both is named
            {"accuracy": 0.5, "baseline_accuracy": 0.625, "baseline_classical_accuracy": 0.75},
            "A baseline is better than version 2: a classifier on 538 features of librosa has accuracy 0.750, "
            "against 0.500.",
        ),
        (
            "genre",
            {
                "accuracy": 0.5,
                "baseline_accuracy": 0.625,
                "accuracy_minus_baseline": -0.125,
                "accuracy_minus_baseline_ci95": [-0.375, 0.0625],
            },
            "A baseline is better than version 2: a logistic regression on MFCC statistics has accuracy 0.625, against "
            "0.500, which may be chance (paired difference -0.125, 95 % interval [-0.375, +0.062]).",
        ),
        ("chord", {"majmin": 0.5}, None),
        (
            "chord",
            {"majmin": 0.5, "baseline_majmin": 0.625},
            "A baseline is better than version 2: template matching of librosa's chroma has majmin 0.625, against "
            "0.500.",
        ),
        ("speaker", {"eer": 0.25, "baseline_mfcc_eer": 0.5, "baseline_lda_eer": 0.25}, None),
        (
            "speaker",  # errors: less is better, and the best of both is named
            {"eer": 0.25, "baseline_mfcc_eer": 0.2, "baseline_lda_eer": 0.125},
            "A baseline is better than version 2: linear discriminant analysis of MFCC statistics has eer 0.125, "
            "against "
            "0.250.",
        ),
        (
            "speaker",
            {
                "eer": 0.25,
                "baseline_lda_eer": 0.125,
                "eer_minus_baseline_lda": 0.125,
                "eer_minus_baseline_lda_ci95": [0.0625, 0.25],
            },
            "A baseline is better than version 2: linear discriminant analysis of MFCC statistics has eer 0.125, "
            "against "
            "0.250, which is more than chance (paired difference +0.125, 95 % interval [+0.062, +0.250]).",
        ),
    ],
)
def test_a_baseline_that_is_better_is_said(task, found, said):
    assert catalog.task(task).outdone(found, "version 2") == said
