"""Jobs of the benchmark of features."""

from rq import get_current_job


def fails_once(name):
    """Fails in its first attempt, then gives its argument back."""
    if get_current_job().retries_left:
        raise ValueError("once")
    return name
