/**
 * What is watched, as lines.
 *
 * @module
 */

import type { JobStatus } from "../job/status.ts";
import type { JobEvent } from "../queue/watch_job.ts";
import type { QueueEvent } from "../queue/watch_queue.ts";
import { type Piece, type Style, styled } from "./output.ts";

const STYLES: Partial<Record<JobStatus, Style>> = {
  started: "blue",
  finished: "green",
  failed: "red",
  stopped: "yellow",
  canceled: "yellow",
};

/** The pieces of a line that tells an event: what has happened, without the time and the job. */
export function eventPieces(event: QueueEvent | JobEvent): Piece[] {
  switch (event.type) {
    case "status": {
      const { status, workerName } = event;
      const by = workerName === undefined ? "" : ` (${workerName})`;
      if (status === null) return ["deleted"];
      const style = STYLES[status];
      return [style === undefined ? status : styled(style, status), by];
    }
    case "progress": {
      const { value, note } = event;
      const percent = `${Math.round(value * 100)} %`;
      return [note === undefined ? percent : `${percent} ${note}`];
    }
    case "log":
      return [
        event.source === "stderr" ? styled("yellow", event.text) : event.text,
      ];
    case "logged":
      return [styled("dim", "logged")];
    case "missed":
      return [styled("yellow", "events were missed")];
  }
}

/** The time of day of an event, to the millisecond, in local time. */
export function timeText(at: Date): string {
  const local = new Date(at.getTime() - at.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(11, 23);
}
