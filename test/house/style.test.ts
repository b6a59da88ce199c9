import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../support/root';

interface Comment {
  /** `path:line` of its first line. */
  readonly at: string;
  readonly lines: readonly string[];
}

const files = ['src', 'test'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.(tsx?|mts|mjs|js|css)$/.test(path) && !/node_modules|\/dist\//.test(path))
    .map((path) => join(folder, path)),
);

/** The comments of a file: lines that are nothing else, those that follow each other as one, and ends of lines. */
function commentsIn(path: string): Comment[] {
  const comments: Array<{ at: string; lines: string[] }> = [];
  let isOpen = false;
  for (const [index, line] of readFileSync(join(root, path), 'utf8').split('\n').entries()) {
    const isWhole = /^\s*(\/\/|\/\*|\*(?!\S*\())/.test(line);
    if (isWhole && isOpen) comments.at(-1)?.lines.push(line);
    else if (isWhole || /(^|[\s;{,(])\/\/ /.test(line)) comments.push({ at: `${path}:${index + 1}`, lines: [line] });
    isOpen = isWhole;
  }
  return comments;
}

const comments = files.flatMap(commentsIn);

test('comments are found', () => {
  expect(files.length).toBeGreaterThan(400);
  expect(comments.length).toBeGreaterThan(1_000);
});

test('no line of a comment is longer than 120 characters', () => {
  const long = comments.filter(({ lines }) => lines.some((line) => [...line].length > 120));
  expect(long.map(({ at }) => at)).toEqual([]);
});
