"""The one check that settings share."""


def require(condition: bool, key: str, rule: str) -> None:
    """Raise ValueError with a sentence about `key` unless the condition holds."""
    if not condition:
        raise ValueError(f"{key} {rule}")
