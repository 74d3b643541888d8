/** Jobs of the demo: any exported function can be one. */

/** Greets, and tells who did it: the name, this machine's address, and the process that ran it. */
export function hello(name: string): [name: string, ip: string, num: number] {
  console.log(`hello ,${name}`);
  return [name, address(), Deno.pid];
}

/** Fails if it is called without its argument. */
export function workat(company: string): string {
  return `working at ${company.toUpperCase()}`;
}

/** The second step of a cascade. */
export function report(title: string): string {
  console.log(`report: ${title}`);
  return title;
}

function address(): string {
  const lan = Deno.networkInterfaces().find(({ family, address }) =>
    family === "IPv4" && !address.startsWith("127.")
  );
  return lan?.address ?? "127.0.0.1";
}
