"""What an installation that only answers leaves out: the extras of pyproject.toml."""

# The extra that brings a module, by the module's first name.
BROUGHT_BY = {
    "pipeline": (
        *("PIL", "dvc", "filelock", "librosa", "matplotlib", "midirenderer", "mir_eval", "mlflow", "optuna", "psutil"),
        *("sklearn", "starlette", "uvicorn"),
    ),
    "postgres": ("psycopg",),
}


def missing(module: str) -> str | None:
    """What to say where a module of an extra is not installed; None of any other."""
    first = module.partition(".")[0]
    for extra, modules in BROUGHT_BY.items():
        if first in modules:
            return (
                f"This command needs {first}, which is not installed: run `pip install '.[{extra}]'` in a clone of "
                "earmark, or `make setup` for everything."
            )
    return None
