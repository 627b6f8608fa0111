"""Classes of recordings by one linear layer over MFCC statistics: as small as an honest task can be."""

from earmark.tasks.linear.settings import LinearSettings

from earmark.tasks.task import Task

TASK = Task(
    name="linear",
    settings=LinearSettings,
    answers={"label": "string"},
    headline="accuracy",
    compared=("accuracy",),
    card_figures="nobody's",
)
