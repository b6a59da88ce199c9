import { subscribe } from 'node:diagnostics_channel';
import { readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { cachedDataVersionTag } from 'node:v8';
import { constants, Script } from 'node:vm';

/** Told once a server has started and has nothing to do any more. */
export const SETTLED = 'remit:settled';

/** Its name has a hash of what is in it, so that no code is kept for another one. */
const BUNDLE = /^remit-[0-9a-f]+\.js$/;

/**
 * The program as one file, which `npm run build` makes beside the compiled sources: two thousand files take longer to
 * find and to read than to run. V8's compiled code is kept beside it at the first start, where the folder can be
 * written; where the version of Node or its flags differ, it is compiled anew.
 *
 * @param compiled the folder of the compiled sources
 * @returns nothing where there is none, where the sources were compiled later, and where some of them are loaded
 */
export function loadBundle<Exports>(compiled: string): Exports | undefined {
  const path = bundleBeside(compiled);
  if (path === undefined) return undefined;
  // One byte a character: it has no other characters than ASCII.
  const text = readFileSync(path, 'latin1');
  const keptAt = `${path}.${cachedDataVersionTag().toString(16)}.cache`;
  const cachedData = readIfThere(keptAt);
  const script = new Script(`(function (exports, require, module, __dirname) {${text}\n})`, {
    filename: path,
    ...(cachedData ? { cachedData } : {}),
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
  const loaded = { exports: {} };
  script.runInThisContext()(loaded.exports, createRequire(path), loaded, join(compiled, '..'));
  if (!cachedData || script.cachedDataRejected) subscribe(SETTLED, () => keep(keptAt, script));
  return loaded.exports as Exports;
}

function bundleBeside(compiled: string): string | undefined {
  const own = join(compiled, 'bundle.js');
  // A preload that has loaded one of our modules means the one that serves.
  const isLoaded = (path: string) => path.startsWith(compiled) && path !== own && path !== join(compiled, 'main.js');
  if (Object.keys(require.cache).some(isLoaded)) return undefined;
  const folder = join(compiled, '../bundle');
  try {
    const name = readdirSync(folder).find((each) => BUNDLE.test(each));
    if (name === undefined) return undefined;
    const path = join(folder, name);
    return statSync(path).mtimeMs >= statSync(own).mtimeMs ? path : undefined;
  } catch {
    return undefined;
  }
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

/** Whole or not at all: other processes may start meanwhile. */
function keep(path: string, script: Script): void {
  const unfinished = `${path}.${process.pid}`;
  try {
    writeFileSync(unfinished, script.createCachedData(), { flag: 'wx' });
    renameSync(unfinished, path);
  } catch {
    // The folder cannot be written. The next start compiles again.
  }
}
