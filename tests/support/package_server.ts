/** A local registry that serves this project as if it had been published. */

import config from "../../deno.json" with { type: "json" };
import standIns from "../../.ci/npm/import_map.json" with { type: "json" };
import { ROOT } from "./paths.ts";

const { name: NAME, version: VERSION } = config;
const HOME = `/${NAME}/${VERSION}/`;

/** A server with JSR's protocol for one package, which depends on the stand-ins. */
export class PackageServer implements AsyncDisposable {
  /** The environment variables that make a program load the package from here. */
  readonly env: Readonly<Record<string, string>>;
  /** The URL of the package's files, with a slash at the end. */
  readonly home: string;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  private constructor(files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>) {
    this.#server = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen: () => {} },
      (request) => {
        const bytes = files.get(new URL(request.url).pathname);
        return bytes === undefined
          ? new Response(null, { status: 404 })
          : new Response(bytes);
      },
    );
    const url = `http://127.0.0.1:${this.#server.addr.port}`;
    this.env = { JSR_URL: `${url}/` };
    this.home = url + HOME;
  }

  /** Reads the project and starts to serve it. */
  static async start(): Promise<PackageServer> {
    const files = new Map<string, Uint8Array<ArrayBuffer>>();
    const manifest: Record<string, unknown> = {};
    for await (const path of sources()) {
      const text = await Deno.readTextFile(`${ROOT}/${path}`);
      const bytes = new TextEncoder().encode(published(text, path));
      files.set(HOME + path, bytes);
      manifest[`/${path}`] = {
        size: bytes.length,
        checksum: `sha256-${await sha256(bytes)}`,
      };
    }
    const json = (value: unknown) =>
      new TextEncoder().encode(JSON.stringify(value));
    files.set(`/${NAME}/meta.json`, json({ versions: { [VERSION]: {} } }));
    files.set(
      `/${NAME}/${VERSION}_meta.json`,
      json({ exports: config.exports, manifest }),
    );
    return new PackageServer(files);
  }

  /** Stops it: from now on, the package can only be loaded from a cache. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#server.shutdown();
  }
}

/** The paths of all modules, relative to the project. */
async function* sources(folder = ""): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(`${ROOT}/${folder}`)) {
    const path = `${folder}${name}`;
    if (/^(\.git|tests|examples)$/.test(path)) continue;
    if (isDirectory) yield* sources(`${path}/`);
    else if (name.endsWith(".ts")) yield path;
  }
}

/** Replaces imports as the import map says, as publishing a package does. */
function published(text: string, path: string): string {
  const up = "../".repeat(path.split("/").length - 1) || "./";
  const map: Record<string, string> = standIns.imports;
  return text.replace(
    /(from |import\()"([^"./][^"]*)"/g,
    (whole, word, name) => {
      const target = map[name];
      if (target === undefined || name.startsWith(NAME)) return whole;
      const url = target.startsWith("./")
        ? `${up}.ci/npm/${target.slice(2)}`
        : target;
      return `${word}"${url}"`;
    },
  );
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}
