/** What differs from one run to the next, with a word for it in its place. */
const varying: ReadonlyArray<readonly [RegExp, string]> = [
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, 'ID'],
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-…/g, 'ID…'],
  [/\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?Z/g, 'TIME'],
  [/\bp_[\w-]+/g, 'PSEUDONYM'],
];

/**
 * A text without what differs from one run to the next: ids, times, pseudonyms. Blanks at the ends of lines go too.
 * @param digits whether numbers differ as well
 */
export function masked(text: string, { digits = false } = {}): string {
  let result = text;
  for (const [pattern, word] of varying) result = result.replace(pattern, word);
  if (digits) result = result.replace(/\d+/g, '#');
  return result
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
    .trim();
}

/** Members of an answer whose value is another one each time. */
const opaque = new Set(['decisionId', 'policyVersion']);

/** JSON as a value, masked in the same way. */
export function maskedJson(text: string): unknown {
  return JSON.parse(text, (name, value: unknown) => {
    if (opaque.has(name)) return name;
    return typeof value === 'string' ? masked(value) : value;
  });
}
