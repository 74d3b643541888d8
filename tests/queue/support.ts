/** What the tests of queues and jobs share: a Redis with a queue on it, and a worker that runs nothing. */

import { deflateSync } from "node:zlib";
import { Queue } from "../../lib/queue/queue.ts";
import type { QueueOptions } from "../../lib/queue/queue_options.ts";
import type { WorkerIdentity } from "../../lib/store/worker_types.ts";
import { encodeFailure, encodeResult } from "../../lib/job/result_codec.ts";
import { waitFor } from "../support/wait_for.ts";
import { Bench, type Ending } from "../store/support.ts";

/** A {@linkcode Bench} with a queue named `q` and a registered worker. */
export class Desk implements AsyncDisposable {
  readonly bench: Bench;
  readonly queue: Queue;
  readonly worker: WorkerIdentity;

  private constructor(bench: Bench, queue: Queue, worker: WorkerIdentity) {
    this.bench = bench;
    this.queue = queue;
    this.worker = worker;
  }

  /** Starts it. */
  static async open(options: QueueOptions = {}): Promise<Desk> {
    const bench = await Bench.open(options.prefix ?? "rq:");
    const connection = bench.server.url;
    const queue = new Queue("q", { connection, ...options });
    return new Desk(bench, queue, await bench.worker());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.queue.close();
    await this.bench[Symbol.asyncDispose]();
  }

  /** Claims the next job and ends it with a result. */
  finish(json = `"done"`, ending: Partial<Ending> = {}): Promise<string> {
    return this.bench.run(this.worker, {
      payload: encodeResult(json),
      ...ending,
    });
  }

  /** Claims the next job and ends it with a failure. */
  fail(
    text = "TypeError: bad\n    at f (a.ts:1:1)",
    ending: Partial<Ending> = {},
  ): Promise<string> {
    return this.bench.run(this.worker, {
      outcome: "failed",
      payload: encodeFailure(text),
      ...ending,
    });
  }

  /** How many clients are connected, by CLIENT LIST. */
  async clients(): Promise<number> {
    const list = String(await this.bench.send("CLIENT", "LIST"));
    return list.trim().split("\n").length;
  }
}

/** A text as RQ stores it in a hash: zlib, no base64. */
export function zlibOf(text: string): Uint8Array {
  return deflateSync(text);
}

/** Waits until somebody is blocked in XREAD. */
export async function blocked(desk: Desk): Promise<void> {
  await waitFor(async () =>
    /^blocked_clients:[1-9]/m.test(
      String(await desk.bench.send("INFO", "clients")),
    )
  );
}
