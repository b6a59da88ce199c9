/**
 * Runs after `npm ci`. better-sqlite3 is compiled where its binary cannot be downloaded, which takes most of the time of
 * an installation. This keeps the compiled binary where prebuild-install looks before it downloads, in npm's cache, so
 * that the next installation on this machine compiles nothing.
 */
const { createWriteStream, existsSync, mkdirSync, renameSync } = require('node:fs');
const { createRequire } = require('node:module');
const { dirname, join } = require('node:path');
const { pipeline } = require('node:stream/promises');
const { createGzip } = require('node:zlib');

const BINARY = 'build/Release/better_sqlite3.node';

async function keep() {
  const manifest = require.resolve('better-sqlite3/package.json');
  const folder = dirname(manifest);
  const requireThere = createRequire(createRequire(manifest).resolve('prebuild-install/package.json'));
  const { cachedPrebuild, getDownloadUrl, prebuildCache, tempFile } = requireThere('./util');
  const pkg = require(manifest);
  const kept = cachedPrebuild(getDownloadUrl({ ...requireThere('./rc')(pkg), pkg }));
  // A download leaves no object files, and what was downloaded is in the cache already.
  if (existsSync(kept) || !existsSync(join(folder, 'build/Release/obj.target'))) return;
  mkdirSync(prebuildCache(), { recursive: true });
  const part = tempFile(kept);
  await pipeline(requireThere('tar-fs').pack(folder, { entries: [BINARY] }), createGzip(), createWriteStream(part));
  renameSync(part, kept);
}

keep().catch(() => undefined);
