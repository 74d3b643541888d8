/** Tests that depend on something that may not be available. */

/** Registers a test. If there is a reason to skip it, its name contains the reason. */
export function testUnless(
  reason: string | undefined,
  name: string,
  fn: (context: Deno.TestContext) => void | Promise<void>,
): void {
  Deno.test({
    name: reason === undefined ? name : `${name} [skipped: ${reason}]`,
    ignore: reason !== undefined,
    fn,
  });
}
