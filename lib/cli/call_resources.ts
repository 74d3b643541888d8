/**
 * What a command has while it runs: a connection, the terminal, signals.
 *
 * @module
 */

import {
  type ConnectionOptions,
  type OpenConnection,
  openConnection,
} from "../store/connection.ts";
import { JobStore } from "../store/job_store.ts";
import { Keys } from "../store/keys.ts";
import type { CommandCall } from "./command.ts";
import { connectionOf } from "./common_flags.ts";
import { type ParsedFlags, UsageError } from "./flags.ts";
import { Output } from "./output.ts";

/** Somebody was asked whether something is to be done, and said no. */
class DeclinedError extends Error {
  override readonly name = "DeclinedError";

  constructor() {
    super("Nothing was done");
  }
}

/** The resources of one call of a command. Dispose of them when it has ended. */
export class CallResources implements AsyncDisposable {
  readonly #open: OpenConnection;
  readonly #store: JobStore;
  readonly #connection: ConnectionOptions;
  readonly #out = new Output();
  #interrupt: AbortController | undefined;

  /** @throws {RangeError | TypeError} If the flags or the environment do not say where Redis is. It connects later. */
  constructor(flags: ParsedFlags) {
    // Whatever a job was given or has returned can be shown.
    const options = { ...connectionOf(flags), bigInts: true };
    this.#open = openConnection(options);
    const { client } = this.#open;
    this.#store = new JobStore(client, new Keys(options.prefix));
    this.#connection = { ...options, connection: client };
  }

  /** What the command is called with. */
  callOf<T extends CommandCall>(args: T["args"], flags: T["flags"]): T {
    const signal = () => this.#signal();
    const call: CommandCall = {
      args,
      flags,
      connection: this.#connection,
      store: this.#store,
      out: this.#out,
      get signal() {
        return signal();
      },
      confirm: async (question, yes) => {
        if (yes) return;
        const answer = await this.#out.ask(`${question} [y/N]`);
        if (answer === undefined) {
          throw new UsageError(`${question} There is nobody to ask: say --yes`);
        }
        if (!/^y(es)?$/i.test(answer)) throw new DeclinedError();
      },
    };
    return call as T;
  }

  /** Whether an error only says that Ctrl-C has ended what was done. */
  wasInterrupted(error: unknown): boolean {
    return this.#interrupt?.signal.aborted === true &&
      error instanceof DOMException && error.name === "AbortError";
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#interrupt !== undefined) this.#stopListening();
    await this.#open.client.close();
  }

  #signal(): AbortSignal {
    if (this.#interrupt === undefined) {
      this.#interrupt = new AbortController();
      for (const name of SIGNALS) Deno.addSignalListener(name, this.#onSignal);
    }
    return this.#interrupt.signal;
  }

  readonly #onSignal = (): void => {
    this.#stopListening(); // the next one ends the program
    this.#interrupt?.abort();
  };

  #stopListening(): void {
    for (const name of SIGNALS) Deno.removeSignalListener(name, this.#onSignal);
  }
}

const SIGNALS: readonly Deno.Signal[] = Deno.build.os === "windows"
  ? ["SIGINT", "SIGBREAK"]
  : ["SIGINT", "SIGTERM"];
