"""Which model answers: the one that is named, else the registry's champion, else the released bundle."""

from dataclasses import dataclass
from pathlib import Path

from earmark import bundle, model_folder, paths
from earmark.errors import EarmarkError


@dataclass(frozen=True)
class Chosen:
    """A model folder, its name for people, and a sentence that says which model answers and how to change it."""

    folder: Path
    name: str
    sentence: str


def model(task: str, named: str | None = None) -> Chosen:
    """The model of a task to answer with; `named` is a model folder or an MLflow model URI.

    Raises EarmarkError when there is none. MLflow is imported only where there is a store to ask.
    """
    chosen = _named(named) if named else champion(task) or _released(task)
    found = model_folder.read_config(chosen.folder).task
    if found != task:
        raise EarmarkError(f"{chosen.name} is a model of the task '{found}', not of '{task}'; name another one.")
    return chosen


def _named(named: str) -> Chosen:
    if Path(named).is_dir():
        return Chosen(Path(named), named, f"Answering with {named}.")
    if ":/" not in named:
        raise EarmarkError(f"There is no model folder {named}; name one, or a URI such as models:/earmark-genre/1.")
    uri = paths.tracking_store()
    if uri is None and named.startswith(("models:", "runs:")):
        raise EarmarkError(f"There is no tracking store here to take {named} from; set MLFLOW_TRACKING_URI.")
    from earmark import registry, tracking

    if uri:
        tracking.reader(uri)
    return Chosen(registry.download(named), named, f"Answering with {named}.")


def champion(task: str) -> Chosen | None:
    """The registry's champion, or None where there is none."""
    uri = paths.tracking_store()
    if uri is None:
        return None
    from mlflow.exceptions import MlflowException

    from earmark import registry, tracking

    client = tracking.connect(task).client if paths.project() else tracking.reader(uri)
    try:
        version = registry.by_alias(client, task, "champion")
    except MlflowException as e:
        raise tracking.unreachable(e) from None
    if version is None:
        return None
    name = f"{registry.name_of(task)} version {version.version} (champion)"
    sentence = f"Answering with {name}; `earmark promote {task}` changes the champion."
    return Chosen(registry.download(f"models:/{registry.name_of(task)}@champion"), name, sentence)


def own(task: str) -> Chosen:
    """The champion, or where there is none the model that the pipeline trained."""
    trained = Path("models") / task
    return champion(task) or Chosen(trained, str(trained), f"Answering with {trained}.")


def _released(task: str) -> Chosen:
    folder = bundle.folder(task)
    if folder is None:
        raise EarmarkError(
            f"earmark-{task} has no champion and no released bundle; run `earmark promote {task}`, "
            "or name a model with --model."
        )
    name = f"earmark's released {task} bundle"
    config = model_folder.read_config(folder)
    about = config.release.get("about") or ", ".join(config.labels)
    sentence = (
        f"Answering with {name}, which knows {about}; "
        f"`earmark promote {task}` makes a model of your own training answer instead."
    )
    return Chosen(folder, name, sentence)
