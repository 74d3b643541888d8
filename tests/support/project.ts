/** Creates projects of jobs. */

/** A project in a temporary folder. */
export class Project implements Disposable {
  readonly path: string = Deno.makeTempDirSync({ prefix: "rq-project-" });

  constructor(files: Readonly<Record<string, string>>) {
    for (const [name, text] of Object.entries(files)) this.write(name, text);
  }

  /** Writes a file and the folders above it. */
  write(name: string, text: string): void {
    const file = `${this.path}/${name}`;
    Deno.mkdirSync(file.slice(0, file.lastIndexOf("/")), { recursive: true });
    Deno.writeTextFileSync(file, text);
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}
