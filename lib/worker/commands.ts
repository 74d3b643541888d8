/**
 * RQ's commands to a running worker (`rq.command`), received on the worker's channel.
 *
 * @module
 */

import { Service } from "../base/service.ts";
import type { RedisClient, Subscription } from "../redis/redis_client.ts";
import type { WorkerLog } from "./log.ts";

/** Executes commands. */
export interface CommandTarget {
  /** Begins a warm shutdown. */
  shutdown(): void;
  /** Kills the running jobs, which then fail. */
  killHorse(): void;
  /** Stops a job if it runs here; with `executionId`, only that execution. */
  stopJob(jobId: string, executionId: string | undefined): void;
  /** A job of a queue has come to be due before all others, in so many milliseconds. */
  scheduled(queue: string, ms: number): void;
  /** A slot of a schedule comes before all others, in so many milliseconds. */
  slotExpected(ms: number): void;
}

/** The options of {@linkcode Commands}. */
export interface CommandsOptions {
  readonly client: RedisClient;
  readonly channel: string;
  readonly target: CommandTarget;
  readonly log: WorkerLog;
  readonly onError: (error: unknown) => void;
}

/** Milliseconds between two probes of the subscription. */
const PROBE_INTERVAL = 15_000;

/**
 * Listens for commands. A silent channel looks like a dead connection, so each
 * pass sends a message to itself, and subscribes anew if the last one has not arrived.
 */
export class Commands extends Service {
  readonly #options: CommandsOptions;
  #subscription: Subscription | undefined;
  /** Identifies the last call of `subscribe()`, unless it was stopped. */
  #attempt: object | undefined;
  #probe: string | undefined;

  /** Receives nothing before {@linkcode Commands.subscribe}. */
  constructor(options: CommandsOptions) {
    const { onError } = options;
    super({ name: "commands", interval: PROBE_INTERVAL, onError });
    this.#options = options;
  }

  /** Starts to listen. Does nothing if it is listening. */
  async subscribe(): Promise<void> {
    if (this.#subscription !== undefined) return;
    const { client, channel } = this.#options;
    const attempt = this.#attempt = {};
    const subscription = await client.subscribe(
      channel,
      (message) => this.#receive(message),
    );
    if (this.#attempt !== attempt) {
      await subscription.close(); // stopped meanwhile, or called twice
      return;
    }
    this.#subscription = subscription;
    this.start();
  }

  /** Checks that the last probe has arrived, and sends the next. */
  override async runOnce(): Promise<void> {
    const { client, channel, log } = this.#options;
    if (this.#probe !== undefined) {
      log.debug("No message came over the command channel, subscribing anew");
      this.#subscription?.restart();
    }
    this.#probe = crypto.randomUUID();
    const probe = JSON.stringify({ command: "probe", token: this.#probe });
    await client.send("PUBLISH", [channel, probe]);
  }

  /** Stops listening. */
  override async stop(): Promise<void> {
    this.#attempt = undefined;
    await super.stop();
    const subscription = this.#subscription;
    this.#subscription = undefined;
    await subscription?.close();
  }

  #receive(message: string): void {
    const { target, log } = this.#options;
    const payload = parse(message);
    const { command, token } = payload;
    const jobId = payload["job_id"];
    const executionId = payload["execution_id"];
    if (command === "probe" && token === this.#probe) this.#probe = undefined;
    else if (command === "shutdown") target.shutdown();
    else if (command === "kill-horse") target.killHorse();
    else if (command === "stop-job" && typeof jobId === "string") {
      target.stopJob(jobId, undefined);
    } else if (
      command === "stop-execution" && typeof jobId === "string" &&
      typeof executionId === "string"
    ) {
      target.stopJob(jobId, executionId);
    } else if (command === "x-scheduled") {
      target.scheduled(String(payload["queue"]), Number(payload["ms"]));
    } else if (command === "x-schedules") {
      target.slotExpected(Number(payload["ms"]));
    } else if (command !== "probe") {
      log.warn(`Ignored unknown command: ${message.slice(0, 200)}`);
    }
  }
}

interface Payload {
  readonly command?: unknown;
  readonly token?: unknown;
  readonly [name: string]: unknown;
}

/** Parses a message. Anybody may publish anything; what is not an object is no command. */
function parse(message: string): Payload {
  try {
    const value: unknown = JSON.parse(message);
    if (typeof value === "object" && value !== null) return value as Payload;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  return {};
}
