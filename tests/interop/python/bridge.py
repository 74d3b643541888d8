"""Runs code from stdin, one JSON object a line, and answers with one line each.

A line is {"code": text, "args": object}. The code sees RQ's names, `redis`, and
`args`; what it leaves in `out` is the answer.
"""
import io
import json
import os
import sys
import time
import traceback

import rq
from redis import Redis
from rq import Queue, Retry, Worker
from rq.command import (
    send_kill_horse_command,
    send_shutdown_command,
    send_stop_job_command,
)
from rq.exceptions import NoSuchJobError
from rq.job import Dependency, Job
from rq.registry import (
    CanceledJobRegistry,
    DeferredJobRegistry,
    FailedJobRegistry,
    FinishedJobRegistry,
    ScheduledJobRegistry,
    StartedJobRegistry,
    clean_registries,
)
from rq.serializers import JSONSerializer

redis = Redis.from_url(sys.argv[1])


def queue(name="default"):
    return Queue(name, connection=redis, serializer=JSONSerializer)


def fetch(job_id):
    return Job.fetch(job_id, connection=redis, serializer=JSONSerializer)


def text(value):
    return None if value is None else str(getattr(value, "value", value))


def finite(value):
    """NaN and the infinities as text: they are no JSON."""
    if isinstance(value, float) and value - value != 0:
        return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {k: finite(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(v) for v in value]
    return value


def latest_of(job):
    """RQ 1 does not know the results of attempts that were tried again."""
    try:
        return job.latest_result()
    except ValueError:
        return None


def look(job_id):
    """All that Python reads of a job."""
    status = fetch(job_id).get_status()  # before the rest, which may be newer
    job = fetch(job_id)
    latest = latest_of(job)
    value = latest and (job.return_value() if hasattr(job, "return_value") else job.result)
    return {
        "status": text(status),
        "value": value,
        "type": latest and latest.type.value,
        "exc": latest and latest.exc_string,
        "meta": job.meta,
        "worker": job.worker_name,
        "origin": job.origin,
        "func": job.func_name,
        "args": list(job.args),
        "kwargs": job.kwargs,
        "description": job.description,
        "timeout": job.timeout,
        "resultTtl": job.result_ttl,
        "failureTtl": job.failure_ttl,
        "ttl": job.ttl,
        "retriesLeft": job.retries_left,
        "dependencyIds": [text(i.decode() if isinstance(i, bytes) else i) for i in job._dependency_ids],
        "created": job.created_at.isoformat(),
        "enqueued": job.enqueued_at and job.enqueued_at.isoformat(),
        "started": job.started_at and job.started_at.isoformat(),
        "ended": job.ended_at and job.ended_at.isoformat(),
    }


def main():
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    sys.stdout = sys.stderr  # what RQ prints is no answer
    os.dup2(2, 1)
    for line in sys.stdin:
        request = json.loads(line)
        scope = dict(globals(), args=request["args"], out=None)
        try:
            exec(request["code"], scope)
            answer = {"out": finite(scope["out"])}
        except BaseException:
            answer = {"error": traceback.format_exc()}
        answers.write(json.dumps(answer, default=text) + "\n")


main()
