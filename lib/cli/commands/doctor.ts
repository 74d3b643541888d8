/**
 * The command `doctor`.
 *
 * @module
 */

import { type Command, defineCommand, JSON_FLAG } from "../command.ts";
import {
  checkJobs,
  checkServer,
  checkStrays,
  checkWork,
  type Finding,
} from "../doctor.ts";
import { type Piece, styled } from "../output.ts";

const MARKS: Readonly<Record<Finding["kind"], Piece>> = {
  ok: styled("green", "ok    "),
  note: styled("yellow", "note  "),
  mended: styled("green", "mended"),
  wrong: styled("red", "wrong "),
};

/** Looks at the server, the workers, the queues, and at all that is stored. */
export const command: Command = defineCommand({
  about: [
    "It looks at the server, at queues without workers, at ids and results of jobs that are gone, and at jobs that are nowhere. It reads everything, in small pages: with a million jobs, for a minute. --quick leaves that out.",
    "--mend removes what is left of jobs that are gone. Jobs themselves are never touched.",
    "The exit code is 1 if something is wrong. The Redis user needs SCAN, besides what a worker needs.",
  ],
  flags: {
    mend: { help: "remove what is left of jobs that are gone" },
    quick: { help: "look at the server, the workers and the queues only" },
    json: JSON_FLAG,
  },
  async run({ flags, connection, store, out, signal }) {
    const progress = out.progress("Looking");
    let looked = 0;
    const patient = {
      store,
      connection,
      signal,
      mend: flags.mend,
      onLooked(count: number) {
        progress.update(looked += count);
      },
    };
    const checks = flags.quick
      ? [checkServer, checkWork]
      : [checkServer, checkWork, checkStrays, checkJobs];
    const findings: Finding[] = [];
    for (const check of checks) {
      for await (const finding of check(patient)) {
        findings.push(finding);
        if (flags.json) continue;
        const { kind, text, jobIds = [] } = finding;
        await progress.end();
        await out.line(MARKS[kind], "  ", text);
        if (jobIds.length > 0) await out.line("        ", jobIds.join(", "));
      }
    }
    await progress.end();
    if (flags.json) await out.json(findings);
    signal.throwIfAborted();
    return findings.some(({ kind }) => kind === "wrong") ? 1 : 0;
  },
});
