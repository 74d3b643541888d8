/** A BullMQ worker: `node bullmq_worker.mjs PORT sandbox|inline CONCURRENCY`, ended by SIGTERM. */

import { createRequire } from "node:module";
import process from "node:process";

const [port, mode, concurrency] = process.argv.slice(2);
const require = createRequire(`${process.env.BULLMQ_HOME}/package.json`);
const { Worker } = require("bullmq");

const processor = mode === "sandbox"
  ? new URL("./bullmq_processor.mjs", import.meta.url)
  : (job) => {
    if (job.name === "failsOnce" && job.attemptsMade === 0) {
      return Promise.reject(new Error("once"));
    }
    return Promise.resolve(job.data.name);
  };

const worker = new Worker("bench", processor, {
  connection: { host: "127.0.0.1", port: Number(port) },
  concurrency: Number(concurrency),
});
worker.on("error", (error) => process.stderr.write(`${error.stack}\n`));
process.on("SIGTERM", () => worker.close().then(() => process.exit(0)));
