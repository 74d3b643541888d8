/**
 * Behind `job.streamResponse()`.
 *
 * @module
 */

import {
  InvalidJobOperationError,
  JobFailedError,
  NoSuchJobError,
} from "../base/errors.ts";
import { resolvesWithin } from "../base/timers.ts";
import { encodeJson } from "../job/json.ts";
import type { Context } from "./context.ts";
import { JobStream, type StreamOptions } from "./job_stream.ts";

/** How often something is sent while there is nothing to tell, in milliseconds: proxies end connections that are silent. */
const ALIVE_MS = 15_000;

/** Of server-sent events. No cache may keep them. */
const HEADERS = {
  "content-type": "text/event-stream",
  "cache-control": "no-store",
};

/** The parts of a job as server-sent events. */
export function streamResponse(
  context: Context,
  id: string,
  options: Pick<StreamOptions, "from">,
): Response {
  const reading = new AbortController();
  const { signal } = reading;
  let isNew = false;
  const onRestart = () => {
    isNew = true;
  };
  const stream = new JobStream(context, id, {
    ...options,
    signal,
    onRestart,
  });
  const events = eventsOf(stream, () => {
    const hasBegunAnew = isNew;
    isNew = false;
    return hasBegunAnew;
  });
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await events.next();
      if (done) controller.close();
      else controller.enqueue(encoder.encode(value));
    },
    cancel() {
      reading.abort();
    },
  });
  return new Response(body, { headers: HEADERS });
}

/** The events. `hasBegunAnew` tells whether the job has, since it was last asked. */
async function* eventsOf(
  stream: JobStream<unknown>,
  hasBegunAnew: () => boolean,
): AsyncGenerator<string> {
  try {
    for (let next = stream.next();; next = stream.next()) {
      while (!await resolvesWithin(next, ALIVE_MS)) yield ":\n\n";
      const { done, value } = await next;
      if (hasBegunAnew()) yield "event: restart\ndata: {}\n\n";
      if (done) break;
      const json = encodeJson(value, "part", { bigInts: true });
      yield `id: ${stream.position}\ndata: ${json}\n\n`;
    }
    yield `event: end\ndata: {}\n\n`;
  } catch (error) {
    if (!isOfJob(error)) throw error;
    // Its text is for those who run the jobs, not for those who read what they yield.
    yield `event: failed\ndata: {"name":"${error.name}"}\n\n`;
  }
}

/** Whether it is the job that is to blame. */
function isOfJob(error: unknown): error is Error {
  return error instanceof JobFailedError || error instanceof NoSuchJobError ||
    error instanceof InvalidJobOperationError;
}
