import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../support/root';
import { circleOf, drawing, layers, readModules, upwards } from './modules';

const modules = readModules();

test('no import runs upwards', () => {
  expect(upwards(modules)).toEqual([]);
});

test('no module imports one that imports it, not even its types', () => {
  expect({ circle: circleOf(modules), drawing: drawing(modules) }).toEqual({
    circle: undefined,
    drawing: expect.any(String),
  });
});

test('storage is storage: it stays small', () => {
  const lines = modules.find(({ name }) => name === 'storage')?.lines;
  expect(lines).toBeGreaterThan(0);
  expect(lines).toBeLessThan(2_200);
});

test('an import upwards and a circle would be found', () => {
  const module = (name: string, from: string, to: string) => ({ name, files: 1, lines: 1, imports: [{ from, to }] });
  const storage = module('storage', 'storage/a.ts', 'erasure/b');
  const erasure = module('erasure', 'erasure/b.ts', 'storage/a');
  expect(upwards([storage, erasure])).toEqual(['storage/a.ts imports erasure/b, which is above storage']);
  expect(circleOf([erasure, storage])).toEqual(['erasure', 'storage', 'erasure']);
  expect(upwards([module('attic', 'attic/a.ts', 'law/b')])).toEqual([expect.stringContaining('attic is in no layer')]);
});

test('the linter holds the same layers', () => {
  const text = readFileSync(join(root, '.biome.jsonc'), 'utf8').replace(/^\s*\/\/.*$/gm, '');
  const { overrides } = JSON.parse(text) as { overrides: readonly Override[] };
  const groupOf = (name: string) => {
    const override = overrides.find(({ includes }) => includes.includes(`src/${name}/**`));
    return override?.linter.rules.style.noRestrictedImports.options.patterns.flatMap(({ group }) => group) ?? [];
  };
  // The core and law import nothing of src, which is said as such; main and commands are on top.
  const floors = layers.slice(3, -1);
  const missing = floors.flatMap((names, index) => {
    const above = ['commands', ...floors.slice(0, index).flat()];
    const there = names.filter((name) => modules.some((module) => module.name === name));
    return there.flatMap((name) => {
      const group = new Set(groupOf(name));
      return above.filter((one) => !group.has(`**/${one}/**`)).map((one) => `src/${name} may import ${one}`);
    });
  });
  expect(missing).toEqual([]);
});

interface Override {
  readonly includes: readonly string[];
  readonly linter: {
    readonly rules: {
      readonly style: {
        readonly noRestrictedImports: {
          readonly options: { readonly patterns: ReadonlyArray<{ readonly group: readonly string[] }> };
        };
      };
    };
  };
}
