import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { WORKER_FLAGS } from "../../lib/cli/worker_flag_list.ts";
import { WorkerProcess } from "../e2e/support.ts";

/** Runs the program without a Redis: mistakes must be found before one is needed. */
async function run(
  ...args: string[]
): Promise<{ code: number; stdout: string; stderr: string }> {
  await using worker = new WorkerProcess(args, {
    env: { REDIS_URL: "redis://127.0.0.1:1" },
  });
  return await worker.ended();
}

const MISTAKES: readonly {
  readonly args: readonly string[];
  readonly says: RegExp;
}[] = [
  { args: ["--quues", "low"], says: /--quues; did you mean --queues\?/ },
  { args: ["--bust"], says: /--bust; did you mean --burst\?/ },
  { args: ["--max_job", "1"], says: /--max_job; did you mean --max-jobs\?/ },
  { args: ["--quues=low"], says: /--quues; did you mean --queues\?/ },
  { args: ["--xyzzy"], says: /^Unknown flag --xyzzy; worker --help/ },
  { args: ["-x"], says: /^Unknown flag -x/ },
  { args: ["--queues"], says: /--queues needs a value/ },
  { args: ["--queues", "high,,low"], says: /queue name ""/ },
  { args: ["--url"], says: /--url needs a value/ },
  { args: ["--name", "a b"], says: /worker name "a b"/ },
  { args: ["--max-jobs", "many"], says: /Cannot use --max-jobs "many"/ },
  { args: ["--max-jobs", "0"], says: /--max-jobs 0/ },
  { args: ["--max-jobs", "-1"], says: /--max-jobs "-1"/ },
  { args: ["--results-ttl", "soon"], says: /--results-ttl "soon"/ },
  { args: ["--results-ttl", "-2"], says: /--results-ttl "-2"/ },
  { args: ["--max-idle-time", "1.5"], says: /--max-idle-time "1.5"/ },
  { args: ["--job-monitoring-interval", "soon"], says: /interval "soon"/ },
  {
    args: ["-c", "settings"],
    says: /--config settings: there is no such settings\.ts, /,
  },
  { args: ["empty", "-c", "a/b.json"], says: /no such file; empty --help/ },
  { args: ["-S", "pickle"], says: /--serializer pickle: .*JSONSerializer/ },
  {
    args: ["--exception-handler", "a.b"],
    says: /exceptionHandlers "a.b": Cannot find the module/,
  },
  { args: ["--middleware", "./no.ts"], says: /there is no file .*no\.ts/ },
  { args: ["-w", "acme.Worker"], says: /--worker-class acme.Worker/ },
  { args: ["--job-class", "acme.Job"], says: /--job-class acme.Job/ },
  {
    args: ["-w", "rq.worker.RoundRobinWorker"],
    says: /--dequeue-strategy round_robin/,
  },
  {
    args: ["-ds", "fair"],
    says: /Cannot use --dequeue-strategy "fair": expected default/,
  },
  { args: ["--path", "no/such/folder"], says: /folder": it does not exist/ },
  { args: ["--path", "deno.json"], says: /deno.json": it is no directory/ },
  { args: ["--job-deno-arg", "map.json"], says: /"map.json"/ },
  { args: ["--job-deno-arg", "--allow-net"], says: /--job-allow-net/ },
  {
    args: ["--dequeue-strategy", "roundrobin"],
    says: /did you mean round_robin\?/,
  },
  { args: ["--logging-level", "LOUD"], says: /expected DEBUG, INFO/ },
  { args: ["--log-format", "xml"], says: /expected text, json/ },
  { args: ["--driver", "redis"], says: /expected @db\/redis, ioredis/ },
  {
    args: ["--name", "a", "--name", "b"],
    says: /--name was given more than once/,
  },
  { args: ["--burst=yes"], says: /--burst takes no value/ },
  { args: ["--job-modules", "node:fs"], says: /modules "node:fs"/ },
  { args: ["--job-allow-enqueue=,a"], says: /allowEnqueue/ },
  { args: ["--job-allow-nets"], says: /allow-nets/ },
  { args: ["--job-allow-read", "--job-allow-foo=a"], says: /allow-foo/ },
  { args: ["--url", "http://127.0.0.1"], says: /scheme must be/ },
  { args: ["--url", "not a url"], says: /it is not a URL/ },
  {
    args: ["--url", "redis://127.0.0.1/seven"],
    says: /database is not a number/,
  },
  { args: ["--burst", "empty"], says: /put it first; .* --queues empty/ },
  { args: ["empty", "--al"], says: /--al; did you mean --all\?; empty --help/ },
  { args: ["empty", "a\nb"], says: /Cannot use queue name "a\\nb"/ },
  { args: ["empty", "-S", "pickle", "low"], says: /--serializer pickle/ },
  { args: ["worker-pool", "-n", "0"], says: /Cannot use numWorkers 0/ },
  { args: ["worker-pool", "-n", "two"], says: /--num-workers "two"/ },
  { args: ["worker-pool", "--autoscale", "8"], says: /as in 2\.\.8/ },
  { args: ["worker-pool", "--autoscale", "8..2"], says: /numWorkers 8\.\.2/ },
  {
    args: ["worker-pool", "-n", "2", "--autoscale", "2..8"],
    says: /Cannot use both --num-workers and --autoscale/,
  },
  { args: ["worker-pool", "--max-jobs", "0"], says: /--max-jobs 0/ },
  { args: ["worker-pool", "--watch", "-b"], says: /--watch with --burst/ },
];

Deno.test.each(MISTAKES)(
  "the command line $args is a mistake: it ends with 2 and says so in a line",
  async ({ args, says }) => {
    const { code, stdout, stderr } = await run(...args);
    assertMatch(stderr, says);
    assertMatch(stderr, /^[^\n]+; [\w-]+ --help lists all flags\n$/);
    assertEquals({ code, stdout }, { code: 2, stdout: "" });
  },
);

Deno.test("a variable of the environment that makes no sense is a mistake, told in a line", async () => {
  await using worker = new WorkerProcess([], {
    env: { REDIS_URL: "", REDIS_PORT: "a port" },
  });
  const { code, stdout, stderr } = await worker.ended();
  assertMatch(stderr, /^Cannot use REDIS_PORT: [^\n]+\n$/);
  assertEquals({ code, stdout }, { code: 2, stdout: "" });
});

Deno.test("worker --help shows every flag of a worker on stdout", async () => {
  const { code, stdout, stderr } = await run("worker", "--help");
  assertEquals({ code, stderr }, { code: 0, stderr: "" });
  for (const { name, short } of WORKER_FLAGS) {
    const flag = short === undefined ? `--${name}` : `-${short}, --${name}`;
    assertStringIncludes(stdout, ` ${flag}`);
  }
  assertStringIncludes(stdout, "--job-allow-net");
  assertEquals((await run("worker", "-h")).stdout, stdout);
});

Deno.test("--version shows the version and Deno's", async () => {
  const { code, stdout } = await run("--version");
  assertEquals(code, 0);
  assertMatch(stdout, /^rq-worker \d+\.\d+\.\d+ \(deno \d+\.\d+\.\d+\)\n$/);
});
