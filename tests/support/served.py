"""A champion of a toy model, registered as the pipeline registers one, in the project that is the present folder."""

import socket
from dataclasses import replace
from pathlib import Path

from bundles import small_chord_bundle, small_model, small_speaker_bundle
from earmark.registry import tracking, versions
from earmark.tasks import catalog, model_folder

TOYS = {"genre": small_model, "chord": small_chord_bundle, "speaker": small_speaker_bundle}


def free_port() -> str:
    """A port on loopback that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def champion(task: str, folder: Path) -> str:
    """The URI of the champion; its model folder is made in `folder`."""
    one, model = catalog.task(task), TOYS[task](folder)
    tracker = tracking.connect(task)
    run_id = tracker.create(f"{task}-toy", {}, {})
    config = replace(model_folder.read_config(model), hashes={"train_key": "k" * 64})
    version = versions.register(tracker.client, one, run_id, model, config, {})
    tracker.client.set_terminated(run_id)
    tracker.client.set_registered_model_alias(one.registered_model, "champion", version.version)
    return f"models:/{one.registered_model}@champion"
