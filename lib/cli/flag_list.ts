/**
 * The flags of the worker program, declared once: parsing, usage and suggestions are made of it.
 *
 * @module
 */

/** One flag. */
export interface Flag {
  readonly name: string;
  /** As in RQ, mostly one letter. */
  readonly short?: string;
  /** What its value is called in the usage; a flag without one is a switch. */
  readonly value?: string;
  /** May be given several times. */
  readonly repeatable?: boolean;
  readonly help: string;
  /** One of RQ's that means nothing here; it is taken for the sake of its start scripts. */
  readonly ofRq?: boolean;
}

/** All flags. */
export const FLAGS: readonly Flag[] = [
  {
    name: "queues",
    value: "NAMES",
    repeatable: true,
    help: "queues in order of priority, separated by commas (default: default)",
  },
  {
    name: "url",
    short: "u",
    value: "URL",
    help:
      "where Redis is (default: RQ_REDIS_URL, REDIS_URL, REDIS_HOST and the like, redis://127.0.0.1:6379)",
  },
  { name: "burst", short: "b", help: "leave once every queue is empty" },
  {
    name: "name",
    short: "n",
    value: "NAME",
    help: "the worker's name (default: host name and process id)",
  },
  {
    name: "path",
    short: "P",
    value: "DIR",
    repeatable: true,
    help: "where job modules are looked for (default: the project, then .)",
  },
  {
    name: "job-modules",
    value: "NAMES",
    repeatable: true,
    help:
      "modules of jobs that are loaded from elsewhere, separated by commas: jsr:@acme/*,\n" +
      "npm:@acme/mail, https://acme.com/jobs/ (default: none)",
  },
  {
    name: "job-allow-enqueue",
    value: "QUEUES",
    repeatable: true,
    help:
      "queues that jobs may use besides the worker's own, separated by commas; * stands for any text",
  },
  {
    name: "results-ttl",
    value: "TIME",
    help: "how long results are kept; 0 not at all, -1 for ever (default: 500)",
  },
  {
    name: "worker-ttl",
    value: "TIME",
    help:
      "how long the worker's record outlives its last heartbeat (default: 60)",
  },
  {
    name: "job-monitoring-interval",
    value: "TIME",
    help: "time between two heartbeats; more than 5 is 5 (default: 5)",
  },
  {
    name: "maintenance-interval",
    value: "TIME",
    help: "time between two sweeps after dead workers (default: 3)",
  },
  {
    name: "isolation",
    value: "WAY",
    repeatable: true,
    help:
      "process: a fresh one for each job; reuse: one after the other in one; shared: side by side in one;\n" +
      "QUEUE=WAY for a single queue (default: process)",
  },
  {
    name: "max-jobs-per-process",
    value: "N",
    help: "a process takes no more than N jobs (default: 10000 with reuse)",
  },
  {
    name: "max-memory-per-process",
    value: "MB",
    help:
      "a process that has grown beyond this takes no more jobs (default: 512)",
  },
  {
    name: "job-memory",
    value: "SIZE",
    help:
      "end a job that uses more memory than 256MB, 1.5GB, … (default: no limit)",
  },
  {
    name: "job-deno-arg",
    value: "FLAG",
    repeatable: true,
    help:
      "a further flag of the deno that runs jobs: --job-deno-arg=--import-map=map.json",
  },
  {
    name: "preload",
    help: "load the module of the last job into the next process ahead of time",
  },
  {
    name: "concurrency",
    value: "N",
    help: "jobs to run at once (default: 1)",
  },
  { name: "max-jobs", value: "N", help: "leave after N jobs" },
  {
    name: "max-idle-time",
    value: "TIME",
    help: "leave after so long without a job",
  },
  {
    name: "with-scheduler",
    short: "s",
    help: "queue scheduled jobs when their time has come",
  },
  {
    name: "dequeue-strategy",
    short: "ds",
    value: "WAY",
    help: "default, round_robin or random",
  },
  {
    name: "grace",
    value: "TIME",
    help:
      "longest time that a warm shutdown lets a job run on (default: no limit)",
  },
  {
    name: "big-ints",
    help:
      "integers that a number of JavaScript cannot hold reach jobs as BigInt\n(default: such a job fails)",
  },
  {
    name: "disable-job-desc-logging",
    help: "log the ids of jobs only, not their calls",
  },
  {
    name: "logging-level",
    value: "LEVEL",
    help: "DEBUG, INFO, WARNING, ERROR or CRITICAL (default: INFO)",
  },
  { name: "log-format", value: "FORMAT", help: "text or json (default: text)" },
  { name: "quiet", short: "q", help: "the same as --logging-level WARNING" },
  { name: "verbose", short: "v", help: "the same as --logging-level DEBUG" },
  { name: "pid", value: "FILE", help: "write the process id to a file" },
  {
    name: "prefix",
    value: "TEXT",
    help:
      "what every key begins with (default: RQ_KEY_PREFIX and a colon, else rq:)",
  },
  {
    name: "driver",
    value: "PACKAGE",
    help: "@db/redis or ioredis (default: @db/redis)",
  },
  {
    name: "deno",
    value: "FILE",
    help: "an installed deno that runs the jobs (default: this program)",
  },
  { name: "help", short: "h", help: "show this" },
  { name: "version", short: "V", help: "show the version" },
  {
    name: "serializer",
    short: "S",
    value: "NAME",
    help: "json is the only one",
    ofRq: true,
  },
  { name: "date-format", value: "FORMAT", help: "no effect", ofRq: true },
  {
    name: "disable-default-exception-handler",
    short: "d",
    help: "no effect",
    ofRq: true,
  },
  {
    name: "exception-handler",
    value: "FUNCTION",
    repeatable: true,
    help: "refused",
    ofRq: true,
  },
  {
    name: "worker-class",
    short: "w",
    value: "CLASS",
    help: "only RQ's own",
    ofRq: true,
  },
  {
    name: "job-class",
    short: "j",
    value: "CLASS",
    help: "only RQ's own",
    ofRq: true,
  },
  {
    name: "queue-class",
    value: "CLASS",
    help: "only RQ's own",
    ofRq: true,
  },
  {
    name: "connection-class",
    value: "CLASS",
    help: "only redis-py's own",
    ofRq: true,
  },
  { name: "config", short: "c", value: "MODULE", help: "refused", ofRq: true },
];
