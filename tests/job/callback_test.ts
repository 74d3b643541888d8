import { assertEquals, assertThrows } from "@std/assert";
import {
  callback,
  type CallbackOptions,
  checkCallbacks,
} from "../../lib/job/callback.ts";

const done = () => {};
const url = new URL("file:///srv/a.ts#done");

Deno.test("callbacks are checked in one order, with RQ's time limit where they have none", () => {
  assertEquals(checkCallbacks({}), []);
  const options = {
    onStopped: url,
    onFailure: callback("jobs.failed", { timeout: "5m" }),
    onSuccess: done,
  };
  assertEquals(checkCallbacks(options), [
    { kind: "success", func: done, timeout: 60 },
    { kind: "failure", func: "jobs.failed", timeout: 300 },
    { kind: "stopped", func: url, timeout: 60 },
  ]);
});

Deno.test.each<[unknown, string]>([
  [5, "onSuccess: expected a function, its name or callback(), got number"],
  [null, "onSuccess: expected a function"],
  [{}, "onSuccess: expected a function or its name, got undefined"],
  [{ func: "a.b", time: 5 }, 'no option "time", there are func, timeout'],
  [[done], "onSuccess: expected an object of options, got a list"],
])("onSuccess %j is a TypeError that says: %s", (value, text) => {
  const options = { onSuccess: value } as CallbackOptions;
  assertThrows(() => checkCallbacks(options), TypeError, text);
});

Deno.test.each([0, -1, 1.5, "soon", NaN])(
  "a time limit of %j is a RangeError",
  (timeout) => {
    const text = "timeout of";
    assertThrows(() => callback(done, { timeout }), RangeError, text);
    const options = { onFailure: { func: done, timeout } };
    assertThrows(
      () => checkCallbacks(options),
      RangeError,
      `${text} onFailure`,
    );
  },
);

Deno.test("callback() refuses what is no function", () => {
  assertThrows(
    () => callback(5 as never),
    TypeError,
    "callback(): expected a function or its name, got number",
  );
});
