// Builds the package twice out of the same sources: as CommonJS, and as ECMAScript modules.
import { execFileSync } from 'node:child_process';
import { copyFileSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';

const root = import.meta.dirname;
const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc');
const compile = (...options) =>
  execFileSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.json'), ...options], { stdio: 'inherit' });

rmSync(join(root, 'dist'), { recursive: true, force: true });
copyFileSync(join(root, '../../LICENSE'), join(root, 'LICENSE'));
compile();
compile('--outDir', join(root, 'dist/esm'), '--module', 'esnext', '--moduleResolution', 'bundler');
writeFileSync(join(root, 'dist/esm/package.json'), `${JSON.stringify({ type: 'module' })}\n`);

// The sources name modules as CommonJS does. Node asks ECMAScript modules for the whole name of the file.
for (const name of readdirSync(join(root, 'dist/esm'), { recursive: true })) {
  const file = join(root, 'dist/esm', name);
  if (!statSync(file).isFile() || !/\.(js|d\.ts)$/.test(name)) continue;
  const text = readFileSync(file, 'utf8');
  const whole = text.replace(/(\bfrom |\bimport\()(['"])(\.\.?\/[^'"]+?)(?:\.js)?\2/g, (_, keyword, quote, path) => {
    const target = resolve(dirname(file), `${path}.js`);
    if (!statSync(target, { throwIfNoEntry: false })) throw new Error(`${name} names ${path}, which was not built`);
    return `${keyword}${quote}${path}.js${quote}`;
  });
  writeFileSync(file, whole);
}
