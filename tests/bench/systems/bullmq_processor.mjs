/** The job of the benchmark in BullMQ's sandbox: gives its argument back. */
export default function hello(job) {
  return Promise.resolve(job.data.name);
}
