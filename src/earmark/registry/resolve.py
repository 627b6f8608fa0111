"""Which model answers: the one that is named, else the registry's champion, else the released bundle."""

from pathlib import Path

from earmark import paths
from earmark.errors import EarmarkError
from earmark.registry import champion_seen, glance
from earmark.release import bundle
from earmark.tasks.task import Task
from earmark.training import model_files
from earmark.training.model_files import ResolvedModel


def model(task: Task, named: str | None = None) -> ResolvedModel:
    """The model of a task to answer with; `named` is a model folder or an MLflow model URI.

    Raises EarmarkError when there is none. MLflow is imported only where there is a store to ask.
    """
    chosen = _named(named) if named else champion(task) or _released(task)
    found = model_files.read_plain(chosen.folder)["task"]
    if found != task.name:
        raise EarmarkError(f"{chosen.name} is a model of the task '{found}', not of '{task.name}'; name another one.")
    return chosen


def _named(named: str) -> ResolvedModel:
    if Path(named).is_dir():
        return ResolvedModel(Path(named), named, f"Answering with {named}.")
    if ":/" not in named:
        raise EarmarkError(f"There is no model folder {named}; name one, or a URI such as models:/earmark-genre/1.")
    uri = paths.tracking_store()
    if uri is None and named.startswith(("models:", "runs:")):
        raise EarmarkError(f"There is no tracking store here to load {named} from; set MLFLOW_TRACKING_URI.")
    from earmark.registry import tracking, versions

    if uri:
        tracking.reader(uri)
    return ResolvedModel(versions.download(named), named, f"Answering with {named}.")


def champion(task: Task) -> ResolvedModel | None:
    """The registry's champion, or None where there is none."""
    uri = paths.tracking_store()
    if uri is None:
        return None
    try:
        seen = champion_seen.champion(uri, task.registered_model)
    except glance.UnseenError:
        return _asked(task, uri)
    return seen and _crowned(task, *seen)


def _crowned(task: Task, number: str, folder: Path) -> ResolvedModel:
    name = _called(task, number)
    sentence = f"Answering with {name}; `earmark promote {task.name}` changes the champion."
    return ResolvedModel(folder, name, sentence, "champion", number)


def _called(task: Task, number: str) -> str:
    return f"{task.registered_model} version {number} (champion)"


def _asked(task: Task, uri: str) -> ResolvedModel | None:
    """The champion as MLflow tells it."""
    from earmark.registry import tracking, versions

    client = tracking.reader(uri)
    with tracking.answering(uri):
        version = versions.by_alias(client, task, "champion")
        lost = None if version else versions.lost_alias(client, task, "champion")
        whole = version and versions.has_files(version)
    if lost:
        raise EarmarkError(f"{lost} Or name a model with --model.")
    if version is None:
        return None
    if not whole:
        name = _called(task, str(version.version))
        raise EarmarkError(
            f"{name} cannot answer: {versions.remedy_for_lost_files(task)} Or name another model with --model."
        )
    return _crowned(task, str(version.version), versions.download(f"models:/{task.registered_model}@champion"))


def own_model(task: Task) -> ResolvedModel:
    """The champion, or where there is none the model that the pipeline trained."""
    trained = Path("models") / task.name
    return champion(task) or ResolvedModel(trained, str(trained), f"Answering with {trained}.")


def _released(task: Task) -> ResolvedModel:
    folder = bundle.folder(task.name)
    if folder is None:
        raise EarmarkError(
            f"{task.registered_model} has no champion and no released bundle; run `earmark promote {task.name}`, "
            "or name a model with --model."
        )
    name = f"earmark's released {task.name} bundle"
    config = model_files.read_plain(folder)
    about = config["release"].get("about") or ", ".join(config["labels"])
    sentence = (
        f"Answering with {name}, which knows {about}; after `earmark promote {task.name}` your own model answers."
    )
    return ResolvedModel(folder, name, sentence, "bundle")
