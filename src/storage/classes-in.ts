import { readdirSync } from 'node:fs';
import { join } from 'node:path';

type Class = new () => object;

/** The classes that the modules of a folder export, in the order of the files' names; compiled or from source. */
export function classesIn(folder: string): Class[] {
  const files = readdirSync(folder).filter((name) => /(?<!\.d)\.[jt]s$/.test(name));
  return files
    .sort()
    .flatMap((name) => Object.values(require(join(folder, name)) as Readonly<Record<string, unknown>>))
    .filter((exported): exported is Class => typeof exported === 'function');
}
