/** How long everything is kept, and that nothing is left once that time is over. */

import { assert, assertEquals } from "@std/assert";
import { texts } from "../../lib/store/replies.ts";
import { Bench } from "./support.ts";

const YEAR = 31_536_000;

async function assertTtl(bench: Bench, key: string, ttl: number) {
  const is = await bench.ttl(key);
  assert(
    ttl < 0 ? is === ttl : is > ttl - 5 && is <= ttl,
    `${key} expires in ${is}, not ${ttl}`,
  );
}

async function assertScore(bench: Bench, key: string, after: number) {
  const [, score] = texts(await bench.send("ZRANGE", key, 0, -1, "WITHSCORES"));
  const [now] = texts(await bench.send("TIME"));
  const distance = Number(score) - Number(now);
  assert(
    Math.abs(distance - after) <= 5,
    `${key}: in ${distance}, not ${after}`,
  );
}

/** A job with a parent and a child, so that it has every key. */
async function relative(bench: Bench) {
  const worker = await bench.worker();
  await bench.add("p", { fields: { result_ttl: 0 } });
  await bench.add("a", { dependsOn: ["p"] });
  await bench.run(worker, { ttl: 0 });
  await bench.add("c", { dependsOn: ["a"] });
  return worker;
}

Deno.test.each([[1], [500], [YEAR]])(
  "a result that is kept %d seconds goes with all keys of its job",
  async (ttl) => {
    await using bench = await Bench.open();
    const worker = await relative(bench);
    await bench.run(worker, { ttl });
    for (const key of ["job:a", "results:a"]) {
      await assertTtl(bench, `rq:${key}`, ttl);
    }
    await assertScore(bench, "rq:finished:q", ttl);
  },
);

Deno.test("a result that is kept for ever has no time to live", async () => {
  await using bench = await Bench.open();
  const worker = await relative(bench);
  await bench.run(worker, { ttl: -1 });
  for (const key of ["job:a", "results:a"]) {
    await assertTtl(bench, `rq:${key}`, -1);
  }
  const score = await bench.send("ZSCORE", "rq:finished:q", "a");
  assertEquals(score, "inf");
});

Deno.test("a result that is not kept leaves nothing at once, but for what waited", async () => {
  await using bench = await Bench.open();
  const worker = await relative(bench);
  await bench.run(worker, { ttl: 0 });
  const left = (await bench.allKeys()).filter((key) => !/worker/.test(key));
  assertEquals(
    left,
    [
      "rq:job:c",
      "rq:queue:q",
      "rq:queues",
    ].sort(),
  );
});

Deno.test.each<["failed" | "stopped", number]>([
  ["failed", 1],
  ["failed", YEAR],
  ["stopped", 60],
])(
  "a job that has %s and is kept %d seconds goes with all its keys",
  async (outcome, ttl) => {
    await using bench = await Bench.open();
    const worker = await relative(bench);
    await bench.run(worker, { outcome, ttl });
    for (
      const key of [
        "job:a",
        "results:a",
        "job:a:dependents",
      ]
    ) await assertTtl(bench, `rq:${key}`, ttl);
    await assertScore(bench, "rq:failed:q", ttl);
  },
);

const CENTURY = 100 * YEAR;
const VERY_LONG = ["8000000000000000", "99999999999999999999", "3153600001"];

