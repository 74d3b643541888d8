/**
 * The command `queue list`.
 *
 * @module
 */

import { pausedUntil } from "../../store/pauses.ts";
import { type QueueCounts, queueCounts } from "../../store/queue_counts.ts";
import { type Command, defineCommand, JSON_FLAG } from "../command.ts";
import { type Piece, styled } from "../output.ts";

/** What is counted, in the order of the columns. */
const COUNTS = [
  "count",
  "started",
  "scheduled",
  "deferred",
  "failed",
  "finished",
  "canceled",
] as const satisfies readonly (keyof QueueCounts)[];

/** Shows all queues: how many jobs are where, and which are paused. */
export const command: Command = defineCommand({
  flags: { json: JSON_FLAG },
  async run({ flags, store, out }) {
    const names = await store.queueNames();
    const [counts, paused] = await Promise.all([
      queueCounts(store, names),
      pausedUntil(store, names),
    ]);
    if (flags.json) {
      return await out.json(
        counts.map((of, i) => ({ ...of, ...pauseOf(paused[i]!) })),
      );
    }
    if (names.length === 0) return await out.line("There are no queues");
    const header = ["queue", "queued", ...COUNTS.slice(1), ""];
    const rows = counts.map((of, i) => [
      of.name,
      ...COUNTS.map((what) => String(of[what])),
      shown(paused[i]!),
    ]);
    await out.table([header.map((text) => styled("bold", text)), ...rows]);
  },
});

/** For programs: `pausedUntil` is `null` for a pause without an end. */
function pauseOf(until: number | null): {
  paused: boolean;
  pausedUntil: Date | null;
} {
  const ends = until !== null && until !== Infinity;
  return { paused: until !== null, pausedUntil: ends ? new Date(until) : null };
}

function shown(until: number | null): Piece {
  if (until === null) return "";
  if (until === Infinity) return styled("yellow", "paused");
  return styled("yellow", `paused until ${new Date(until).toISOString()}`);
}
