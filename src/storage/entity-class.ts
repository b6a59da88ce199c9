export type EntityClass = abstract new (...args: never[]) => object;

const snakeCased = new Map<string, string>();

/** A property's column. Names are those of declared properties, so few that each is kept. */
export function snakeCase(name: string): string {
  let column = snakeCased.get(name);
  if (column === undefined) {
    column = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    snakeCased.set(name, column);
  }
  return column;
}
