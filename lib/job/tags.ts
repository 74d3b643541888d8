/** Words to find jobs by. @module */

/** The most tags of one job: each is kept up to date with it. */
export const MOST_TAGS = 20;

/** The most characters of a tag. */
const LONGEST = 100;

/**
 * Checks the option `tags`.
 *
 * @returns Each of them once.
 * @throws {RangeError | TypeError} It names what is wrong.
 */
export function checkTags(tags: readonly string[]): readonly string[] {
  if (!Array.isArray(tags)) {
    throw new TypeError(
      `Cannot use tags: expected a list of texts, got ${typeof tags}`,
    );
  }
  const all = [...new Set(tags.map(checkTag))];
  if (all.length > MOST_TAGS) {
    throw new RangeError(
      `Cannot use tags: ${all.length} are too many, at most ${MOST_TAGS}`,
    );
  }
  return all;
}

/** Checks one tag. */
export function checkTag(tag: string): string {
  if (typeof tag !== "string") {
    throw new TypeError(`Cannot use tag: expected text, got ${typeof tag}`);
  }
  if (tag === "" || tag.length > LONGEST || /\p{Cc}/u.test(tag)) {
    throw new RangeError(
      `Cannot use tag ${
        JSON.stringify(tag)
      }: expected 1 to ${LONGEST} characters, none of them a control character`,
    );
  }
  return tag;
}

/** The tags in a job's hash; none if it is no list. */
export function tagsOfText(text: string | undefined): string[] {
  try {
    const list: unknown = JSON.parse(text ?? "[]");
    return Array.isArray(list)
      ? list.filter((tag) => typeof tag === "string").slice(0, MOST_TAGS)
      : [];
  } catch {
    return []; // somebody else has written it
  }
}
