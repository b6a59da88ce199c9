const { existsSync, readdirSync, readFileSync } = require('node:fs');
const { join } = require('node:path');

const outside = ['node:child_process', 'node:http', 'node:net', 'playwright-core', 'recheck', 'dist'];
const faults = 'test/faults/';
const databases = ['better-sqlite3', 'mysql2/promise', 'test/support/databases.ts', 'test/support/command.ts'];
const imports = /^(?:import|export)\s(?!type\b)[^'"]*'([^']+)'|\b(?:import|require)\('([^']+)'\)/gm;

/**
 * Sorts every test file into one project by what it imports, itself or through the helpers beside it:
 * `e2e` starts a process, a server or a browser, or needs the build; `db` opens a database; `unit` does neither. The
 * folder `faults` is a project of its own, which `npm test` leaves out: it starts clusters and takes minutes.
 * Imports of `src` are not followed: the unit project refuses databases and processes when a test runs.
 *
 * @param {string} root the repository's folder
 * @returns {Record<'unit' | 'db' | 'e2e' | 'faults', string[]>} paths from that folder
 */
function projects(root) {
  const importsOf = remembered((/** @type {string} */ path) => readImports(root, path));
  /** @type {Record<'unit' | 'db' | 'e2e' | 'faults', string[]>} */
  const sorted = { unit: [], db: [], e2e: [], faults: [] };
  for (const path of testFiles(root, 'test')) {
    const reached = reach(path, importsOf);
    const is = (/** @type {string} */ each) => reached.has(each);
    const project = path.startsWith(faults) ? 'faults' : outside.some(is) ? 'e2e' : databases.some(is) ? 'db' : 'unit';
    sorted[project].push(path);
  }
  return sorted;
}

/** @type {(root: string, folder: string) => string[]} */
function testFiles(root, folder) {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : testFiles(root, path);
    return entry.name.endsWith('.test.ts') ? [path] : [];
  });
}

/** @type {(start: string, importsOf: (path: string) => readonly string[]) => Set<string>} */
function reach(start, importsOf) {
  const reached = new Set([start]);
  for (const path of reached) if (path.endsWith('.ts')) for (const each of importsOf(path)) reached.add(each);
  return reached;
}

/**
 * Packages by name, test helpers by path from the root, and `dist` where the text names a path of the build.
 *
 * @type {(root: string, path: string) => string[]}
 */
function readImports(root, path) {
  const text = readFileSync(join(root, path), 'utf8');
  const found = /['"`/]dist\//.test(text) ? ['dist'] : [];
  for (const [, from, loaded] of text.matchAll(imports)) {
    const name = from ?? loaded ?? '';
    if (!name.startsWith('.')) found.push(name);
    else {
      const helper = `${join(path, '..', name)}.ts`;
      if (helper.startsWith('test/') && existsSync(join(root, helper))) found.push(helper);
    }
  }
  return found;
}

/** @type {<T>(make: (path: string) => T) => (path: string) => T} */
function remembered(make) {
  const made = new Map();
  return (path) => made.get(path) ?? made.set(path, make(path)).get(path);
}

module.exports = { projects };
