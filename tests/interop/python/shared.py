"""Jobs that exist in both languages under the same dotted names."""
import os
import time


def add(a, b, scale=1):
    return (a + b) * scale


def echo(*args, **kwargs):
    return [list(args), kwargs]


def nothing():
    return None


def special():
    return {"nan": float("nan"), "inf": float("-inf"), "text": "h\u00e9llo \u2603", "big": 2**53}


def fail(message):
    raise ValueError(message)


def mark(path, line):
    with open(path, "a") as file:
        file.write(line + "\n")


def hold(path, mark):
    """Runs until `path` exists, having said so in `mark`."""
    open(mark, "w").close()
    while not os.path.exists(path):
        time.sleep(0.02)
    return "released"


def set_meta(key, value):
    from rq import get_current_job

    job = get_current_job()
    job.meta[key] = value
    job.save_meta()


def slow(ledger, go):
    """Writes `begin`, waits until `go` exists, writes `end`."""
    mark(ledger, "begin")
    while not os.path.exists(go):
        time.sleep(0.02)
    mark(ledger, "end")
    return "done"


def failUntil(path, times):
    """Fails in its first calls, up to a given number."""
    mark(path, "attempt")
    with open(path) as file:
        attempts = len(file.read().splitlines())
    if attempts < times:
        raise ValueError(f"Attempt {attempts} of {times}")
    return f"attempt {attempts}"


def retryUntil(path, times):
    """Returns a Retry in its first calls, up to a given number."""
    from rq import Retry

    mark(path, "attempt")
    with open(path) as file:
        attempts = len(file.read().splitlines())
    return Retry(max=5, interval=0) if attempts < times else f"attempt {attempts}"


class Mailer:
    greeting = "hello"

    @staticmethod
    def send(to):
        return f"{Mailer.greeting}, {to}"
