/**
 * Parses Redis URLs for the drivers, and formats them without their password.
 *
 * @module
 */

import { readTextFile } from "../base/platform.ts";

/** Where a server listens. */
export type Address =
  | { readonly hostname: string; readonly port: number; readonly tls: boolean }
  | { readonly path: string };

/** What is sent right after connecting. Without user and password, no `AUTH` is sent. */
export interface Credentials {
  /** The ACL user; the default user without it. */
  readonly username?: string;
  /** Its password; empty without it. */
  readonly password?: string;
  /** The database's number; 0 needs no `SELECT`. */
  readonly db: number;
}

/** A Redis URL, taken apart. */
export interface RedisTarget {
  /** Where the server listens. */
  readonly address: Address;
  /** User, password and database. */
  readonly credentials: Credentials;
  /** PEM certificates of authorities that are trusted for this server, besides those that Deno trusts. */
  readonly caCerts?: readonly string[];
  /** The URL with the password masked, fit for messages. */
  readonly url: string;
}

/** The default URL. */
export const DEFAULT_URL = "redis://127.0.0.1:6379";

/** Parameters that tune redis-py's client and say nothing about server, user or database. They are ignored. */
const TUNING: ReadonlySet<string> = new Set([
  ...["socket_timeout", "socket_connect_timeout", "socket_read_size"],
  ...["socket_keepalive", "retry_on_timeout", "retry_on_error", "timeout"],
  ...["max_connections", "health_check_interval", "client_name", "protocol"],
  ...["decode_responses", "encoding", "encoding_errors", "legacy_responses"],
]);

/** Parameters that are used. */
const KNOWN: ReadonlySet<string> = new Set([
  ...["db", "username", "password"],
  ...["ssl_ca_certs", "ssl_ca_data", "ssl_cert_reqs", "ssl_check_hostname"],
]);

/** Parameters of redis-py that are refused, since ignoring them would change what a URL means. */
const REFUSED: ReadonlySet<string> = new Set([
  ...["ssl_keyfile", "ssl_certfile", "ssl_password", "ssl_ca_path"],
  ...["ssl_include_verify_flags", "ssl_exclude_verify_flags"],
  ...["ssl_min_version", "ssl_ciphers", "ssl_validate_ocsp"],
  "ssl_validate_ocsp_stapled",
]);

/** The parts of a URL, still percent-encoded. */
interface Parts {
  readonly scheme: string;
  readonly username: string;
  readonly password: string;
  readonly host: string;
  readonly port: string;
  readonly path: string;
  readonly params: URLSearchParams;
}

/**
 * Parses `redis://user:password@host:port/db`, `rediss://…`, `unix:/path?db=1` and
 * `unix://user:password@/path` as redis-py's `from_url` does: user, password and database may also be
 * parameters, and `rediss://` has `ssl_ca_certs` (a file) and `ssl_ca_data` (PEM). User and password are
 * percent-decoded. Parameters that tune redis-py's own client are ignored.
 *
 * @throws {TypeError} If it is anything else. The message shows no part of the URL: if its
 * password is not encoded correctly, it may be anywhere.
 */
export function parseUrl(input: string | URL): RedisTarget {
  const parts = split(String(input));
  checkParams(parts);
  const credentials = readCredentials(parts);
  const address = readAddress(parts);
  const caCerts = readCaCerts(parts.params);
  return {
    address,
    credentials,
    ...(caCerts.length === 0 ? {} : { caCerts }),
    url: formatUrl(address, credentials),
  };
}

/** Formats a URL with `***` for the password. */
export function formatUrl(address: Address, credentials: Credentials): string {
  const user = credentials.username === undefined
    ? ""
    : encodeURIComponent(credentials.username);
  const login = credentials.password === undefined
    ? (user === "" ? "" : `${user}@`)
    : `${user}:***@`;
  if ("path" in address) {
    const query = credentials.db === 0 ? "" : `?db=${credentials.db}`;
    return login === ""
      ? `unix:${address.path}${query}`
      : `unix://${login}${address.path}${query}`;
  }
  const host = address.hostname.includes(":")
    ? `[${address.hostname}]`
    : address.hostname;
  const path = credentials.db === 0 ? "" : `/${credentials.db}`;
  const scheme = address.tls ? "rediss" : "redis";
  return `${scheme}://${login}${host}:${address.port}${path}`;
}

