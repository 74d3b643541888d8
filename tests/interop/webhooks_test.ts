/** Webhooks that one language's producer asks for, and the other one's worker sends. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Queue, webhook } from "../../mod.ts";
import { Hooks } from "../support/hooks.ts";
import { eachPython, findPythons, waitFor } from "./support.ts";

const pythons = await findPythons();
const newest = pythons.filter(({ major }) => major >= 3);

/** A date as Python writes it, with its offset. */
const DATE = /^\d{4}-\d\d-\d\dT[\d:]+(\.\d+)?\+00:00$/;

/** What a body says, without its dates and its traceback. */
function told(body: string): unknown {
  const { enqueued_at, ended_at, exc_info, ...rest } = JSON.parse(body);
  for (const date of [enqueued_at, ended_at]) assert(DATE.test(date), date);
  const fails = rest.status === "failed";
  assertEquals(typeof exc_info, fails ? "string" : "undefined");
  if (fails) assertStringIncludes(exc_info, "what is wrong");
  return rest;
}

eachPython(
  newest,
  "Python's webhooks are sent by a Deno worker as by a Python worker",
  async (stage) => {
    const bodies: unknown[] = [];
    for (const who of ["pythonBurst", "denoBurst"] as const) {
      await using hooks = new Hooks();
      await stage.py(
        `
        from rq import Webhook
        hooks = [Webhook(args["url"] + "/post", status, method="POST", headers={"x-a": "b"}, timeout=5)
                 for status in ("finished", "failed")]
        hooks.append(Webhook(args["url"] + "/get", "finished"))
        q = queue()
        q.enqueue("shared.add", 1, 2, job_id="good", webhooks=hooks)
        q.enqueue("shared.fail", "what is wrong", job_id="bad", webhooks=hooks)
        `,
        { url: hooks.url },
      );
      await stage[who]("default");
      const got = hooks.got.toSorted((a, b) =>
        (a.path + a.body).localeCompare(b.path + b.body)
      );
      assertEquals(
        got.map(({ method, path, headers }) => [
          method,
          path,
          headers.get("x-a"),
          headers.get("content-type"),
        ]),
        [
          ["GET", "/get", null, null],
          ["POST", "/post", "b", "application/json"],
          ["POST", "/post", "b", "application/json"],
        ],
      );
      bodies.push(got.slice(1).map(({ body }) => told(body)));
    }
    assertEquals(bodies[0], bodies[1]);
    assertEquals(bodies[0], [
      { job_id: "bad", func_name: "shared.fail", status: "failed" },
      { job_id: "good", func_name: "shared.add", status: "finished" },
    ]);
  },
);

eachPython(
  newest,
  "A Python worker sends the webhooks of Deno's jobs, in its way: not signed",
  async (stage) => {
    await using hooks = new Hooks();
    await using queue = new Queue("default", { connection: stage.url });
    const job = await queue.enqueueCall({
      func: "shared.add",
      args: [1, 2],
      webhooks: [
        webhook(hooks.url, {
          method: "POST",
          headers: { "x-a": "b" },
          secret: "s",
        }),
        webhook(hooks.url, { status: ["stopped", "canceled"] }),
      ],
    });
    const seen = await stage.py(
      `
      out = [[h.url, h.job_status, h.method, h.headers, h.timeout] for h in fetch(args["id"]).webhooks]
      `,
      { id: job.id },
    );
    const url = `${hooks.url}/`;
    assertEquals(seen, [
      [url, "finished", "POST", { "x-a": "b" }, 10],
      [url, "failed", "POST", { "x-a": "b" }, 10],
    ]);
    await stage.pythonBurst("default");
    const [got, ...others] = hooks.got;
    assertEquals(others, []);
    assertEquals(told(got!.body), {
      job_id: job.id,
      func_name: "shared.add",
      status: "finished",
    });
    assertEquals(got!.headers.get("webhook-signature"), null);
  },
);

eachPython(
  newest,
  "A webhook that a Python worker takes off the queue goes back, and is sent by a Deno worker",
  async (stage) => {
    await using hooks = new Hooks();
    await using queue = new Queue("default", { connection: stage.url });
    await queue.enqueueCall({
      func: "shared.add",
      args: [1, 2],
      webhooks: webhook(hooks.url, { status: "finished" }),
    });
    await stage.denoBurst("default", "--max-jobs", "1");
    assertEquals(hooks.got, []);
    await stage.pythonBurst("default");
    await waitFor("its next try", async () => {
      const ids = await stage.send<string[]>(
        "ZRANGE",
        "rq:scheduled:default",
        0,
        -1,
      );
      if (ids.length === 0) return false;
      await stage.send("ZADD", "rq:scheduled:default", "XX", 1, ids[0]!);
      return true;
    });
    await stage.denoBurst("default");
    assertEquals(hooks.got.length, 1);
  },
);
