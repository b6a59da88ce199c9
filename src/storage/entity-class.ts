/** The class of an entity, or of another declared type. */
export type EntityClass = abstract new (...args: never[]) => object;

const snakeCased = new Map<string, string>();

/** The column of a property. There are few declared properties, so every answer is cached. */
export function snakeCase(name: string): string {
  let column = snakeCased.get(name);
  if (column === undefined) {
    column = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    snakeCased.set(name, column);
  }
  return column;
}
