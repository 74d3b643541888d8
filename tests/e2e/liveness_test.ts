/** What tells systemd and probes that a worker lives. */

import { assertEquals, assertMatch } from "@std/assert";
import { jobFlags, poolFlags } from "../support/deno_flags.ts";
import { RedisServer } from "../support/redis_server.ts";
import { waitFor } from "../support/wait_for.ts";
import { WorkerProcess } from "./support.ts";

/** Stands in for systemd's program: notes what it is called with. */
const NOTIFY = `#!/bin/sh
echo "$NOTIFY_SOCKET $*" >>"$NOTED"
`;

/** A directory with a `systemd-notify` of its own, and what it was called with. */
class FakeSystemd implements AsyncDisposable {
  readonly directory: string = Deno.makeTempDirSync({ prefix: "rq-systemd-" });

  constructor() {
    const program = `${this.directory}/systemd-notify`;
    Deno.writeTextFileSync(program, NOTIFY, { mode: 0o755 });
  }

  env(more: Readonly<Record<string, string>> = {}): Record<string, string> {
    return {
      PATH: `${this.directory}:${Deno.env.get("PATH")}`,
      NOTED: `${this.directory}/noted`,
      NOTIFY_SOCKET: "@rq-test",
      ...more,
    };
  }

  noted(): string[] {
    try {
      return Deno.readTextFileSync(`${this.directory}/noted`).trim()
        .split("\n");
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return [];
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.directory, { recursive: true });
  }
}

/** Whether a file exists. */
function exists(file: string): boolean {
  try {
    return Deno.statSync(file).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

Deno.test.each(
  [
    ["worker", ["low"]],
    ["worker-pool", ["low", ...poolFlags()]],
    ["cron", ["cron.ts", ...jobFlags()]],
  ] as const,
)(
  "%s tells systemd when it is ready, that it lives, and when it stops",
  async (command, args) => {
    await using redis = await RedisServer.start();
    await using systemd = new FakeSystemd();
    const env = systemd.env({ WATCHDOG_USEC: "200000" });
    await using worker = new WorkerProcess(
      [command, ...args, "--url", redis.url],
      { env },
    );
    const beats = () =>
      systemd.noted().filter((line) => line.endsWith("DOG=1"));
    await waitFor(() => beats().length >= 3);
    assertEquals(systemd.noted()[0], "@rq-test READY=1");
    worker.kill("SIGTERM");
    const { code, stderr } = await worker.ended();
    assertEquals({ code, stderr }, { code: 0, stderr: "" });
    const said = new Set(systemd.noted());
    assertEquals([...said].sort(), [
      "@rq-test READY=1",
      "@rq-test STOPPING=1",
      "@rq-test WATCHDOG=1",
    ]);
  },
);

Deno.test("without a watchdog, systemd hears of the start and the end alone", async () => {
  await using redis = await RedisServer.start();
  await using systemd = new FakeSystemd();
  await using worker = new WorkerProcess(["low", "--url", redis.url], {
    env: systemd.env(),
  });
  await waitFor(() => systemd.noted().length > 0);
  worker.kill("SIGTERM");
  assertEquals((await worker.ended()).code, 0);
  assertEquals(systemd.noted(), ["@rq-test READY=1", "@rq-test STOPPING=1"]);
});

Deno.test("a worker that cannot tell systemd says so once, and works", async () => {
  await using redis = await RedisServer.start();
  await using worker = new WorkerProcess(["low", "--url", redis.url], {
    env: {
      NOTIFY_SOCKET: "/no/such/socket",
      WATCHDOG_USEC: "100000",
      PATH: "/no/such/folder",
    },
  });
  await worker.waitForOutput(/Cannot tell systemd READY=1: NotFound/);
  worker.kill("SIGTERM");
  const { code, stdout } = await worker.ended();
  assertEquals({ code, said: stdout.match(/Cannot tell/g)?.length }, {
    code: 0,
    said: 1,
  });
});

Deno.test("the heartbeat file is there while the worker takes jobs or finishes them", async () => {
  await using redis = await RedisServer.start();
  const directory = await Deno.makeTempDir({ prefix: "rq-beat-" });
  await using _ = {
    [Symbol.asyncDispose]: () => Deno.remove(directory, { recursive: true }),
  };
  const file = `${directory}/beat`;
  await Deno.writeTextFile(file, "of an earlier run");
  const args = ["low", "--url", redis.url, "--heartbeat-file", file];
  await using worker = await WorkerProcess.listening(args);
  await waitFor(() => exists(file));
  const first = await Deno.readTextFile(file);
  assertMatch(first, /^\d{4}-\d\d-\d\dT.*Z\n$/);
  await waitFor(() => ![first, ""].includes(Deno.readTextFileSync(file)));
  worker.kill("SIGTERM");
  const { code, stderr } = await worker.ended();
  assertEquals({ code, stderr }, { code: 0, stderr: "" });
  assertEquals(exists(file), false);
});

Deno.test("a heartbeat file that cannot be used ends the worker with 1", async () => {
  await using redis = await RedisServer.start();
  const directory = await Deno.makeTempDir({ prefix: "rq-beat-" });
  await using _ = {
    [Symbol.asyncDispose]: () => Deno.remove(directory, { recursive: true }),
  };
  await Deno.mkdir(`${directory}/beat/full`, { recursive: true });
  const args = ["low", "--url", redis.url, "--heartbeat-file"];
  await using worker = new WorkerProcess([...args, `${directory}/beat`]);
  const { code, stderr } = await worker.ended();
  assertEquals(code, 1);
  assertMatch(stderr, /^Cannot remove the heartbeat file [^\n]+\n$/);
});
