/** The commands that list jobs, and act on them. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { WorkerProcess } from "../e2e/support.ts";
import { Desk } from "../queue/support.ts";
import { waitFor } from "../support/wait_for.ts";
import { run } from "./support.ts";

/** A desk with jobs in several states, and a way to call the program on its Redis. */
async function openShop() {
  const desk = await Desk.open();
  const { queue } = desk;
  await queue.enqueueCall({ func: "jobs.add", jobId: "done", tags: ["x"] });
  await desk.finish();
  await queue.enqueueCall({ func: "jobs.send", jobId: "bad", args: ["\x1b"] });
  await desk.fail("Error: ECONNREFUSED");
  await queue.enqueueCall({ func: "jobs.send", jobId: "worse" });
  await desk.fail("Error: no address");
  await queue.enqueueMany([
    { func: "jobs.add", jobId: "next" },
    { func: "jobs.add", jobId: "later", in: "2h" },
  ]);
  const env = { REDIS_URL: desk.bench.server.url };
  const rq = (...args: string[]) => run(args, env);
  return { desk, queue, rq };
}

/** The first column of a table, without its header. */
function idsOf(stdout: string): string[] {
  return stdout.trimEnd().split("\n").slice(1)
    .map((line) => line.split(" ", 1)[0]!);
}

Deno.test("job list shows jobs, those that have not ended first", async () => {
  const { desk, rq } = await openShop();
  await using _desk = desk;
  const { code, stdout } = await rq("job", "list");
  assertEquals(code, 0);
  const lines = stdout.trimEnd().split("\n");
  assertMatch(lines[0]!, /^ID +STATUS +QUEUE +WHEN +CALL$/);
  assertMatch(lines[1]!, /^next +queued +q +\d+s ago +jobs\.add\(\)$/);
  assertMatch(
    lines[2]!,
    /^later +scheduled +q +in (2h|1h \d+m) +jobs\.add\(\)$/,
  );
  assertEquals(idsOf(stdout).slice(2, 4).sort(), ["bad", "worse"]);
  assertEquals(idsOf(stdout).slice(4), ["done"]);
  assert(!stdout.includes("\x1b"));
});

Deno.test("job list takes statuses, queues, a filter and a limit", async () => {
  const { desk, rq } = await openShop();
  await using _desk = desk;
  const list = async (...flags: string[]) =>
    idsOf((await rq("job", "list", ...flags)).stdout);
  assertEquals((await list("-s", "failed,scheduled")).sort(), [
    "bad",
    "later",
    "worse",
  ]);
  assertEquals(await list("--func", "jobs.send", "--error", "refused"), []);
  assertEquals(await list("--error", "/refused|REFUSED/"), ["bad"]);
  assertEquals(await list("--tag", "x", "--since", "1h"), ["done"]);
  assertEquals(await list("--before", "2026-01-01"), []);
  assertEquals(await list("--queue", "other"), []);
  assertEquals(await list("-q", "other,q", "-n", "1"), ["next"]);
  const { stdout } = await rq("job", "list", "-s", "scheduled", "--json");
  const job = JSON.parse(stdout);
  assertEquals([job.id, job.origin, job.status], ["later", "q", "scheduled"]);
  assert(new Date(job.due).getTime() > Date.now());
});

