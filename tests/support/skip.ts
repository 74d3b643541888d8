/** Tests that need what may not be there. */

/** Registers a test that is skipped for a reason, which its name then tells. */
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
