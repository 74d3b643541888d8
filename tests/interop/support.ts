/** A real Redis, real workers of Deno and of Python, and Python's view of what is stored. */

import { assert } from "@std/assert";
import { runFlags } from "../support/deno_flags.ts";
import { ROOT } from "../support/paths.ts";
import { findPythonRq } from "../support/python.ts";
import { RedisServer } from "../support/redis_server.ts";
import { testUnless } from "../support/skip.ts";
import { Bridge, DEADLINE, Program, PYTHON_DIR, waitFor } from "./programs.ts";

export { type Program, waitFor } from "./programs.ts";

/** A Python that has RQ. */
export interface Python {
  /** For the names of tests, such as `RQ 3.0.0`. */
  readonly label: string;
  /** The interpreter. */
  readonly path: string;
  readonly major: number;
  /** What `-S` takes for JSON. */
  readonly serializer: string;
}

const WORKER = `${ROOT}/worker.ts`;
const JOBS = `${ROOT}/tests/interop/jobs`;

/** Why tests are skipped if {@linkcode findPythons} finds none. */
export const REASON: string =
  "no Python has RQ; `deno task test` installs it, or RQ_PYTHON names one that does";

/** The Pythons that have RQ, each version once. */
export async function findPythons(): Promise<Python[]> {
  const found = new Map<string, Python>();
  for (const variable of ["RQ_PYTHON", "RQ1_PYTHON"]) {
    const rq = await findPythonRq({ variables: [variable] });
    if ("reason" in rq || found.has(rq.version)) continue;
    const major = Number.parseInt(rq.version);
    found.set(rq.version, {
      label: `RQ ${rq.version}`,
      path: rq.python,
      major,
      serializer: major >= 3 ? "json" : "rq.serializers.JSONSerializer",
    });
  }
  return [...found.values()];
}

/** Registers a test once for each Python. */
export function eachPython(
  pythons: readonly Python[],
  name: string,
  body: (stage: Stage) => Promise<void>,
): void {
  if (pythons.length === 0) testUnless(REASON, name, () => {});
  for (const python of pythons) {
    Deno.test(`${name} (${python.label})`, async () => {
      await using stage = await Stage.start(python);
      await body(stage);
    });
  }
}

/** What Python reads of a job: `look()` of the bridge. */
export interface Look {
  readonly status: string;
  readonly value: unknown;
  readonly type: number | null;
  readonly exc: string | null;
  readonly meta: Record<string, unknown>;
  readonly worker: string | null;
  readonly origin: string;
  readonly func: string;
  readonly args: unknown[];
  readonly kwargs: Record<string, unknown>;
  readonly description: string;
  readonly timeout: number;
  readonly resultTtl: number | null;
  readonly failureTtl: number | null;
  readonly ttl: number | null;
  readonly retriesLeft: number | null;
  readonly dependencyIds: string[];
  readonly created: string;
  readonly enqueued: string | null;
  readonly started: string | null;
  readonly ended: string | null;
}

/** One Redis, one Python, and any number of workers of both languages. */
export class Stage implements AsyncDisposable {
  readonly python: Python;
  readonly redis: RedisServer;
  /** A folder of this test's own. */
  readonly folder: string;
  readonly #bridge: Bridge;
  readonly #programs: Program[] = [];

  private constructor(python: Python, redis: RedisServer, folder: string) {
    this.python = python;
    this.redis = redis;
    this.folder = folder;
    this.#bridge = new Bridge(python.path, redis.url);
  }

  static async start(python: Python): Promise<Stage> {
    const redis = await RedisServer.start();
    return new Stage(python, redis, await Deno.makeTempDir());
  }

  get url(): string {
    return this.redis.url;
  }

  /** Runs Python code that leaves its answer in `out`. */
  py<T = unknown>(
    code: string,
    args: Record<string, unknown> = {},
  ): Promise<T> {
    return this.#bridge.run<T>(code, args);
  }

  /** What Python reads of a job. */
  look(id: string): Promise<Look> {
    return this.py<Look>(`out = look(args["id"])`, { id });
  }

  /** Waits until Python reads a status. */
  async reaches(
    id: string,
    status: string,
    deadline: number = DEADLINE,
  ): Promise<Look> {
    let last = "";
    try {
      return await waitFor(`job ${id} is ${status}`, async () => {
        const look = await this.look(id);
        last = look.status;
        return look.status === status && look;
      }, deadline);
    } catch (error) {
      const output = this.#programs.map((p) => p.output.slice(-2_000))
        .join("\n");
      throw new Error(`${error}; it is ${last}; workers wrote:\n${output}`);
    }
  }

  /** One Redis command through Python; text is decoded. */
  send<T = unknown>(...command: (string | number)[]): Promise<T> {
    return this.py<T>(
      `
      def plain(v):
          if isinstance(v, bytes): return v.decode("utf-8", "replace")
          if isinstance(v, dict): return {plain(k): plain(x) for k, x in v.items()}
          if isinstance(v, (list, tuple, set)): return [plain(x) for x in v]
          return v
      out = plain(redis.execute_command(*args["command"]))
      `,
      { command },
    );
  }

  /** `deno run -A worker.ts`, as a user starts it. */
  denoWorker(...args: string[]): Program {
    return this.#start(Deno.execPath(), {
      args: [
        "run",
        "-A",
        "--quiet",
        ...runFlags(),
        WORKER,
        "--url",
        this.url,
        "--path",
        JOBS,
        ...args,
      ],
      cwd: JOBS,
    });
  }

  /** A Deno worker that listens. */
  async listening(...args: string[]): Promise<Program> {
    const worker = this.denoWorker(...args);
    await worker.said("*** Listening on");
    return worker;
  }

  /** A Deno worker in burst mode, to its end. */
  async denoBurst(...args: string[]): Promise<string> {
    const worker = this.denoWorker("--burst", ...args);
    const code = await worker.ended();
    assert(code === 0, `The worker ended with ${code}:\n${worker.output}`);
    return worker.output;
  }

  /** RQ's own command line. */
  rq(...args: string[]): Program {
    return this.#start(this.python.path, {
      args: [
        "-c",
        "import sys; from rq.cli import main; sys.argv[0] = 'rq'; main()",
        ...args,
        "--url",
        this.url,
      ],
      cwd: PYTHON_DIR,
      env: { PYTHONPATH: PYTHON_DIR, LC_ALL: "C.UTF-8", LANG: "C.UTF-8" },
    });
  }

  /** RQ's command line, to its end; gives what it wrote. */
  async rqDone(...args: string[]): Promise<string> {
    const program = this.rq(...args);
    const code = await program.ended();
    assert(code === 0, `rq ${args.join(" ")}: ${code}:\n${program.output}`);
    return program.output;
  }

  /** `rq worker` with JSON. */
  pythonWorker(...args: string[]): Program {
    return this.rq("worker", "-S", this.python.serializer, ...args);
  }

  /** `rq worker` with JSON in burst mode, to its end. */
  pythonBurst(...args: string[]): Promise<string> {
    return this.rqDone(
      "worker",
      "-S",
      this.python.serializer,
      "--burst",
      ...args,
    );
  }

  #start(command: string, options: Deno.CommandOptions): Program {
    const program = new Program(command, options);
    this.#programs.push(program);
    return program;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(
      this.#programs.map((program) => program[Symbol.asyncDispose]()),
    );
    await this.#bridge[Symbol.asyncDispose]();
    await this.redis[Symbol.asyncDispose]();
    await Deno.remove(this.folder, { recursive: true });
  }
}
