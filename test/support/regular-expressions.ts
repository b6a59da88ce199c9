import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseFileSync } from '@swc/core';
import { root } from './root';

/** A regular expression of the source, or one that is only made at run time: `pattern` is undefined then. */
interface Found {
  readonly file: string;
  readonly pattern: string | undefined;
  readonly flags: string;
}

/** Every regular expression of `src`, as its parser sees them: none can be forgotten. */
export function regularExpressions(): Found[] {
  return readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.tsx?$/.test(file) && !file.includes('node_modules'))
    .sort()
    .flatMap((file) => {
      const options = { syntax: 'typescript', tsx: file.endsWith('x'), decorators: true, target: 'es2022' } as const;
      return [...expressionsIn(parseFileSync(join(root, 'src', file), options))].map((found) => ({ file, ...found }));
    });
}

interface Node {
  readonly type?: string;
  readonly pattern?: string;
  readonly flags?: string;
  readonly callee?: { readonly value?: string };
}

function* expressionsIn(value: unknown): Generator<Omit<Found, 'file'>> {
  if (typeof value !== 'object' || value === null) return;
  const node = value as Node;
  if (node.type === 'RegExpLiteral') yield { pattern: node.pattern, flags: node.flags ?? '' };
  const isMade = node.type === 'NewExpression' || node.type === 'CallExpression';
  if (isMade && node.callee?.value === 'RegExp') yield { pattern: undefined, flags: '' };
  for (const inner of Object.values(value)) yield* expressionsIn(inner);
}
