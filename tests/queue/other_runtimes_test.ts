/** The producers' half of the package on Node and Bun. */

import { assertEquals } from "@std/assert";
import { runFlags } from "../support/deno_flags.ts";
import { fromFileUrl, ROOT } from "../support/paths.ts";
import { RedisServer } from "../support/redis_server.ts";
import { testUnless } from "../support/skip.ts";
import { Fleet } from "../faults/support.ts";

const PROJECT = fromFileUrl(new URL("./fixtures/node", import.meta.url));

/** A program and its first arguments. */
type Command = readonly [string, ...string[]];

const BUN = "bun@1.4.5";

const RUNTIMES: readonly [name: string, command: Command, named: string[]][] = [
  ["Node", ["node"], ["jobs/mail.mjs#send", "sent to b"]],
  ["Bun", ["npx", "-y", BUN], ["TypeError"]],
];

for (const [name, command, named] of RUNTIMES) {
  const version = await versionOf(command);
  const reason = version === undefined ? `no ${name} here` : undefined;
  testUnless(
    reason,
    `a program on ${name} enqueues, waits, looks and acts`,
    async () => {
      await using redis = await RedisServer.start();
      await using fleet = new Fleet(redis.url);
      await fleet.listening("--path", PROJECT, "q");
      const folder = await Deno.makeTempDir({ prefix: "rq-bundle-" });
      const library = `${folder}/mod.mjs`;
      await run(Deno.execPath(), [
        ...["bundle", "--quiet", "--format", "esm", ...runFlags()],
        ...["-o", library, `${ROOT}/mod.ts`],
      ]);
      const [program, ...args] = command;
      const script = [`${PROJECT}/program.mjs`, library, redis.url];
      const seen = JSON.parse(await run(program, [...args, ...script]));
      assertEquals(seen, {
        result: "sent to a",
        status: "finished",
        meta: { from: "here" },
        tagged: 1,
        named,
        child: "sent to c",
        group: 1,
        schedules: 1,
        cron: seen.cron === "stored" ? "stored" : "TypeError",
        failure: "JobFailedError",
        canceled: "canceled",
        watched: ["canceled"],
        logs: 0,
        exists: true,
      });
      await Deno.remove(folder, { recursive: true });
    },
  );
}

/** The version of a runtime that is there, or can be installed. */
async function versionOf([program, ...args]: Command): Promise<
  string | undefined
> {
  try {
    return await run(program, [...args, "--version"]);
  } catch {
    return undefined;
  }
}

/** Runs a program, and returns what it prints. */
async function run(program: string, args: readonly string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, {
    args: [...args],
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(decoder.decode(stderr));
  return decoder.decode(stdout).trim();
}
