"""Callbacks that only Python has. The first argument of each job is the file that they append to."""
import json


def append(job, *what):
    with open(job.args[0], "a") as file:
        file.write(json.dumps([job.id, job.func_name, *what]) + "\n")


def success(job, connection, result):
    connection.ping()
    append(job, "success", result)


def badly(job, connection, result):
    append(job, "badly", result)
    raise ValueError("told badly")


def failure(job, connection, type, value, traceback):
    connection.ping()
    append(job, "failure", str(value).splitlines()[0])


def stopped(job, connection):
    connection.ping()
    append(job, "stopped")
