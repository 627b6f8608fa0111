"""Who is speaking: embeddings of voices whose cosine is the score."""

from earmark.tasks.speaker.settings import SpeakerSettings
from earmark.tasks.task import Task

TASK = Task(
    name="speaker",
    settings=SpeakerSettings,
    answers={"embedding": "string"},
    headline="eer",
    lower_is_better=True,
    compared=(
        *("eer", "min_dcf", "auc", "accuracy", "accuracy_at_eer_threshold"),
        *("mr_at_k", "mr_at_threshold", "ari", "nmi"),
    ),
    card_figures="the test speakers",
    study_figures=("eer",),
    baselines={
        "baseline_mfcc_eer": "the cosine of MFCC statistics",
        "baseline_lda_eer": "linear discriminant analysis of MFCC statistics",
    },
)
