import { assertEquals, assertStringIncludes } from "@std/assert";
import { CallQueue } from "../../lib/redis/call_queue.ts";
import {
  type Command,
  type Connection,
  ConnectionEnd,
  type Driver,
} from "../../lib/redis/driver.ts";
import type { RedisReply } from "../../lib/redis/redis_client.ts";
import { FakeClock, turn } from "../support/fake_clock.ts";
import { rejection } from "./support.ts";

const CONNECT_TIMEOUT = 5_000;
const REPLY_TIMEOUT = 60_000;

/** A server that answers handshakes at once, and everything else when the test says so. */
class SlowServer implements Driver {
  readonly url = "redis://slow";
  readonly credentials = undefined;
  readonly direct = false;
  #dials = Promise.withResolvers<void>();
  #asked = Promise.withResolvers<(reply: RedisReply) => void>();
  #end = new ConnectionEnd();

  /** Lets clients connect, until the connection is cut. */
  open(): void {
    this.#dials.resolve();
  }

  /** Resolves once a command has come, to what answers it. */
  asked(): Promise<(reply: RedisReply) => void> {
    return this.#asked.promise;
  }

  /** Ends the connection; the next one waits for `open()`. */
  cut(): void {
    this.#dials = Promise.withResolvers();
    this.#asked = Promise.withResolvers();
    this.#end.reach(new Error("cut"));
  }

  async dial(signal: AbortSignal): Promise<Connection> {
    const aborted = Promise.withResolvers<never>();
    signal.addEventListener("abort", () => aborted.reject(signal.reason));
    await Promise.race([this.#dials.promise, aborted.promise]);
    const end = this.#end = new ConnectionEnd();
    return {
      ended: end.promise,
      pipeline: (commands) => end.guard(this.#answer(commands)),
      subscribe: () => Promise.reject(new Error("not here")),
      close: (reason) => end.reach(reason),
    };
  }

  async #answer(commands: readonly Command[]): Promise<RedisReply[]> {
    if (commands.some(({ name }) => name === "INFO")) {
      return commands.map(({ name }) =>
        name === "INFO" ? "redis_version:7.4.0\r\nrole:master\r\n" : "PONG"
      );
    }
    const { promise, resolve } = Promise.withResolvers<RedisReply>();
    this.#asked.resolve(resolve);
    return [await promise];
  }
}

function openQueue(server: SlowServer, clock: FakeClock): CallQueue {
  return new CallQueue({
    driver: server,
    name: undefined,
    connectTimeout: CONNECT_TIMEOUT,
    replyTimeout: REPLY_TIMEOUT,
    maxBatch: 100,
    onUp: () => {},
    onDown: () => {},
    clock,
  });
}

function sendGet(queue: CallQueue): Promise<RedisReply> {
  const command = { name: "GET", args: ["key"], binary: false };
  return queue.send(command, {
    resend: true,
    blockMs: 0,
    source: undefined,
    signal: undefined,
  });
}

Deno.test("a call that was sent and lost waits for the next connection as long as for the first", async () => {
  const server = new SlowServer();
  const clock = new FakeClock();
  const queue = openQueue(server, clock);
  const reply = sendGet(queue);
  await clock.advance(CONNECT_TIMEOUT - 1); // it waits for the first connection
  server.open();
  await server.asked();
  clock.stall(REPLY_TIMEOUT / 2); // the server works on it for long
  server.cut();
  await turn(); // it is known to be lost
  await clock.advance(CONNECT_TIMEOUT - 1); // it waits for the second one
  server.open();
  (await server.asked())("value");
  assertEquals(await reply, "value");
  await queue.close();
  assertEquals(clock.pending, 0);
});

Deno.test("a call gives up after its connectTimeout, whether it has been sent before or not", async () => {
  const server = new SlowServer();
  const clock = new FakeClock();
  const queue = openQueue(server, clock);
  const sent = sendGet(queue);
  server.open();
  await server.asked();
  server.cut();
  await turn();
  const errors = Promise.all([sent, sendGet(queue)].map(rejection));
  await clock.advance(CONNECT_TIMEOUT);
  for (const error of await errors) {
    assertStringIncludes(
      error.message,
      "Cannot reach Redis at redis://slow: cut, gave up after 5 s",
    );
  }
  await queue.close();
});
