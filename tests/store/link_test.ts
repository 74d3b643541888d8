import { assertEquals, assertThrows } from "@std/assert";
import { link, piecesOf } from "../../lib/store/lua/link.ts";
import { faults, linesOf, partsOf, used, wrongNames } from "./lua.ts";
import { Bench } from "./support.ts";

const PIECES = piecesOf([
  `
-- Counts.
local function count(list) return #list end

-- Mentions count(), time.
local function describe(list)
  return 'time: ' .. count(list)
end

local time = redis.call('TIME')
`,
  `
local now = tonumber(time[1])

local FIRST, SECOND = 1, 2
`,
]);

/** The names of the functions and values that a script got, in their order. */
function linked(body: string): string[] {
  const definitions = link(body, PIECES).matchAll(
    /^local (?:function )?(\w+)/gm,
  );
  return [...definitions].map(([, name]) => name!);
}

Deno.test("link() gives a script the pieces that it mentions, each once and after those that it needs", () => {
  assertEquals(
    link("return describe(KEYS) .. count(KEYS) .. now", PIECES),
    `local function count(list) return #list end
local function describe(list)
  return 'time: ' .. count(list)
end
local time = redis.call('TIME')
local now = tonumber(time[1])
return describe(KEYS) .. count(KEYS) .. now`,
  );
});

Deno.test.each([
  ["a comment", "-- count(now)\nreturn 1"],
  ["a text", "return 'count' .. \"now\" .. 'it\\'s time'"],
  ["a member", "return list.count + list:describe()"],
  ["a member that is given", "return {now = 1, count= 2}"],
  ["a part of a name", "return recount + now_float + a_now"],
])("link() takes no name in %s for a mention", (_what, body) => {
  assertEquals(linked(body), []);
});

Deno.test("link() sees a mention after two dots and in a comparison", () => {
  assertEquals(linked("return ''..count(KEYS)"), ["count"]);
  assertEquals(linked("return now==1"), ["time", "now"]);
});

Deno.test("link() gives values that are defined together by each of their names, once", () => {
  assertEquals(linked("return SECOND"), ["FIRST"]);
  assertEquals(linked("return SECOND + FIRST"), ["FIRST"]);
});

Deno.test("link() takes the time only where it is mentioned", () => {
  assertEquals(link("return count(KEYS)", PIECES).includes("TIME"), false);
});

Deno.test("link() refuses pieces that need one another, and takes one that calls itself", () => {
  const circle = piecesOf([
    "local function a() b() end\n\nlocal function b() c() end\n\nlocal function c() a() end",
    "local function again(n) return n < 1 or again(n - 1) end",
  ]);
  assertThrows(() => link("return a()", circle), Error, `"a" needs itself`);
  assertEquals(
    link("return again(3)", circle),
    "local function again(n) return n < 1 or again(n - 1) end\nreturn again(3)",
  );
});

const RARE = piecesOf([
  `
local function both() return 1 end

local function inner() return both() end

local counter = 0

local function seldom(n) -- rare
  counter = counter + n
  return inner()
end

local function never() -- rare
  return seldom(inner())
end

local function often(n) return n > 1 and seldom(n) or n > 9 and never() or both() end
`,
]);

Deno.test("what only rare functions need is created when they are called; values and rare functions are there once", () => {
  assertEquals(
    link("return often(2)", RARE),
    `local counter = 0
local function both() return 1 end
local seldom
seldom = function(...) -- rare
seldom = (function()
local function inner() return both() end
local function seldom(n) -- rare
  counter = counter + n
  return inner()
end
return seldom
end)()
return seldom(...)
end
local never
never = function(...) -- rare
never = (function()
local function inner() return both() end
local function never() -- rare
  return seldom(inner())
end
return never
end)()
return never(...)
end
local function often(n) return n > 1 and seldom(n) or n > 9 and never() or both() end
return often(2)`,
  );
  const { own, linked } = partsOf(link("return seldom(1)", RARE), RARE);
  assertEquals([own, linked.length], ["return seldom(1)", 4]);
});

Deno.test("a rare function does what others do, and shares its values with them", async () => {
  await using bench = await Bench.open();
  const body =
    "local first = seldom; return {often(1), often(2), often(3), counter, first == seldom and 1 or 0}";
  const lua = link(body, RARE);
  assertEquals(await bench.send("EVAL", lua, 0), [1, 1, 1, 5, 0]);
  assertEquals(wrongNames(lua, RARE), []);
});

Deno.test("a rare function that needs itself by way of others is refused", () => {
  const circle = piecesOf([
    "local function a() -- rare\n  return b()\nend\n\nlocal function b() return a() end",
  ]);
  assertThrows(() => link("return a()", circle), Error, `"a" needs itself`);
});

Deno.test("no two pieces have one name", () => {
  assertThrows(
    () => piecesOf(["local function a() end", "local b, a = 1, 2"]),
    Error,
    `"a" exists twice`,
  );
});

Deno.test.each([
  ["redis.call('FLUSHALL')"],
  ["redis.pcall('flushdb')"],
  ["local all = redis.call('KEYS', '*')"],
  ["redis.call('SCAN', 0)"],
  ["local key = 'rq:sneaky'"],
  ["local at = os.time()"],
])("%s in a piece is found in the scripts that get it", async (line) => {
  await using bench = await Bench.open();
  const pieces = piecesOf([`local function sneaky()\n  ${line}\nend`]);
  assertEquals((await faults(bench, link("sneaky()", pieces))).length, 1);
  assertEquals(await faults(bench, link("return 1", pieces)), []);
});

Deno.test("an argument, a key or a name that a piece uses is found in the scripts that get it", () => {
  const pieces = piecesOf([
    "local function sneaky(id) return ARGV[99] or KEYS[7] or missing(id) end",
    "local function other() return 1 end",
  ]);
  const lua = link("local other = 1\nreturn sneaky(2)..absent", pieces);
  assertEquals(used(lua, "ARGV"), [99]);
  assertEquals(used(lua, "KEYS"), [7]);
  assertEquals(wrongNames(lua, pieces), ["missing", "absent", "other"]);
  assertEquals(
    wrongNames("for i, v in ipairs({a = 1, b = 2}) do v.x = i end", pieces),
    [],
  );
});

Deno.test("a script's own lines are those without its pieces", () => {
  const { own, linked } = partsOf(
    link("\n-- why\n\nreturn now\n", PIECES),
    PIECES,
  );
  assertEquals(linked.length, 2);
  assertEquals(linesOf(own), 1);
});
