/**
 * Redis URLs: read into what a driver needs, and shown without their password.
 *
 * @module
 */

/** Where a server listens. */
export type Address =
  | { readonly hostname: string; readonly port: number; readonly tls: boolean }
  | { readonly path: string };

/** What is said to the server right after connecting; no `AUTH` without user and password. */
export interface Credentials {
  /** The ACL user; the default user without it. */
  readonly username?: string;
  /** Its password; empty without it. */
  readonly password?: string;
  /** The number of the database; 0 needs no `SELECT`. */
  readonly db: number;
}

/** A Redis URL, taken apart. */
export interface RedisTarget {
  /** Where the server listens. */
  readonly address: Address;
  /** Who we are, and which database we use. */
  readonly credentials: Credentials;
  /** Certificates in PEM that the server's may be signed with, besides those that Deno trusts. */
  readonly caCerts?: readonly string[];
  /** The URL with the password masked, fit for messages. */
  readonly url: string;
}

/** The URL that is used where none is given. */
export const DEFAULT_URL = "redis://127.0.0.1:6379";

/** Parameters by which redis-py tunes its client; they say nothing of the server, the user or the database. */
const TUNING: ReadonlySet<string> = new Set([
  ...["socket_timeout", "socket_connect_timeout", "socket_read_size"],
  ...["socket_keepalive", "retry_on_timeout", "retry_on_error", "timeout"],
  ...["max_connections", "health_check_interval", "client_name", "protocol"],
  ...["decode_responses", "encoding", "encoding_errors", "legacy_responses"],
]);

/** Parameters that are heeded. */
const KNOWN: ReadonlySet<string> = new Set([
  ...["db", "username", "password"],
  ...["ssl_ca_certs", "ssl_ca_data", "ssl_cert_reqs", "ssl_check_hostname"],
]);

/** Parameters of redis-py that are neither heeded nor without meaning here. */
const REFUSED: ReadonlySet<string> = new Set([
  ...["ssl_keyfile", "ssl_certfile", "ssl_password", "ssl_ca_path"],
  ...["ssl_include_verify_flags", "ssl_exclude_verify_flags"],
  ...["ssl_min_version", "ssl_ciphers", "ssl_validate_ocsp"],
  "ssl_validate_ocsp_stapled",
]);

/** The parts of a URL, still percent-encoded where they were. */
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
 * Reads `redis://user:password@host:port/db`, `rediss://…`, `unix:/path?db=1` and
 * `unix://user:password@/path`, as redis-py's `from_url` does: user, password and database may
 * be parameters too, and for `rediss://` there are `ssl_ca_certs` (a file) and `ssl_ca_data` (PEM). User and
 * password are percent-decoded. What redis-py has to tune its own client with changes nothing.
 *
 * @throws {TypeError} If it is anything else. The message shows nothing of it: a
 * password that is not encoded right may be anywhere in it.
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

/** Writes a URL with `***` in the place of the password. */
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

/** `URL` does not take a user without a host, which `unix://user:password@/path` has. */
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
    throw refusal("the scheme must be redis:, rediss: or unix:");
  }
  // The rest of a password with a "#" of its own would be taken for one.
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

/** Only names that are known are shown: what follows a password with a "?" of its own looks like one. */
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
        `${name} would let anybody be the server; name its authority by ssl_ca_certs`,
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

/** What stands before the host goes before parameters, as in redis-py. */
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

/** A parameter goes before the path, as in redis-py. */
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
      certs.push(Deno.readTextFileSync(path));
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
    throw refusal(`its ${part} is not percent-encoded right`);
  }
}

function refusal(reason: string, cause?: unknown): TypeError {
  return new TypeError(`Cannot use the Redis URL: ${reason}`, { cause });
}
