/**
 * Flags of RQ's own commands that have no effect here. Scripts that call RQ may pass them: they are accepted if this
 * program behaves that way anyway, and refused otherwise.
 *
 * @module
 */

import { type ParsedFlags, UsageError } from "./flags.ts";

/** RQ's worker classes that differ by dequeue strategy, and that strategy. */
const STRATEGY_CLASSES: Readonly<Record<string, string>> = {
  RoundRobinWorker: "round_robin",
  RandomWorker: "random",
};

/**
 * Checks flags of RQ.
 *
 * @returns A sentence for each flag that has no effect.
 * @throws {UsageError} If a flag asks for something that is not supported; it says what to do instead.
 */
export function checkRqFlags({ values, switches }: ParsedFlags): string[] {
  const one = (name: string) => values.get(name)?.[0];
  checkSerializer(one("serializer"));
  if (switches.has("with-scheduler") && switches.has("no-scheduler")) {
    throw new UsageError(
      "Cannot use both --with-scheduler and --no-scheduler",
    );
  }
  const useless = [
    ...["worker-class", "job-class", "queue-class", "connection-class"]
      .filter((name) => isOwnClass(name, one(name))),
    ...(switches.has("disable-default-exception-handler")
      ? ["disable-default-exception-handler"]
      : []),
  ];
  return useless.map((name) => `--${name} has no effect in this worker`);
}

function checkSerializer(name: string | undefined): void {
  if (
    name === undefined || /^json$/i.test(name) ||
    name === "rq.serializers.JSONSerializer"
  ) return;
  throw new UsageError(
    `Cannot use --serializer ${name}: this worker reads only JSON; use serializer=JSONSerializer in the producers, and --serializer json here`,
  );
}

/** Whether a class is one of RQ's or redis-py's own, which is fine; a user's Python class cannot be used. */
function isOwnClass(flag: string, path: string | undefined): boolean {
  if (path === undefined) return false;
  const strategy = STRATEGY_CLASSES[path.split(".").at(-1)!];
  if (flag === "worker-class" && strategy !== undefined) {
    throw new UsageError(
      `Cannot use --worker-class ${path}: use --dequeue-strategy ${strategy} instead`,
    );
  }
  if (/^(rq|redis)\./.test(path)) return true;
  throw new UsageError(
    `Cannot use --${flag} ${path}, a Python class: only RQ's own classes can be ignored`,
  );
}
