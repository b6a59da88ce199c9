const { readdirSync, readFileSync } = require('node:fs');
const { dirname, join, relative } = require('node:path');

const src = join(__dirname, '../../src');

/**
 * The layers of src, from the top. Imports run downwards, or between neighbours that make no circle.
 *
 * @type {ReadonlyArray<readonly string[]>}
 */
const layers = [
  ['main'],
  ['commands'],
  ['app'],
  ['gateway'],
  ['partners', 'upstreams'],
  ['erasure', 'exports', 'transfers', 'rights', 'notices', 'disclosures', 'audit'],
  ['register', 'subjects'],
  ['identity'],
  ['inventory', 'jobs', 'api'],
  ['tenancy'],
  ['keys'],
  ['storage', 'connections', 'identifiers', 'outbound'],
  ['governance', 'law', 'version', 'bundle'],
];

/** Files beside the modules that wire them: one module. */
const wiring = new Set([
  'app',
  'background',
  'services',
  'key-rotations',
  'client-secrets',
  'stores',
  'entities',
  'config',
  'readiness',
]);

/**
 * An import from one file to another, paths below src.
 *
 * @typedef {{ readonly from: string, readonly to: string }} Import
 */

/**
 * `imports` are those of other modules, type-only imports too.
 *
 * @typedef {object} Module
 * @property {string} name
 * @property {number} files
 * @property {number} lines
 * @property {readonly Import[]} imports
 */

/**
 * Paths of TypeScript files below src, but for the playground, which is a program of its own.
 *
 * @type {(folder?: string) => string[]}
 */
const sourceFiles = (folder = '') =>
  readdirSync(join(src, folder), { withFileTypes: true })
    .flatMap((entry) => {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) return path === 'gateway/playground' ? [] : sourceFiles(path);
      return path.endsWith('.ts') ? [path] : [];
    })
    .sort();

/** @type {(file: string) => string} */
const readSource = (file) => readFileSync(join(src, file), 'utf8');

/** @type {(file: string) => string} */
function moduleOf(file) {
  const [first = '', ...more] = file.split('/');
  const name = first.replace(/\.ts$/, '');
  return more.length === 0 && wiring.has(name) ? 'app' : name;
}

/**
 * Every module of src, from the top layer down.
 *
 * @returns {Module[]}
 */
function readModules() {
  /** @type {Map<string, { files: number, lines: number, imports: Import[] }>} */
  const modules = new Map();
  for (const file of sourceFiles()) {
    const text = readSource(file);
    const module = modules.get(moduleOf(file)) ?? { files: 0, lines: 0, imports: [] };
    modules.set(moduleOf(file), module);
    module.files++;
    module.lines += text.split('\n').length - 1;
    for (const to of importsOf(file, text)) {
      if (moduleOf(to) !== moduleOf(file)) module.imports.push({ from: file, to });
    }
  }
  const places = new Map(layers.flat().map((name, place) => [name, place]));
  const place = (/** @type {Module} */ { name }) => places.get(name) ?? -1;
  return [...modules].map(([name, module]) => ({ name, ...module })).sort((a, b) => place(a) - place(b));
}

/**
 * What a file imports of src and of the core's package, as paths below src.
 *
 * @type {(file: string, text: string) => string[]}
 */
function importsOf(file, text) {
  const specifiers = text.matchAll(/(?:\bfrom|\bimport|\brequire\()\s*\(?\s*'([^']+)'/g);
  return [...specifiers].flatMap(([, specifier = '']) => {
    if (specifier.startsWith('@remit/')) return [`${specifier.slice('@remit/'.length)}/index`];
    if (!specifier.startsWith('.')) return [];
    const path = relative(src, join(src, dirname(file), specifier)).replaceAll('\\', '/');
    return path.startsWith('..') ? [] : [path];
  });
}

/**
 * Imports that run upwards, as sentences.
 *
 * @type {(modules: readonly Module[]) => string[]}
 */
function upwards(modules) {
  const floor = new Map(layers.flatMap((names, index) => names.map((name) => /** @type {const} */ ([name, index]))));
  return modules.flatMap(({ name, imports }) => {
    const own = floor.get(name);
    if (own === undefined) return [`${name} is in no layer: add it to layers in test/house/modules.ts`];
    return imports
      .filter(({ to }) => (floor.get(moduleOf(to)) ?? -1) < own)
      .map(({ from, to }) => `${from} imports ${to}, which is above ${name}`);
  });
}

/**
 * A circle of modules, from a module back to itself; undefined where there is none.
 *
 * @type {(modules: readonly Module[]) => string[] | undefined}
 */
function circleOf(modules) {
  const below = new Map(modules.map(({ name, imports }) => [name, new Set(imports.map(({ to }) => moduleOf(to)))]));
  /** @type {Set<string>} */
  const done = new Set();
  /** @type {(name: string, path: readonly string[]) => string[] | undefined} */
  const visit = (name, path) => {
    if (path.includes(name)) return [...path.slice(path.indexOf(name)), name];
    if (done.has(name)) return undefined;
    for (const next of below.get(name) ?? []) {
      const circle = visit(next, [...path, name]);
      if (circle) return circle;
    }
    done.add(name);
    return undefined;
  };
  for (const { name } of modules) {
    const circle = visit(name, []);
    if (circle) return circle;
  }
  return undefined;
}

/**
 * The modules from the top down: their layer, their size, and what each imports how often.
 *
 * @type {(modules: readonly Module[]) => string}
 */
function drawing(modules) {
  const layerOf = (/** @type {string} */ name) => layers.findIndex((names) => names.includes(name)) + 1;
  const rows = modules.map(({ name, files, lines, imports }) => {
    /** @type {Map<string, number>} */
    const counts = new Map();
    for (const { to } of imports) counts.set(moduleOf(to), (counts.get(moduleOf(to)) ?? 0) + 1);
    const named = [...counts].sort(([a], [b]) => layerOf(a) - layerOf(b) || (a < b ? -1 : 1));
    const imported = named.map(([to, count]) => `${to} ${count}`).join(', ');
    return [String(layerOf(name)), name, String(files), String(lines), imported || '–'];
  });
  const head = ['layer', 'module', 'files', 'lines', 'imports'];
  const widths = head.map((_, index) => Math.max(...[head, ...rows].map((row) => row[index]?.length ?? 0)));
  const line = (/** @type {readonly string[]} */ cells) =>
    cells
      .map((cell, index) => (index === cells.length - 1 ? cell : cell.padEnd(widths[index] ?? 0)))
      .join('  ')
      .trimEnd();
  return [line(head), ...rows.map(line)].join('\n');
}

module.exports = { circleOf, drawing, layers, readModules, readSource, sourceFiles, upwards };
if (require.main === module) process.stdout.write(`${drawing(readModules())}\n`);
