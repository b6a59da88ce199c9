import { readFileSync } from 'node:fs';

const optionIn = (path: string, where: RegExp): string | undefined => {
  const [line = ''] = where.exec(readFileSync(path, 'utf8')) ?? [];
  return /--max-semi-space-size=\d+/.exec(line)?.[0];
};

test('the server has the same memory for requests, however it is started', () => {
  const starts = {
    'npm start': optionIn('package.json', /"start": .*/),
    'npm run demo': optionIn('package.json', /"demo": .*/),
    'the image': optionIn('deploy/Dockerfile', /^ENTRYPOINT .*/m),
    workers: optionIn('src/commands/workers.ts', /^const YOUNG_GENERATION = .*/m),
    'the documentation': optionIn('docs/performance.md', /^`--max-semi-space-size=.*/m),
  };
  expect(new Set(Object.values(starts))).toEqual(new Set(['--max-semi-space-size=32']));
});
