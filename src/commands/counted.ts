/**
 * A number with its noun, such as `1 order` and `2 orders`.
 *
 * @param plural where it is not the noun with an s
 */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : plural}`;
}
