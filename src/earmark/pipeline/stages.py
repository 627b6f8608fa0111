"""Which modules each stage of each task runs: what code.json tells DVC."""

from earmark.tasks import catalog
from earmark.training.code import code_sha256

# Entry modules of a stage, TASK being the task's folder: what they import belongs to the stage, too.
STAGES = {
    "prepare": ("earmark.data.reading", "earmark.pipeline.prepare", "earmark.tasks.TASK.corpora"),
    "features": ("earmark.data.manifest", "earmark.tasks.TASK.features"),
    "train": ("earmark.tasks.TASK.train",),
    "evaluate": ("earmark.tasks.TASK.evaluate",),
    "publish": (
        *("earmark.pipeline.publish", "earmark.registry.pyfunc"),
        *("earmark.tasks.TASK.task", "earmark.tasks.TASK.predictions", "earmark.training.key"),
    ),
}
DEMO = ("earmark.generated.demo.music", "earmark.generated.demo.voices")


def entries(task: str, stage: str) -> list[str]:
    """The entry modules of a task's stage."""
    return [name.replace("TASK", task) for name in STAGES[stage]]


def code() -> dict[str, dict[str, str] | str]:
    """Hashes of the code of every task's stages, and of what generates the demo data."""
    tasks = {task: {stage: code_sha256(*entries(task, stage)) for stage in STAGES} for task in catalog.names()}
    return {"demo": code_sha256(*DEMO)} | tasks
