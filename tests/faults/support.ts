import { waitFor, waitForEqual } from "../support/wait_for.ts";
import { type Bench, WorkerProcess } from "../e2e/support.ts";

/** Workers whose processes, at any depth, can be told from all others. */
export class Fleet implements AsyncDisposable {
  readonly marker: string = `RQ_TEST_FLEET=${crypto.randomUUID()}`;
  readonly #url: string;
  readonly #workers: WorkerProcess[] = [];

  constructor(url: string) {
    this.#url = url;
  }

  /** Starts a worker, without waiting until it listens. */
  start(...args: string[]): WorkerProcess {
    const [name = "", value = ""] = this.marker.split("=");
    const worker = new WorkerProcess(["--url", this.#url, ...args], {
      env: { [name]: value },
    });
    this.#workers.push(worker);
    return worker;
  }

  /** Starts a worker and waits until it listens. */
  async listening(...args: string[]): Promise<WorkerProcess> {
    const worker = this.start(...args);
    await worker.waitForOutput(/\*\*\* Listening on /);
    return worker;
  }

  /** The ids of all living processes of these workers, including the workers themselves. */
  processes(): number[] {
    return [...Deno.readDirSync("/proc")].map(({ name }) => Number(name))
      .filter((pid) => pid > 0 && this.#isMine(pid));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const worker of this.#workers) await worker[Symbol.asyncDispose]();
    await waitFor(() => this.processes().length === 0, {
      message: () => `processes outlived their workers: ${this.processes()}`,
    });
  }

  #isMine(pid: number): boolean {
    try {
      const environ = Deno.readTextFileSync(`/proc/${pid}/environ`);
      return environ.split("\0").includes(this.marker);
    } catch {
      return false; // it has ended meanwhile, or is somebody else's
    }
  }
}

/** Kills a worker at once and waits until it is gone. */
export async function kill(worker: WorkerProcess): Promise<void> {
  worker.kill("SIGKILL");
  await worker.ended();
}

/** Waits until a point in time. */
export async function until(moment: number): Promise<void> {
  await waitFor(() => performance.now() >= moment, { timeout: 60_000 });
}

/** Waits until no job of a queue is waiting or running. */
export async function assertDrained(
  bench: Bench,
  queues: readonly string[],
): Promise<void> {
  for (const name of queues) {
    const left = async () => ({
      name,
      left: await Promise.all([
        read(bench, "LRANGE", `rq:queue:${name}`, 0, 9),
        read(bench, "LRANGE", `rq:queue:${name}:intermediate`, 0, 9),
        read(bench, "ZRANGE", `rq:wip:${name}`, 0, 9),
      ]),
    });
    await waitForEqual<unknown>(left, { name, left: [[], [], []] });
  }
}

/** Reads something, and again if the connection was cut meanwhile. */
function read(
  bench: Bench,
  command: string,
  ...args: (string | number)[]
): Promise<unknown> {
  return bench.client.send(command, args, { resend: true });
}

/** Waits until so many jobs of some queues have finished. */
export async function finished(
  bench: Bench,
  queues: readonly string[],
  count: number,
  timeout: number = 120_000,
): Promise<void> {
  let seen = 0;
  await waitFor(async () => {
    const counts = await Promise.all(
      queues.map((name) => read(bench, "ZCARD", `rq:finished:${name}`)),
    );
    seen = counts.reduce<number>((sum, n) => sum + Number(n), 0);
    return seen === count;
  }, {
    timeout,
    interval: 100,
    message: () => `${count} jobs to finish, ${seen} have`,
  });
}
