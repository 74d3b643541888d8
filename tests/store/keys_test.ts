import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { texts } from "../../lib/store/replies.ts";
import { Keys, spellKeys } from "../../lib/store/keys.ts";
import { script as linked } from "../../lib/store/lua/link.ts";
import { Bench } from "./support.ts";

Deno.test("the keys are RQ's, the double colon included", () => {
  const keys = new Keys();
  assertEquals(
    [
      keys.queues,
      keys.queue("low"),
      keys.intermediate("low"),
      keys.job("a"),
      keys.dependencies("a"),
      keys.results("a"),
      keys.registry("wip", "low"),
      keys.registry("finished", "low"),
      keys.workers,
      keys.worker("w"),
      keys.schedulerLock("low"),
      keys.releasing,
      keys.turn("sweep"),
      keys.channel("w"),
    ],
    [
      "rq:queues",
      "rq:queue:low",
      "rq:queue:low:intermediate",
      "rq:job:a",
      "rq:job::a:dependencies",
      "rq:results:a",
      "rq:wip:low",
      "rq:finished:low",
      "rq:workers",
      "rq:worker:w",
      "rq:scheduler-lock:low",
      "rq:x_releasing",
      "rq:x_turn:sweep",
      "rq:pubsub:w",
    ],
  );
  assertEquals(keys.queueName(keys.queue("a:b")), "a:b");
  assertEquals(keys.workerName(keys.worker("a:b")), "a:b");
});

Deno.test("an empty prefix is refused", () => {
  assertThrows(() => new Keys(""), RangeError, "it is empty");
});

Deno.test.each<[string]>([["rq:"], ["{rq}:"], ["app:rq:"]])(
  "scripts name keys as TypeScript does, under %s",
  async (prefix) => {
    await using bench = await Bench.open(prefix);
    const { keys } = bench;
    const script = linked(
      "keys",
      `
return {QUEUES, SUSPENDED, PAUSED, RELEASING, queue_key('q'), intermediate_key('q'), job_key('j'),
  dependents_key('j'), dependencies_key('j'), results_key('j'), registry_key('wip', 'q'),
  registry_key('canceled', 'q'), worker_executions_key('w'),
  queue_workers_key('q'), channel('w'), executions_key('j'), execution_key('j', 'e'),
  first_seen_key('q', 'j'), group_key('g'), LIMITS, limit_key('l'), allowed_key('l'),
  rate_limited_key('l'), starts_key('l'), looks_key('q'), UNIQUE_KEYS, unique_key('u')}`,
    );
    assertEquals(texts(await script.run(bench.client, [], [prefix])), [
      keys.queues,
      keys.suspended,
      keys.paused,
      keys.releasing,
      keys.queue("q"),
      keys.intermediate("q"),
      keys.job("j"),
      `${prefix}job:j:dependents`,
      keys.dependencies("j"),
      keys.results("j"),
      keys.registry("wip", "q"),
      keys.registry("canceled", "q"),
      `${prefix}worker:w:executions`,
      `${prefix}workers:q`,
      keys.channel("w"),
      `${prefix}executions:j`,
      `${prefix}execution:j:e`,
      `${prefix}queue:q:intermediate:first_seen:j`,
      `${prefix}group:g`,
      keys.limits,
      `${prefix}rl:l`,
      keys.allowed("l"),
      `${prefix}rl:l:rate_limited`,
      `${prefix}rl:l:x_starts`,
      keys.looks("q"),
      keys.uniqueKeys,
      `${prefix}x_unique:u`,
    ]);
  },
);

Deno.test("no other file spells a key", async () => {
  const folder = new URL("../../lib/", import.meta.url);
  for await (const path of sources(folder)) {
    if (path.endsWith("/store/keys.ts")) continue;
    const text = (await Deno.readTextFile(path)).replaceAll(
      /\/\*[\s\S]*?\*\/|^\s*(\/\/|--).*$/gm,
      "",
    );
    const key = /["'`]rq:(queue|job|wip|worker|results|execution)/.exec(text);
    assert(key === null, `${path} spells ${key?.[0]}`);
  }
});

async function* sources(folder: URL): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) yield* sources(new URL(`${name}/`, folder));
    else if (name.endsWith(".ts")) yield new URL(name, folder).pathname;
  }
}

Deno.test("the prefix of RQ's environment variable is the default", async () => {
  const keys = new URL("../../lib/store/keys.ts", import.meta.url).href;
  const prefixWith = async (value: string, ...flags: string[]) => {
    const code = `import { Keys } from ${
      JSON.stringify(keys)
    }; console.log(new Keys().queues)`;
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--quiet",
        "--no-prompt",
        "--no-lock",
        ...flags,
        `data:application/typescript,${encodeURIComponent(code)}`,
      ],
      env: { RQ_KEY_PREFIX: value, NO_COLOR: "1" },
    }).output();
    return new TextDecoder().decode(stdout.length > 0 ? stdout : stderr);
  };
  assertEquals(await prefixWith("my-app", "-A"), "my-app:queues\n");
  assertEquals(await prefixWith("{a:b}", "-A"), "{a:b}:queues\n");
  assertEquals(await prefixWith("my-app", "--allow-read"), "rq:queues\n");
  assertMatch(
    await prefixWith("my app", "-A"),
    /Cannot use RQ_KEY_PREFIX "my app"/,
  );
});

Deno.test.each([
  ["job_key(id)", "(P .. 'job:' .. id)"],
  ["job_key(ids[i + 1])", "(P .. 'job:' .. ids[i + 1])"],
  ["registry_key('wip', job.q)", "(P .. 'wip' .. ':' .. job.q)"],
  ["execution_key(id, e)", "(P .. 'execution:' .. id .. ':' .. e)"],
  ["ends_key()", "(P .. 'x_ends')"],
  ["my_job_key(id)", "my_job_key(id)"],
])("spellKeys() makes of %s %s", (lua, spelled) => {
  assertEquals(spellKeys(`f(${lua})`), `f(${spelled})`);
});

Deno.test.each([
  ["job_key(a or b)"],
  ["job_key(a .. b)"],
  ["job_key(f(x))"],
  ["registry_key('wip', f[x or y])"],
])("spellKeys() refuses %s, which could mean something else there", (lua) => {
  assertThrows(() => spellKeys(lua), Error, "needs simple arguments");
});
