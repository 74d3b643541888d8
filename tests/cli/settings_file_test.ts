import {
  assertEquals,
  assertMatch,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { UsageError } from "../../lib/cli/flags.ts";
import { sentinelUrl } from "../../lib/cli/sentinel_settings.ts";
import { parseNodesUrl } from "../../lib/redis/nodes.ts";
import { Bench, burst, WorkerProcess } from "../e2e/support.ts";
import { RedisServer } from "../support/redis_server.ts";
import { run } from "./support.ts";

/** A folder with files. */
class Folder implements AsyncDisposable {
  readonly path: string = Deno.makeTempDirSync();

  constructor(files: Readonly<Record<string, string>>) {
    for (const [name, text] of Object.entries(files)) {
      Deno.writeTextFileSync(`${this.path}/${name}`, text);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}

Deno.test("the constants of a settings file stand for flags of a worker", async () => {
  await using redis = await RedisServer.start();
  const { hostname, port } = new URL(redis.url);
  await using folder = new Folder({
    "settings.ts": `export const REDIS_HOST = "${hostname}";
      export const REDIS_PORT: number = ${port};
      export const QUEUES = ["high", "low"];
      export const NAME = "w-file";
      export const BURST = true;
      export const MAX_JOBS = 3;
      export const SENTRY_DSN = "https://sentry";
      export function helper() {}`,
    "settings.json": `{"REDIS_URL": "redis://127.0.0.1:1"}`,
  });
  const options = { cwd: folder.path };
  for (
    const [args, env, listening] of [
      [["-c", "settings"], {}, "high, low"],
      [["--config", `${folder.path}/settings.ts`], {}, "high, low"],
      [["--config=settings", "-P", folder.path], {}, "high, low"],
      [["-c", "settings", "other"], {}, "other"],
      [[], { RQ_CONFIG: "settings" }, "high, low"],
    ] as const
  ) {
    const environment = { REDIS_URL: "redis://127.0.0.1:1", ...env };
    await using worker = new WorkerProcess(args, {
      ...options,
      env: environment,
    });
    const { code, stdout, stderr } = await worker.ended();
    assertEquals([code, stderr], [0, ""], args.join(" "));
    assertStringIncludes(stdout, "'rq:worker:w-file' started");
    assertStringIncludes(stdout, `*** Listening on ${listening}...`);
  }
  const { code, stdout } = await burst(["-c", "settings", "--name", "w2"], {
    ...options,
  });
  assertEquals(code, 0);
  assertStringIncludes(stdout, "'rq:worker:w2' started");
});

Deno.test("every command takes a settings file, and leaves alone what is for others", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await bench.queue("low").enqueue("jobs.nothing");
  await using folder = new Folder({
    "a.json": JSON.stringify({
      REDIS_URL: redis.url,
      QUEUES: ["x"],
      CONCURRENCY: 4,
    }),
  });
  await using program = new WorkerProcess(["empty", "low", "-c", "a.json"], {
    cwd: folder.path,
  });
  const { stdout, stderr } = await program.ended();
  assertEquals([stdout, stderr], ["1 jobs removed from low queue\n", ""]);
});

Deno.test("RQ's constant SENTINEL is a URL", () => {
  for (
    const [settings, url] of [
      [{}, "redis-sentinel://localhost:26379/mymaster/0"],
      [
        {
          INSTANCES: [["a.b", 1], ["::1", 2]],
          MASTER_NAME: "m/1",
          DB: 3,
          USERNAME: "me",
          PASSWORD: "p:@/",
          SSL: true,
          SOCKET_TIMEOUT: 5,
          SENTINEL_KWARGS: { password: "x&y" },
        },
        "rediss-sentinel://me:p%3A%40%2F@a.b:1,[::1]:2/m%2F1/3?sentinel_password=x%26y",
      ],
    ] as const
  ) {
    assertEquals(sentinelUrl(settings), url);
    const { nodes, server, sentinelLogin } = parseNodesUrl(url);
    assertEquals(nodes[0]!.port, url.includes("a.b") ? 1 : 26379);
    if (!("PASSWORD" in settings)) continue;
    assertEquals(
      [server.credentials, sentinelLogin.password],
      [{ username: "me", password: "p:@/", db: 3 }, "x&y"],
    );
  }
  for (
    const wrong of [
      ...[[], 7, { INSTANCES: [["a"]] }, { MASTER: "m" }],
      ...[{ SSL: "true" }, { SSL: 1 }],
      ...[{ ssl: true }, { ssl: "true" }, { passwd: "x" }].map((login) => ({
        SENTINEL_KWARGS: login,
      })),
    ]
  ) {
    assertThrows(() => sentinelUrl(wrong), UsageError);
  }
  const both = { SSL: true, SENTINEL_KWARGS: { ssl: true, password: "x" } };
  assertMatch(sentinelUrl(both), /^rediss-sentinel:/);
});

Deno.test.each([
  ["s.json", `{"MAX_JOB": 3}`, /Unknown constant MAX_JOB .* mean MAX_JOBS\?/],
  ["s.json", `{"BURST": "yes"}`, /BURST of --config: expected true or false/],
  ["s.json", `{"NAME": ["a", "b"]}`, /NAME of --config: expected a text or a/],
  ["s.json", `{"MAX_JOBS": "many"}`, /Cannot use --max-jobs "many"/],
  ["s.json", `{"REDIS_PORT": "x"}`, /Cannot use REDIS_PORT/],
  ["s.json", `{"SENTINEL": {"INSTANCES": []}}`, /INSTANCES of SENTINEL in --/],
  ["s.json", `{`, /Cannot read --config \S+s\.json: /],
  ["s.json", `7`, /Cannot read --config \S+s\.json: it is no object/],
  ["s.ts", `throw new Error("oh")`, /Cannot read --config \S+s\.ts: oh/],
  ["s.py", `QUEUES = ["a"]`, /s\.py of --config, a Python module: .*s\.json/],
])("the settings file %s with %s ends with 2", async (name, text, says) => {
  await using folder = new Folder({ [name]: text });
  await using program = new WorkerProcess(["-c", "s"], { cwd: folder.path });
  const { code, stdout, stderr } = await program.ended();
  assertMatch(stderr, says);
  assertMatch(stderr, /^[^\n]+; worker --help lists all flags\n$/);
  assertEquals([code, stdout], [2, ""]);
});

Deno.test("no settings file says that all is meant, or that nobody is to be asked", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await using folder = new Folder({
    "settings.json": JSON.stringify({
      REDIS_URL: redis.url,
      ...{ ALL: true, YES: true, MEND: true },
    }),
  });
  const job = await bench.queue("low").enqueue("jobs.nothing");
  const env = { RQ_CONFIG: `${folder.path}/settings.json` };
  const emptied = await run(["empty"], env);
  assertEquals([emptied.code, emptied.stdout], [0, "Nothing to do\n"]);
  const deleted = await run(["job", "delete", job.id], env);
  assertEquals(deleted.code, 2);
  assertMatch(deleted.stderr, /There is nobody to ask: say --yes/);
  assertEquals(await job.getStatus(), "queued");
});
