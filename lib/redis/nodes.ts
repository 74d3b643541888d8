/**
 * URLs of Redis where more than one server is named: Sentinel, which says which server is the master at the moment, and
 * Cluster, whose servers share the keys.
 *
 * @module
 */

import { formatUrl, parseUrl, type RedisTarget, refusal } from "./url.ts";

/** Where a server listens. */
export interface Node {
  /** A name or an address. */
  readonly hostname: string;
  readonly port: number;
}

/** A URL that names several servers, taken apart. */
export interface NodesTarget {
  /** How the one to connect to is found. */
  readonly kind: "sentinel" | "cluster";
  /** The servers that are asked: Sentinels, or some of the Cluster. */
  readonly nodes: readonly Node[];
  /** The name under which Sentinels know the master; empty for a Cluster. */
  readonly master: string;
  /** What to log in with at Sentinels. The servers of a Cluster all take the same. */
  readonly sentinelLogin: { username?: string; password?: string };
  /** The server to connect to, as far as the URL tells: all but its address. */
  readonly server: RedisTarget;
  /** The URL with passwords masked, fit for messages. */
  readonly url: string;
}

const NODES =
  /^(rediss?)[-+](sentinel|cluster):\/\/(?:([^@/?#]*)@)?([^@/?#]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/i;

const DEFAULT_PORTS = { sentinel: 26_379, cluster: 6_379 } as const;

/** Whether a URL names Sentinels or servers of a Cluster. */
export function namesNodes(input: string | URL): boolean {
  return /^rediss?[-+](sentinel|cluster):/i.test(String(input));
}

/**
 * Parses `redis-sentinel://user:password@host:port,host:port/MASTER/db` and `redis-cluster://user:password@host:port,host`;
 * with `rediss-`, all servers are reached by TLS. User, password and further parameters are those of the servers, as in
 * {@linkcode parseUrl}; what the Sentinels want are `sentinel_username` and `sentinel_password`.
 *
 * @throws {TypeError} If it is anything else. The message shows no part of the URL.
 */
export function parseNodesUrl(input: string | URL): NodesTarget {
  const match = NODES.exec(String(input));
  if (match === null) {
    throw refusal(
      "it is not one such as redis-sentinel://host:26379,host:26379/master/0 or redis-cluster://host:6379,host:6379",
    );
  }
  const [, scheme = "", word = "", login = "", hosts = "", path = ""] = match;
  const kind = word.toLowerCase() as NodesTarget["kind"];
  const params = new URLSearchParams(match[6] ?? "");
  const sentinelLogin = takeSentinelLogin(params, kind);
  const [master, db] = partsOf(path, kind);
  const query = params.size === 0 ? "" : `?${params}`;
  const at = login === "" ? "" : `${login}@`;
  const nodes = hosts.split(",").map((host) =>
    nodeOf(host, DEFAULT_PORTS[kind])
  );
  const server = parseUrl(`${scheme}://${at}server/${db}${query}`);
  if (kind === "cluster" && server.credentials.db !== 0) {
    throw refusal("a Cluster has only database 0");
  }
  return {
    kind,
    nodes,
    master,
    sentinelLogin,
    server,
    url: shownUrl(kind, nodes, master, server),
  };
}

function takeSentinelLogin(
  params: URLSearchParams,
  kind: NodesTarget["kind"],
): NodesTarget["sentinelLogin"] {
  const username = params.get("sentinel_username");
  const password = params.get("sentinel_password");
  if (kind === "cluster" && (username ?? password) !== null) {
    throw refusal("a Cluster has no Sentinels to log in at");
  }
  params.delete("sentinel_username");
  params.delete("sentinel_password");
  return {
    ...(username === null ? {} : { username }),
    ...(password === null ? {} : { password }),
  };
}

/** The name of the master and the database. */
function partsOf(path: string, kind: NodesTarget["kind"]): [string, string] {
  const parts = path.replace(/\/$/, "").split("/");
  if (kind === "cluster") {
    if (parts.length > 1) throw refusal("its path is more than a database");
    return ["", parts[0] ?? ""];
  }
  const [encoded = "", db = "", ...more] = parts;
  if (encoded === "" || more.length > 0) {
    throw refusal(
      "the path behind the Sentinels must be the master's name, and possibly a database: /mymaster/0",
    );
  }
  try {
    return [decodeURIComponent(encoded), db];
  } catch {
    throw refusal("the master's name is not correctly percent-encoded");
  }
}

function nodeOf(text: string, defaultPort: number): Node {
  if (!URL.canParse(`redis://${text}/`) || text === "") {
    throw refusal("its hosts must be like host:port,host:port");
  }
  const { hostname, port } = new URL(`redis://${text}/`);
  if (hostname === "") throw refusal("one of its hosts is empty");
  return {
    hostname: decodeURIComponent(hostname).replace(/^\[(.*)\]$/, "$1"),
    port: port === "" ? defaultPort : Number(port),
  };
}

function shownUrl(
  kind: NodesTarget["kind"],
  nodes: readonly Node[],
  master: string,
  { address, credentials }: RedisTarget,
): string {
  const tls = "tls" in address && address.tls;
  const shown = formatUrl({ hostname: "HOSTS", port: 0, tls }, credentials);
  const hosts = nodes.map(showNode).join(",");
  const path = kind === "sentinel" ? `/${encodeURIComponent(master)}` : "";
  return shown.replace("://", `-${kind}://`)
    .replace("HOSTS:0", () => `${hosts}${path}`);
}

/** `host:port` as in a URL. */
export function showNode({ hostname, port }: Node): string {
  return `${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
}
