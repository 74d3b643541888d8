"""RQ's producer: `python rq.py PORT` takes commands as lines of JSON on stdin
and answers each with a line of JSON on stdout; see `driver_process.ts`."""

import json
import platform
import sys
import time
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path

# This file is called like the package: its directory must not come first.
HERE = Path(__file__).resolve().parent
sys.path = [entry for entry in sys.path if Path(entry or ".").resolve() != HERE]
sys.path.append(str(HERE / "jobs"))

from bench_jobs import hello  # noqa: E402
from feature_jobs import fails_once  # noqa: E402
from redis import Redis  # noqa: E402
from rq import Queue, Retry  # noqa: E402
from rq.serializers import JSONSerializer  # noqa: E402

redis = Redis(port=int(sys.argv[1]))
queue = Queue("bench", connection=redis, serializer=JSONSerializer)


def timed(work):
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1000


def one_by_one(n):
    for _ in range(n):
        queue.enqueue(hello, "yangyi")


def bulk(n, chunk):
    for start in range(0, n, chunk):
        size = min(chunk, n - start)
        queue.enqueue_many(
            [Queue.prepare_data(hello, args=("yangyi",)) for _ in range(size)]
        )


def round_trip(n):
    sha = redis.script_load("return 1")

    def run():
        for _ in range(n):
            redis.evalsha(sha, 0)

    return timed(run)


def scripts(n, chunk, lua, fields):
    sha = redis.script_load(lua)

    def run():
        for start in range(0, n, chunk):
            pipeline = redis.pipeline(transaction=False)
            for i in range(start, min(n, start + chunk)):
                pipeline.evalsha(sha, 3, f"limit:{i}", "limit:q", "limit:s", *fields)
            pipeline.execute()

    return timed(run)


def enqueue_and_wait():
    job = queue.enqueue(hello, "yangyi")
    result = job.latest_result(timeout=10)
    if result is None:
        raise TimeoutError("Cannot take the latency: no result in 10 seconds")


def latency(samples, warm, gap):
    taken = []
    for i in range(warm + samples):
        time.sleep(gap / 1000)
        ms = timed(enqueue_and_wait)
        if i >= warm:
            taken.append(ms)
    return taken


def rate_limit():
    from rq import RateLimit

    return RateLimit(key="bench", concurrency=100)


def enqueue_groups(n):
    """Of a hundred jobs each."""
    from rq.group import Group

    for start in range(0, n, 100):
        jobs = [
            Queue.prepare_data(hello, args=("yangyi",))
            for _ in range(min(100, n - start))
        ]
        Group.create(connection=redis).enqueue_many(queue, jobs)


def enqueue_retries(n, chunk):
    for start in range(0, n, chunk):
        queue.enqueue_many(
            [
                Queue.prepare_data(fails_once, args=("yangyi",), retry=Retry(max=1))
                for _ in range(min(chunk, n - start))
            ]
        )


def enqueue_feature(feature, n, chunk, delay):
    """Those that it has a bulk call for are enqueued so."""
    if feature == "retries":
        return enqueue_retries(n, chunk)
    if feature == "groups":
        return enqueue_groups(n)
    for i in range(n if feature != "children" else (n + 1) // 2):
        if feature == "delayed":
            queue.enqueue_in(timedelta(seconds=delay), hello, "yangyi")
        elif feature == "unique":
            queue.enqueue(hello, "yangyi", job_id=f"key-{i}", unique=True)
        elif feature == "limits":
            queue.enqueue(hello, "yangyi", rate_limit=rate_limit())
        elif feature == "children":
            parent = queue.enqueue(hello, "yangyi")
            queue.enqueue(hello, "yangyi", depends_on=parent)
        else:
            raise ValueError(f"Cannot enqueue {feature}")


OPERATIONS = {
    "versions": lambda: {
        "python": platform.python_version(),
        "rq": version("rq"),
        "redis-py": version("redis"),
    },
    "one_by_one": lambda n: timed(lambda: one_by_one(n)),
    "bulk": lambda n, chunk: timed(lambda: bulk(n, chunk)),
    "round_trip": round_trip,
    "scripts": scripts,
    "latency": latency,
    "feature": lambda **options: timed(lambda: enqueue_feature(**options)),
}

for line in sys.stdin:
    command = json.loads(line)
    operation = OPERATIONS[command.pop("op")]
    try:
        answer = {"value": operation(**command)}
    except Exception as error:  # the benchmark reports it and goes on
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
