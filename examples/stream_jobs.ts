/** The job of the example of streams. */

/** Tells something word by word; returns how many words there were. */
export async function* tell(text: string): AsyncGenerator<string, number> {
  const words = text.split(" ");
  for (const word of words) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    yield word;
  }
  return words.length;
}
