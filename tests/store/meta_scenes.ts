/** Patching `meta`, for the test that sends each call twice. */

import { mergeMeta } from "../../lib/store/merge_meta.ts";
import type { Scene } from "./replay_test.ts";

const encoder = new TextEncoder();

const PATCH = { set: { a: [], n: 2 }, removed: ["old"] };

export const META_SCENES: [string, Scene][] = [
  ["patch meta", async ({ bench, jobs }) => {
    const meta = `{"old": 1, "n": 1}`;
    await bench.add("a", { fields: { meta } });
    return () => mergeMeta(jobs, "a", PATCH, { known: encoder.encode(meta) });
  }],
  ["patch meta that is another by now", async ({ bench, jobs }) => {
    await bench.add("a", { fields: { meta: `{"old": 1, "n": 1}` } });
    return () => mergeMeta(jobs, "a", PATCH, { known: undefined });
  }],
  ["patch meta: the job is gone", ({ jobs }) => {
    const merging = () => mergeMeta(jobs, "a", PATCH, { known: undefined });
    return Promise.resolve(merging);
  }],
];