/** A pattern, since `URL` accepts no user without a host, as in `unix://user:password@/path`. */
const UNIX =
  /^unix:(?:\/\/(?:([^:@/]*)(?::([^@/]*))?@)?)?(\/(?!\/)[^?#]+)(?:\?([^#]*))?$/i;

function split(text: string): Parts {
  if (/^unix:/i.test(text)) {
    const match = UNIX.exec(text);
    if (match === null) throw refusal("a unix: URL needs an absolute path");
    const [, username = "", password = "", path = "", query = ""] = match;
    const params = new URLSearchParams(query);
    return { ...NO_HOST, scheme: "unix", username, password, path, params };
  }
  if (!URL.canParse(text)) {
    throw refusal("it is not a URL such as redis://host:6379/0");
  }
  const url = new URL(text);
  const scheme = url.protocol.slice(0, -1);
  if (scheme !== "redis" && scheme !== "rediss") {
    throw refusal(
      "the scheme must be redis:, rediss:, unix:, redis-sentinel: or redis-cluster:",
    );
  }
  // It may be the rest of a password that contains an unescaped "#".
  if (url.hash !== "") throw refusal('it has a "#", which is written %23');
  return {
    scheme,
    username: url.username,
    password: url.password,
    host: url.hostname,
    port: url.port,
    path: url.pathname,
    params: url.searchParams,
  };
}

const NO_HOST = { host: "", port: "" };

/** Errors show known names only: an unknown one may be the rest of a password that contains an unescaped "?". */
function checkParams({ params, scheme }: Parts): void {
  for (const [name, value] of params) {
    if (REFUSED.has(name)) throw refusal(`${name} is not supported`);
    if (!KNOWN.has(name) && !TUNING.has(name)) {
      throw refusal(
        `it has a parameter other than ${[...KNOWN].join(", ")}`,
      );
    }
    if (name.startsWith("ssl_") && scheme !== "rediss") {
      throw refusal(`${name} needs the scheme rediss:`);
    }
    const lax = name === "ssl_cert_reqs" && value !== "required" ||
      name === "ssl_check_hostname" && !/^(true|1|yes|y|on|t)$/i.test(value);
    if (lax) {
      throw refusal(
        `${name} would turn off the check of the server's certificate; name its authority by ssl_ca_certs`,
      );
    }
  }
}

function readAddress({ scheme, host, port, path }: Parts): Address {
  if (scheme === "unix") return { path: decode(path, "path") };
  if (host === "") throw refusal("it names no host");
  return {
    hostname: decode(host, "host").replace(/^\[(.*)\]$/, "$1"),
    port: port === "" ? 6379 : Number(port),
    tls: scheme === "rediss",
  };
}

/** User and password before the host take precedence over parameters, as in redis-py. */
function readCredentials(parts: Parts): Credentials {
  const { params } = parts;
  const username = decode(parts.username, "user") || params.get("username");
  const password = decode(parts.password, "password") || params.get("password");
  return {
    ...(username ? { username } : {}),
    ...(password ? { password } : {}),
    db: readDb(parts),
  };
}

/** A parameter takes precedence over the path, as in redis-py. */
function readDb({ scheme, path, params }: Parts): number {
  const inPath = scheme === "unix" ? "" : path.replace(/^\/|\/$/g, "");
  const text = params.get("db") ?? (inPath || "0");
  if (!/^\d{1,9}$/.test(text)) throw refusal("its database is not a number");
  return Number(text);
}

function readCaCerts(params: URLSearchParams): string[] {
  const certs = params.getAll("ssl_ca_data");
  for (const path of params.getAll("ssl_ca_certs")) {
    try {
      certs.push(readTextFile(path));
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw refusal(`its ssl_ca_certs cannot be read: ${why}`, cause);
    }
  }
  return certs;
}

function decode(text: string, part: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw refusal(`its ${part} is not correctly percent-encoded`);
  }
}

/** The error for a URL that cannot be used; the reason must show no part of it. */
export function refusal(reason: string, cause?: unknown): TypeError {
  return new TypeError(`Cannot use the Redis URL: ${reason}`, { cause });
}
