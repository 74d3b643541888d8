/** Keeping a connection, over a driver without a server. */

import { assert, assertEquals } from "@std/assert";
import {
  type Command,
  type Connection,
  ConnectionEnd,
  type Driver,
} from "../../lib/redis/driver.ts";
import { Reconnector } from "../../lib/redis/reconnector.ts";
import { resolvesWithin } from "../../lib/base/timers.ts";

/** Connects to nothing: every connection answers at once that all is well. */
class InstantDriver implements Driver {
  readonly url = "instant:";
  readonly credentials = undefined;
  readonly direct = true;
  /** Connections that are open. */
  open = 0;

  dial(): Promise<Connection> {
    this.open++;
    const end = new ConnectionEnd();
    const close = (reason: Error) => {
      if (!end.reached) this.open--;
      end.reach(reason);
    };
    return Promise.resolve({
      ended: end.promise,
      pipeline: (commands: readonly Command[]) =>
        end.guard(
          Promise.resolve(
            commands.map(({ name }) => name === "PING" ? "PONG" : null),
          ),
        ),
      subscribe: () => Promise.resolve(),
      close,
    });
  }
}

/** Lets so many steps of other promises go first. */
async function steps(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await undefined;
}

/** More than it takes to connect. */
const MOST_STEPS = 60;

Deno.test("Reconnector.close() ends and leaves nothing open, at whichever step of connecting it is called", async () => {
  const failed: number[] = [];
  let ups = 0;
  for (let step = 0; step < MOST_STEPS; step++) {
    const driver = new InstantDriver();
    const reconnector = new Reconnector({
      driver,
      name: undefined,
      dialTimeout: 60_000,
      onUp: () => void ups++,
      onDown: () => undefined,
      onRefused: () => undefined,
    });
    reconnector.start();
    await steps(step);
    const ended = await resolvesWithin(
      reconnector.close(new Error("closed")),
      10_000,
    );
    if (!ended || driver.open > 0) failed.push(step);
  }
  assertEquals(failed, []);
  assert(ups > 0 && ups < MOST_STEPS, `connected in ${ups} of the cases`);
});
