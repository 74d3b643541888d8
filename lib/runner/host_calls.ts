/**
 * The worker's side of a running job's calls.
 *
 * @module
 */

import { resolvesWithin } from "../base/timers.ts";
import { type HostCall, refuseMessage } from "./child_messages.ts";
import {
  type CallMessage,
  MAX_CALL_BYTES,
  MAX_CALLS,
  type ReplyMessage,
} from "./protocol.ts";
import type { JobHost } from "./runner.ts";

/** How long calls of a job that has ended may take, in milliseconds. */
const CALLS_GRACE = 1_000;

/** Performs the calls of one run one after the other, so that the last patch of `meta` is the one that stays. */
export class HostCalls {
  readonly #run: number;
  readonly #host: JobHost;
  readonly #reply: (reply: ReplyMessage) => Promise<void>;
  #last: Promise<void> | undefined;
  #calls = 0;
  #bytes = 0;

  /**
   * Does nothing yet.
   *
   * @param run The number of the run.
   * @param host Performs the calls.
   * @param reply Sends a reply to the subprocess; never rejects.
   */
  constructor(
    run: number,
    host: JobHost,
    reply: (reply: ReplyMessage) => Promise<void>,
  ) {
    this.#run = run;
    this.#host = host;
    this.#reply = reply;
  }

  /**
   * Adds a call.
   *
   * @throws {MessageError} If more calls are pending than the subprocess may send.
   */
  add({ call, size }: HostCall): void {
    const isFirst = this.#calls === 0;
    this.#calls++;
    this.#bytes += size;
    if (
      this.#calls > MAX_CALLS || (!isFirst && this.#bytes > MAX_CALL_BYTES)
    ) refuseMessage("call", "too many of them wait for an answer");
    this.#last = this.#answer(this.#last, call, size);
  }

  /** Waits, for a limited time, until all calls are done: a job may have been killed during one. */
  async finish(): Promise<void> {
    if (this.#last === undefined) return;
    await resolvesWithin(this.#last, CALLS_GRACE);
  }

  async #answer(
    before: Promise<void> | undefined,
    call: CallMessage,
    size: number,
  ): Promise<void> {
    await before;
    const answer = await this.#perform(call);
    this.#calls--;
    this.#bytes -= size;
    await this.#reply({
      type: "reply",
      run: this.#run,
      id: call.id,
      ...answer,
    });
  }

  async #perform(
    call: CallMessage,
  ): Promise<{ value?: string } | { error: string; name?: string }> {
    const host = this.#host;
    try {
      switch (call.method) {
        case "enqueue":
          return { value: await host.enqueue(call.request) };
        case "parents":
          return { value: await host.parents() };
        case "saveMeta":
          await host.saveMeta(call.patch);
          return {};
        case "saveProgress":
          await host.saveProgress(call.value, call.note);
          return {};
        case "emit":
          await host.emit(call.parts);
          return {};
        default:
          return { value: await host.steps(call) };
        case "log":
          await host.log(call.text);
          return {};
      }
    } catch (error) {
      return error instanceof Error
        ? { error: error.message, name: error.name }
        : { error: String(error) };
    }
  }
}
