/**
 * A running job's requests to its worker, and the answers.
 *
 * @module
 */

import type { Calls } from "./current_job.ts";
import type { CallMessage, ReplyMessage } from "./protocol.ts";
import type { EnqueueRequest } from "./runner.ts";

type Resolver = ReturnType<typeof Promise.withResolvers<string>>;
type Call = CallMessage extends infer C ? C extends CallMessage ? Omit<C, "id">
  : never
  : never;

const withResolvers = Promise.withResolvers.bind(Promise);

/** Counts on from job to job: a late reply to one job's call must not settle the next one's. */
let lastId = 0;

/** Sends calls and settles their promises as the replies come in. */
export class ChildCalls implements Calls {
  readonly #send: (call: CallMessage) => void;
  readonly #pending = new Map<number, Resolver>();
  #waiting: (() => void)[] = [];

  /**
   * Sends nothing yet.
   *
   * @param send writes one call to the worker
   */
  constructor(send: (call: CallMessage) => void) {
    this.#send = send;
  }

  /** Adds a job; resolves to its id. */
  enqueue(request: EnqueueRequest): Promise<string> {
    return this.#call({ method: "enqueue", request });
  }

  /** Replaces the stored `meta`. */
  async saveMeta(meta: Record<string, unknown>): Promise<void> {
    await this.#call({ method: "saveMeta", meta });
  }

  /** Stores how far the job is. */
  async saveProgress(value: number, note: string | undefined): Promise<void> {
    await this.#call(
      note === undefined
        ? { method: "saveProgress", value }
        : { method: "saveProgress", value, note },
    );
  }

  /** Takes the answer to a call. */
  settle(reply: ReplyMessage): void {
    const call = this.#pending.get(reply.id);
    if (call === undefined) return;
    this.#pending.delete(reply.id);
    if (reply.error === undefined) call.resolve(reply.value ?? "");
    else call.reject(new Error(reply.error));
    if (this.#pending.size > 0) return;
    for (const wake of this.#waiting.splice(0)) wake();
  }

  /** Waits until every call has been answered: the job's time limit bounds it. */
  async settled(): Promise<void> {
    while (this.#pending.size > 0) {
      const { promise, resolve } = withResolvers<void>();
      this.#waiting.push(resolve);
      await promise;
    }
  }

  #call(call: Call): Promise<string> {
    const id = ++lastId;
    const resolver = withResolvers<string>();
    this.#pending.set(id, resolver);
    this.#send({ id, ...call } as CallMessage);
    return resolver.promise;
  }
}
