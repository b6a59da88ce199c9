import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** This version of Remit, as its package states it; the same from the built files and from the source. */
export const version: string = versionAbove(__dirname);

function versionAbove(folder: string): string {
  const manifest = join(folder, 'package.json');
  if (!existsSync(manifest)) return versionAbove(dirname(folder));
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version;
}
