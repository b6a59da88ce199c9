/**
 * How spreadsheets, databases and programs write a missing value. None of these can be a date, an amount, a country or
 * an address.
 */
const spellings = new Set([
  ...['n/a', 'na', '#n/a', 'n.a.', 'null', '(null)', '<null>', '[null]', '#null!', '\\n', 'nil', 'none', 'nan'],
  ...['undefined', '(blank)', '(empty)', '#value!', '#ref!', '#name?', '#div/0!', '#num!', '#error!'],
  ...['-', '--', '—', '–', '.', '?', 'unknown', 'not available', 'not applicable'],
]);

/** Those that no text of a person's is: Null is a surname, and "None" may be an answer. */
const inAnyText = new Set([
  ...['n/a', '#n/a', '(null)', '<null>', '[null]', '#null!', '\\n', '(blank)', '(empty)'],
  ...['#value!', '#ref!', '#name?', '#div/0!', '#num!', '#error!', '-', '--', '—', '–'],
]);

const AROUND = /[\s\u200b-\u200f\u202a-\u202e\u2060-\u2069]/;

/** Without the white space and the invisible marks around it that come along with copied text. */
export function trimmed(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && AROUND.test(text[start] ?? '')) start++;
  while (end > start && AROUND.test(text[end - 1] ?? '')) end--;
  return text.slice(start, end);
}

/** Whether a text of a typed field says that there is no value. */
export const isNothing = (text: string): boolean => {
  const short = text.length <= 20 ? trimmed(text).toLowerCase() : text;
  return short === '' || spellings.has(short);
};

/**
 * Whether a text of a free field says that there is none.
 * @param also spellings that the mapping names, in any case of letters
 */
export function isNothingAsText(text: string, also: readonly string[] = []): boolean {
  const folded = text.toLowerCase();
  return folded === '' || inAnyText.has(folded) || also.some((spelling) => spelling.toLowerCase() === folded);
}
