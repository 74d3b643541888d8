// Where it is cannot be seen before it runs.
const name = ["./throws", "at", "import.ts"].join("_");

export async function run(): Promise<void> {
  await import(name);
}