Deno.test.each([
  [["job", "list", "--status", "fialed"], /--status "fialed".*mean failed/],
  [["job", "list", "--since", "soon"], /--since.*"soon"/],
  [["job", "list", "--error", "/(/"], /--error \/\(\//],
  [["job", "list", "--all", "--limit", "5"], /--all and --limit/],
  [["job", "requeue"], /job requeue needs ids of jobs, or --all/],
  [["job", "requeue", "--func", "a.b"], /--func without --all/],
  [["job", "requeue", "a", "--all"], /--all and ids/],
  [["job", "requeue", "--all", "-s", "queued"], /requeue queued jobs/],
  [["job", "delete", "--all", "--yes"], /needs --status/],
  [["job", "delete", "--all", "-s", "started", "--yes"], /cancel them first/],
  [["job", "delete", "bad"], /Delete job bad\? .*--yes/],
  [["job", "cancel", "--all"], /Cancel all jobs of q: .*--yes/],
])("%j is refused in one line, and nothing is done", async (args, message) => {
  const { desk, rq } = await openShop();
  await using _desk = desk;
  const before = await desk.bench.dump();
  const { code, stdout, stderr } = await rq(...args);
  assertEquals([code, stdout, stderr.split("\n").length], [2, "", 2]);
  assertMatch(stderr, message);
  assertEquals(await desk.bench.dump(), before);
});

Deno.test("requeue puts failed jobs back, as RQ's", async () => {
  const { desk, queue, rq } = await openShop();
  await using _desk = desk;
  assertEquals(await rq("requeue", "--queue", "q", "bad"), {
    code: 0,
    stdout: "Requeueing 1 jobs from failed queue\nJob bad requeued\n",
    stderr: "",
  });
  assertEquals(await queue.jobIds(), ["next", "bad"]);
  assertEquals(await rq("requeue", "--queue", "q", "--all"), {
    code: 0,
    stdout: "Requeueing 1 jobs from failed queue\n1 job requeued\n",
    stderr: "",
  });
  assertEquals((await rq("requeue", "--all")).stdout, "Nothing to do\n");
  const gone = await rq("requeue", "nobody", "-q", "q");
  assertEquals(gone.code, 1);
  assertMatch(gone.stderr, /^No such job "nobody".*\n$/);
});

Deno.test("job requeue takes ids of jobs that have ended or are scheduled, or all that are meant", async () => {
  const { desk, queue, rq } = await openShop();
  await using _desk = desk;
  const { code, stdout } = await rq(
    ...["job", "requeue", "done", "later", "next", "nobody"],
  );
  assertEquals(code, 1);
  assertEquals(stdout.split("\n", 1), ["2 of 4 jobs requeued"]);
  assertMatch(stdout, /requeue job "next": .*its status is queued/);
  assertMatch(stdout, /No such job "nobody"/);
  assertEquals(await queue.jobIds(), ["next", "done", "later"]);
  const all = await rq(
    ...["job", "requeue", "--all", "--error", "address", "--at-front"],
    "--json",
  );
  const { requeued, looked, complete } = JSON.parse(all.stdout);
  assertEquals([requeued, looked, complete], [1, 2, true]);
  assertEquals(await queue.jobIds(), ["worse", "next", "done", "later"]);
});

Deno.test("job requeue says which jobs it could not requeue", async () => {
  const { desk, queue, rq } = await openShop();
  await using _desk = desk;
  const call = { func: "jobs.add", unique: { key: "k" } };
  await queue.empty();
  await queue.enqueueCall({ ...call, jobId: "first" });
  await desk.fail("Error: unique");
  await queue.enqueueCall({ ...call, jobId: "second" });
  const { code, stdout } = await rq(
    "job",
    "requeue",
    "--all",
    "--error",
    "uni",
  );
  assertEquals(code, 1);
  assertEquals(stdout.split("\n"), [
    "0 jobs requeued",
    "Unable to requeue 1:",
    '  first: its unique key "k" is held by job "second" by now',
    "",
  ]);
});

Deno.test.each([
  [["job", "cancel"]],
  [["job", "delete", "--yes"]],
  [["job", "requeue"]],
  [["job", "stop"]],
  [["requeue"]],
])("%j says in a line that something is no id", async (words) => {
  const { desk, rq } = await openShop();
  await using _desk = desk;
  const { code, stderr } = await rq(...words, "a b");
  assertEquals(code, 2, stderr);
  assertMatch(stderr, /^Cannot use job id "a b": expected letters, .*\n$/);
});

Deno.test("job cancel cancels by ids, or all that wait and are meant", async () => {
  const { desk, queue, rq } = await openShop();
  await using _desk = desk;
  assertEquals(
    (await rq("job", "cancel", "next")).stdout,
    "Job next canceled\n",
  );
  const again = await rq("job", "cancel", "next");
  assertEquals([again.code, again.stdout], [1, ""]);
  const all = await rq("job", "cancel", "--all", "--func", "jobs.add", "--yes");
  assertEquals([all.code, all.stdout], [0, "1 job canceled\n"]);
  assertEquals((await queue.canceledJobRegistry.jobIds()).sort(), [
    "later",
    "next",
  ]);
});

Deno.test("job delete deletes by ids, or all of some statuses that are meant", async () => {
  const { desk, queue, rq } = await openShop();
  await using _desk = desk;
  const { code, stdout } = await rq(
    ...["job", "delete", "done", "nobody", "--yes", "--json"],
  );
  assertEquals(code, 1);
  assertEquals(
    JSON.parse(stdout).map((one: { deleted: boolean }) => one.deleted),
    [true, false],
  );
  const flags = ["--status", "failed,queued,scheduled", "--yes"];
  const some = await rq("job", "delete", "--all", ...flags, "--tag", "x");
  assertEquals(some.stdout, "0 jobs deleted\n");
  const all = await rq("job", "delete", "--all", ...flags);
  assertEquals(all.stdout, "4 jobs deleted\n");
  assertEquals(await queue.count(), 0);
  assertEquals(await queue.failedJobRegistry.count(), 0);
});

/** Makes failed jobs. */
const FAILED = `
for i = 1, ARGV[1] do
  redis.call('HSET', 'rq:job:job-' .. i, 'data', '["a",null,[],{}]', 'origin', 'q', 'status', 'failed', 'created_at', 'x')
  redis.call('ZADD', 'rq:failed:q', 4000000000, 'job-' .. i)
end
redis.call('SADD', 'rq:queues', 'rq:queue:q')`;

Deno.test("Ctrl-C in the middle says how far it came, and the same command goes on", async () => {
  await using desk = await Desk.open();
  const { bench, queue } = desk;
  const jobs = 20_000;
  await bench.send("EVAL", FAILED, 0, jobs);
  const env = { REDIS_URL: bench.server.url };
  await using program = new WorkerProcess(["job", "requeue", "--all"], { env });
  await waitFor(async () => await queue.count() > 0);
  await bench.send("CLIENT", "PAUSE", 60_000, "WRITE"); // so that it is not done before the signal
  program.kill("SIGINT");
  await bench.send("CLIENT", "UNPAUSE");
  const { code, stdout } = await program.ended();
  const done = await queue.count();
  assertEquals(code, 130);
  assert(done < jobs);
  assertEquals(stdout.split("\n"), [
    `${done} jobs requeued`,
    `Interrupted after ${done} of ${jobs}. The same command goes on with the rest.`,
    "",
  ]);
  const rest = await run(["job", "requeue", "--all"], env);
  assertEquals(rest.stdout, `${jobs - done} jobs requeued\n`);
  assertEquals(await queue.count(), jobs);
});
