/**
 * The constant SENTINEL of RQ's settings, as a URL.
 *
 * @module
 */

import { UsageError } from "./flags.ts";

type Settings = Readonly<Record<string, unknown>>;

/** What RQ knows. The time-out of redis-py's sockets has no meaning here. */
const KNOWN: ReadonlySet<string> = new Set([
  ...["INSTANCES", "MASTER_NAME", "DB", "USERNAME", "PASSWORD", "SSL"],
  ...["SENTINEL_KWARGS", "SOCKET_TIMEOUT"],
]);

/**
 * `{ INSTANCES: [["host", 26379]], MASTER_NAME, DB, USERNAME, PASSWORD, SSL, SENTINEL_KWARGS: { username, password } }`
 * as a URL; RQ's defaults.
 *
 * @throws {UsageError} If it makes no sense. The message shows no value.
 */
export function sentinelUrl(given: unknown): string {
  const settings = objectOf(given, "SENTINEL");
  for (const key of Object.keys(settings)) {
    if (!KNOWN.has(key)) throw refuse(`${key} of SENTINEL`, "no such setting");
  }
  const { INSTANCES, MASTER_NAME, DB, USERNAME, PASSWORD, SSL } = settings;
  const isTls = switchOf(SSL ?? false, "SSL of SENTINEL");
  const { username, password } = loginOf(settings["SENTINEL_KWARGS"], isTls);
  const hosts = instancesOf(INSTANCES ?? [["localhost", 26_379]]);
  const login = USERNAME === undefined && PASSWORD === undefined
    ? ""
    : `${encoded(USERNAME)}:${encoded(PASSWORD)}@`;
  const query = new URLSearchParams();
  if (username !== undefined) query.set("sentinel_username", `${username}`);
  if (password !== undefined) query.set("sentinel_password", `${password}`);
  const scheme = isTls ? "rediss-sentinel" : "redis-sentinel";
  return `${scheme}://${login}${hosts}/${encoded(MASTER_NAME ?? "mymaster")}/${
    encoded(DB ?? 0)
  }${query.size === 0 ? "" : `?${query}`}`;
}

/** What else redis-py takes there would be lost without a word. */
function loginOf(given: unknown, isTls: boolean): Settings {
  const label = "SENTINEL_KWARGS of SENTINEL";
  const { ssl, socket_timeout: _, ...login } = objectOf(given ?? {}, label);
  if (ssl !== undefined && switchOf(ssl, `ssl in ${label}`) !== isTls) {
    throw refuse(label, "Sentinels and servers use TLS, or neither");
  }
  for (const key of Object.keys(login)) {
    if (key === "username" || key === "password") continue;
    throw refuse(`${key} in ${label}`, "no such setting");
  }
  return login;
}

/** Text such as "true" must not be taken for a no: passwords would be sent in the clear. */
function switchOf(value: unknown, label: string): boolean {
  if (typeof value === "boolean") return value;
  throw refuse(label, "expected true or false");
}

function instancesOf(instances: unknown): string {
  const list: unknown[] = Array.isArray(instances) ? instances : [];
  const hosts = list.map((one) => {
    const [host, port] = Array.isArray(one) ? one : [];
    return typeof host === "string" && Number.isInteger(port)
      ? `${host.includes(":") ? `[${host}]` : host}:${port}`
      : undefined;
  });
  if (hosts.length > 0 && !hosts.includes(undefined)) return hosts.join(",");
  throw refuse("INSTANCES of SENTINEL", 'expected [["host", 26379], …]');
}

function encoded(value: unknown): string {
  return encodeURIComponent(String(value ?? ""));
}

function objectOf(value: unknown, label: string): Settings {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Settings;
  }
  throw refuse(label, "expected an object");
}

function refuse(label: string, why: string): UsageError {
  return new UsageError(`Cannot use ${label} in --config: ${why}`);
}
