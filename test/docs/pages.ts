import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../support/root';

/** The Markdown files of the repository, by their path from its root. */
export const pages: readonly string[] = [
  '',
  '.github',
  'docs',
  'docs/adr',
  'deploy',
  'examples/library',
  'src/governance',
]
  .flatMap((folder) => markdownIn(folder))
  .sort();

function markdownIn(folder: string): string[] {
  try {
    const names = readdirSync(join(root, folder));
    return names.filter((name) => name.endsWith('.md')).map((name) => (folder === '' ? name : `${folder}/${name}`));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

export const textOf = (page: string): string => readFileSync(join(root, page), 'utf8');

/** A fenced block of code: its language, the words after it, and what is in it. */
export interface Block {
  readonly language: string;
  readonly info: string;
  readonly content: string;
  /** Whether nothing but blank lines stands between it and the block before it. */
  readonly follows: boolean;
}

export function blocksOf(text: string): Block[] {
  const blocks: Block[] = [];
  let end = 0;
  for (const match of text.matchAll(/^```(\w+) ?(.*)\n([\s\S]*?)^```$/gm)) {
    const [whole, language = '', info = '', content = ''] = match;
    const between = text.slice(end, match.index);
    blocks.push({ language, info, content, follows: blocks.length > 0 && between.trim() === '' });
    end = match.index + whole.length;
  }
  return blocks;
}

/** A page without its blocks of code and its code spans, so that what looks like Markdown there is none. */
export const proseOf = (text: string): string =>
  text.replace(/^```[\s\S]*?^```$/gm, '').replace(/`[^`\n]*`/g, (code) => 'x'.repeat(code.length));
