import { assertEquals, assertInstanceOf } from "@std/assert";
import { errorOfTraceback, headlineOf } from "../../lib/job/failure.ts";

const PYTHON = `Traceback (most recent call last):
  File "/srv/rq/worker.py", line 1, in perform_job
    rv = job.perform()
  File "/srv/jobs.py", line 3, in fail
    raise ValueError("no: such luck")
ValueError: no: such luck
`;

const CHAINED = `Traceback (most recent call last):
  File "a.py", line 1, in f
KeyError: 'a'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "a.py", line 3, in f
rq.timeouts.JobTimeoutException: Task exceeded maximum timeout value (1 seconds)
`;

Deno.test.each<[string, string, string, string]>([
  ["JavaScript", "TypeError: bad\n    at f (a.ts:1:2)", "TypeError", "bad"],
  ["uncaught", "Uncaught Error: bad\n    at f (a.ts:1:2)", "Error", "bad"],
  ["without frames", "RangeError: bad", "RangeError", "bad"],
  ["of two lines", "Error: a\nb\n    at f (a.ts:1:2)", "Error", "a\nb"],
  ["without message", "TypeError\n    at f (a.ts:1:2)", "TypeError", ""],
  ["with a cause", "Error: a\nCaused by Error: b", "Error", "a"],
  ["with a colon in it", "Error: a: b: c\n    at f", "Error", "a: b: c"],
  ["with a dotted name", "x.y.Z: a\n    at f", "x.y.Z", "a"],
  ["that is a plain text", "it broke", "Error", "it broke"],
  ["that is empty", "", "Error", ""],
  ["Python", PYTHON, "ValueError", "no: such luck"],
  [
    "chained Python",
    CHAINED,
    "rq.timeouts.JobTimeoutException",
    "Task exceeded maximum timeout value (1 seconds)",
  ],
  [
    "Python without message",
    "Traceback (most recent call last):\n  File\nKeyboardInterrupt\n",
    "KeyboardInterrupt",
    "",
  ],
  [
    "Python of two lines",
    "Traceback (most recent call last):\n  File\nValueError: a\n  b\n",
    "ValueError",
    "a\n  b",
  ],
])("errorOfTraceback() reads a failure %s", (_name, text, name, message) => {
  const error = errorOfTraceback(text);
  assertInstanceOf(error, Error);
  assertEquals([error.name, error.message, error.stack], [name, message, text]);
});

Deno.test.each<[string, string]>([
  ["TypeError: bad\n    at f (a.ts:1:2)", "TypeError: bad"],
  ["Error: a\nb\n    at f", "Error: a"],
  ["it broke\nbadly", "Error: it broke"],
  ["", ""],
  [PYTHON, "ValueError: no: such luck"],
])("headlineOf() gives one line of %s", (text, line) => {
  assertEquals(headlineOf(text), line);
});
