"""The card of a bundle that `earmark release speaker` made of a model of the pipeline's."""

from dataclasses import asdict

import yaml

from earmark.tasks.speaker import card
from earmark.training.model_files import ModelConfig


def text(config: ModelConfig, n_bytes: int, sha256: str) -> str:
    """CARD.md as Markdown; n_bytes and sha256: of model.safetensors."""
    facts = config.release
    settings = {"features": asdict(config.features), "model": asdict(config.model), "train": config.train}
    parts = [
        f"# {facts['about']}",
        "A speaker model trained with earmark. An utterance becomes a vector of length 1; the cosine of two says how "
        "likely one person speaks in both.",
        f"## Data\n\n{facts['data']}: {facts['n_recordings']} recordings of {facts['n_speakers']} speakers were "
        "trained on.",
        "## Figures\n\nOn test speakers of the same source, who were neither trained on nor chosen by, with the very "
        "file released here; 95 % intervals by bootstrap over speakers. The baselines learnt from the same training "
        f"speakers.\n\n{card.tables(facts['figures'])}",
        f"Two utterances are said to be of one speaker from a cosine of {facts['threshold']:.3f} on, and clusters are "
        f"joined up to a cosine distance of {facts['cluster_threshold']:.3f}: both chosen on the validation speakers. "
        "Other microphones and languages want thresholds of their own.",
        f"## Recipe\n\nCommit `{facts['commit']}`, `dvc repro`, then:\n\n```\n{facts['command']}\n```\n\n"
        f"```yaml\n{yaml.safe_dump(settings, sort_keys=False)}```",
        f"## File\n\n`model.safetensors`: {n_bytes:,} bytes, sha256 `{sha256}`, {config.n_parameters:,} parameters in "
        "half precision, read without pickle.",
        "## Limits\n\nRecordings of another kind were not measured; judge voices of yours with `earmark score speaker "
        "FOLDER` before relying on it. It is no means to identify people beyond doubt, and not meant to be used on "
        "anybody without their consent.",
        f"## Licences\n\nRecordings: {facts['data']}. The weights were learnt from these recordings, so their terms "
        "may bind what you do with the weights; the code is under the licence in the project's LICENSE.",
    ]
    return "\n\n".join(parts) + "\n"
