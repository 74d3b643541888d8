import { assertEquals, assertThrows } from "@std/assert";
import {
  decodeFailure,
  decodeResult,
  encodeFailure,
  encodeResult,
  failureOf,
  isFailure,
  isRetry,
  isSuccess,
  type StoredResult,
} from "../../lib/job/result_codec.ts";
import { JobRecord } from "../../lib/job/record.ts";

function entry(fields: Partial<StoredResult>): StoredResult {
  return {
    entryId: "1-0",
    type: 1,
    returnValue: undefined,
    excString: undefined,
    ...fields,
  };
}

Deno.test("a result is stored as RQ's base64 of JSON", () => {
  const returnValue = encodeResult('{"a":["é"]}');
  assertEquals(returnValue, "eyJhIjpbIsOpIl19");
  assertEquals(decodeResult(entry({ returnValue })), { a: ["é"] });
  assertEquals(decodeResult(entry({})), undefined);
});

Deno.test("a result of another serializer than JSON is a SyntaxError", () => {
  const returnValue = "gASVBQAAAAAAAACMAWGULg=="; // Python's pickle.dumps("a")
  assertThrows(() => decodeResult(entry({ returnValue })), SyntaxError);
});

Deno.test("a failure is stored as RQ's base64 of zlib of its text", () => {
  // base64.b64encode(zlib.compress("é failed".encode()))
  const excString = "eJw7vFIhLTEzJzUFABVrA/I=";
  assertEquals(decodeFailure(entry({ excString })), "é failed");
  const own = encodeFailure("é failed");
  assertEquals(decodeFailure(entry({ excString: own })), "é failed");
  assertEquals(decodeFailure(entry({})), "");
});

Deno.test("a failure in the job's hash may be zlib or plain text, or be none", () => {
  const zlib = Uint8Array.fromBase64(encodeFailure("failed"));
  const shown = [zlib, new TextEncoder().encode("failed")];
  for (const bytes of shown) {
    const record = new JobRecord("a", new Map([["exc_info", bytes]]));
    assertEquals(failureOf(record), "failed");
  }
  assertEquals(failureOf(new JobRecord("a", new Map())), null);
  const empty = new Map([["exc_info", new Uint8Array()]]);
  assertEquals(failureOf(new JobRecord("a", empty)), null);
});

Deno.test.each([
  { type: 1, is: [isSuccess] },
  { type: 2, is: [isFailure] },
  { type: 3, is: [isFailure] },
  { type: 4, is: [isRetry] },
  { type: 5, is: [isFailure] },
  { type: 6, is: [] },
])("an entry of RQ's type $type is of one kind, or of none", ({ type, is }) => {
  const all = [isSuccess, isFailure, isRetry];
  assertEquals(all.filter((kind) => kind(entry({ type }))), [...is]);
});