Deno.test.each(VERY_LONG.map((ttl) => [ttl]))(
  "%s seconds are a century, for whatever they are the time to live, in TypeScript and in Lua",
  async (ttl) => {
    await using bench = await Bench.open();
    const worker = await relative(bench);
    const fields = { result_ttl: ttl, failure_ttl: ttl };
    for (const id of ["failed", "canceled", "abandoned"]) {
      await bench.add(id, { fields });
    }
    await bench.run(worker, { ttl: Number(ttl) });
    await assertTtl(bench, "rq:results:a", CENTURY);
    await assertTtl(bench, "rq:job:a", CENTURY);
    await assertScore(bench, "rq:finished:q", CENTURY);
    await bench.run(worker, { outcome: "failed", ttl: Number(ttl) });
    await bench.jobs.cancel("canceled");
    const { job } = await bench.claim(worker);
    assertEquals(job.seconds("failure_ttl"), CENTURY);
    for (let loss = 0; loss < 5; loss++) {
      const [member] = await bench.members("rq:wip:q");
      if (member !== undefined) await bench.send("ZADD", "rq:wip:q", 1, member);
      await bench.sweep();
      if (await bench.status("abandoned") === "failed") break;
      await bench.claim(worker);
    }
    for (const id of ["failed", "canceled", "abandoned"]) {
      await assertTtl(bench, `rq:job:${id}`, CENTURY);
    }
  },
);

Deno.test("a job whose wait may be very long keeps that when it is given back", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("a");
  const execution = await bench.claim(worker);
  const ttl = Number.MAX_VALUE;
  await bench.end(worker, execution, { outcome: "released", ttl, payload: "" });
  await assertTtl(bench, "rq:job:a", CENTURY);
});

Deno.test("a failure that is kept for ever has no time to live, and RQ's score for that", async () => {
  await using bench = await Bench.open();
  const worker = await relative(bench);
  await bench.run(worker, { outcome: "failed", ttl: -1 });
  for (const key of ["job:a", "results:a", "job:a:dependents"]) {
    await assertTtl(bench, `rq:${key}`, -1);
  }
  assertEquals(await bench.send("ZSCORE", "rq:failed:q", "a"), "-1");
});

Deno.test("a failure that is not kept leaves nothing of the job", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("a");
  await bench.run(worker, { outcome: "failed", ttl: 0 });
  const left = (await bench.allKeys()).filter((key) => !/worker/.test(key));
  assertEquals(left, ["rq:queues"]);
});

Deno.test("a canceled job is kept as long as a failed one", async () => {
  await using bench = await Bench.open();
  await bench.add("a", { fields: { failure_ttl: 60 } });
  await bench.add("b");
  await bench.jobs.cancel("a");
  await bench.jobs.cancel("b");
  await assertTtl(bench, "rq:job:a", 60);
  await assertTtl(bench, "rq:job:b", YEAR);
});

Deno.test("a job whose failure is not to be kept can be canceled and is then canceled or gone, without a trace elsewhere", async () => {
  await using bench = await Bench.open();
  await bench.add("a", { fields: { failure_ttl: 0 } });
  assertEquals((await bench.jobs.cancel("a")).done, true);
  const exists = await bench.send("EXISTS", "rq:job:a") === 1;
  const members = await bench.members("rq:canceled:q");
  assertEquals(members, exists ? ["a"] : []);
});

Deno.test("a job that is put back after its failure is kept until it has ended", async () => {
  await using bench = await Bench.open();
  const worker = await relative(bench);
  await bench.run(worker, { outcome: "failed", ttl: 60 });
  await bench.jobs.requeue("a", false);
  for (
    const key of [
      "job:a",
      "results:a",
      "job:a:dependents",
    ]
  ) await assertTtl(bench, `rq:${key}`, -1);
  await bench.run(worker, { ttl: 300 });
  await assertTtl(bench, "rq:results:a", 300);
});

Deno.test("a stream of results keeps about ten entries, however often a job is run", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("a");
  for (let i = 0; i < 300; i++) {
    await bench.run(worker, { outcome: "failed" });
    await bench.jobs.requeue("a", false);
  }
  const length = await bench.send("XLEN", "rq:results:a") as number;
  assert(length >= 10 && length <= 110, `${length}`);
});

/** As if so much time had passed that all leases, scores and times to live are over. */
async function passTime(bench: Bench): Promise<void> {
  for (const key of await bench.allKeys()) {
    if (await bench.ttl(key) >= 0) await bench.send("DEL", key);
    else if (await bench.send("TYPE", key) === "zset") {
      for (const member of await bench.members(key)) {
        const score = Number(await bench.send("ZSCORE", key, member));
        if (score > 1) await bench.send("ZADD", key, "XX", 1, member);
      }
    }
  }
}

