/**
 * Gives a signal to a job that waits for it.
 *
 * @module
 */

import { InvalidJobOperationError } from "../base/errors.ts";
import { encodeJson } from "../job/json.ts";
import { checkStepName, MOST_KEPT } from "../job/steps.ts";
import { ReplyError } from "../redis/redis_client.ts";
import { signal } from "../store/steps.ts";
import type { Context } from "./context.ts";
import { noSuchJob } from "./wait.ts";

/** See {@linkcode Job.signal}. */
export async function signalJob(
  { store, bigInts }: Context,
  id: string,
  name: string,
  value: unknown,
): Promise<boolean> {
  checkStepName(name, "signal");
  const label = `the value of signal "${name}"`;
  const text = value === undefined ? "" : encodeJson(value, label, { bigInts });
  const reply = await signal(store, id, name, text);
  const cannot = `Cannot give job "${id}" the signal "${name}"`;
  switch (reply.type) {
    case "given":
      return true;
    case "late":
      return false;
    case "gone":
      throw noSuchJob(id);
    case "ended":
      throw new InvalidJobOperationError(`${cannot}: it is ${reply.status}`, {
        jobId: id,
        status: reply.status,
      });
    case "full":
      throw new RangeError(
        `${cannot}: its steps and signals together would take more than ${
          MOST_KEPT / 1024
        } KB`,
      );
    case "unfit":
      throw new ReplyError(
        `WRONGTYPE ${cannot}: a key of its queue holds another type of value`,
      );
  }
}