type Story = (bench: Bench) => Promise<unknown>;

const STORIES: [string, Story][] = [
  ["finishes", async (bench) => {
    await bench.add("a");
    await bench.run(await bench.worker());
  }],
  ["fails", async (bench) => {
    await bench.add("a");
    await bench.run(await bench.worker(), { outcome: "failed", ttl: 60 });
  }],
  ["is retried and finishes", async (bench) => {
    await bench.add("a", { fields: { retries_left: 1 } });
    const worker = await bench.worker();
    await bench.run(worker, { outcome: "failed" });
    await bench.run(worker);
  }],
  ["is abandoned", async (bench) => {
    await bench.add("a", { fields: { failure_ttl: 60 } });
    const worker = await bench.worker();
    for (let i = 0; i < 4; i++) {
      const execution = await bench.claim(worker);
      await bench.workers.heartbeat(worker, 480, [execution]);
      await bench.expire(execution);
      await bench.sweep();
    }
  }],
  ["expires in its queue", async (bench) => {
    await bench.add("a", { ttl: 60 });
    await bench.send("DEL", "rq:job:a");
    await bench.tryClaim(await bench.worker());
  }],
  ["is deleted while it is queued", async (bench) => {
    await bench.add("a");
    await bench.jobs.delete("a");
  }],
  ["is deleted while it runs", async (bench) => {
    await bench.add("a");
    const worker = await bench.worker();
    const execution = await bench.claim(worker);
    await bench.workers.heartbeat(worker, 480, [execution]);
    await bench.jobs.delete("a");
    await bench.end(worker, execution);
  }],
  ["is deleted after its failure", async (bench) => {
    await bench.add("a");
    await bench.run(await bench.worker(), { outcome: "failed", ttl: -1 });
    await bench.jobs.delete("a");
  }],
  ["is canceled", async (bench) => {
    await bench.add("a");
    await bench.jobs.cancel("a");
  }],
  ["waits for a parent that finishes", async (bench) => {
    await bench.add("p");
    await bench.add("a", { dependsOn: ["p"] });
    const worker = await bench.worker();
    await bench.run(worker);
    await bench.run(worker);
  }],
  ["waits for a parent that has failed already", async (bench) => {
    const worker = await bench.worker();
    await bench.add("p");
    await bench.run(worker, { outcome: "failed", ttl: 60 });
    await bench.add("a", { dependsOn: ["p"] });
    await bench.send("DEL", "rq:job:p");
    await bench.sweep();
    await bench.jobs.delete("a");
  }],
  ["waits for a parent that expires in its queue", async (bench) => {
    await bench.add("p", { ttl: 60 });
    await bench.add("a", { dependsOn: ["p"] });
    await bench.send("DEL", "rq:job:p");
    await bench.sweep();
    await bench.jobs.delete("a");
    await bench.jobs.empty("q");
  }],
  ["is emptied out of its queue", async (bench) => {
    await bench.add("a");
    await bench.add("b", { dependsOn: ["a"] });
    await bench.jobs.empty("q");
    await bench.sweep();
    await bench.jobs.delete("b");
  }],
  ["was caught and put back", async (bench) => {
    await bench.add("a");
    const list = "rq:queue:q:intermediate";
    await bench.send("LMOVE", "rq:queue:q", list, "LEFT", "LEFT");
    await bench.sweep();
    await bench.send("SET", `${list}:first_seen:a`, 5);
    await bench.sweep();
    await bench.run(await bench.worker());
  }],
];

Deno.test.each(STORIES)(
  "of a job that %s nothing is left once its time is over, nor of its worker",
  async (_name, story) => {
    await using bench = await Bench.open();
    await story(bench);
    const worker = await bench.worker();
    await passTime(bench);
    await bench.workers.deregister(worker);
    await bench.sweep();
    await bench.dropDeadWorkers();
    await passTime(bench);
    assertEquals(await bench.allKeys(), ["rq:queues"]);
  },
);
