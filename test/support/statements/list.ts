import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../root';
import { rejections } from './judge';
import { shapeOf } from './text';

const FILE = join(root, 'test/storage/engines/statements.sql');
const UPDATE = 'STATEMENTS_UPDATE=1 npm test';

/** Every statement that the product sends to a server, one of each shape. */
export function listedStatements(): string[] {
  return existsSync(FILE) ? oneOfEach(statementsIn(readFileSync(FILE, 'utf8'))).sort() : [];
}

/** Makes the folder in which every process of the tests records what it sends (record.js). */
export function recordStatements(): void {
  process.env.REMIT_TEST_STATEMENTS ??= mkdtempSync(join(tmpdir(), 'remit-statements-'));
}

/**
 * Judges what the tests have sent and the list does not have (judge.ts).
 * With STATEMENTS_UPDATE=1 it writes the list: anew after all tests, with additions after some.
 * @throws {Error} naming each statement that an engine would refuse
 */
export function judgeStatements(): void {
  const folder = process.env.REMIT_TEST_STATEMENTS;
  if (folder === undefined) return;
  const sent = readdirSync(folder).flatMap((file) => statementsIn(readFileSync(join(folder, file), 'utf8')));
  rmSync(folder, { recursive: true });
  delete process.env.REMIT_TEST_STATEMENTS;
  const listed = listedStatements();
  const shapes = new Set(listed.map(shapeOf));
  const unlisted = oneOfEach(sent.filter((statement) => !shapes.has(shapeOf(statement))));
  if (unlisted.length === 0) return;
  const rejected = unlisted.flatMap((statement) => rejections(statement).map((why) => `${why}: ${statement}`));
  if (rejected.length > 0) throw new Error(`Statements that not every engine takes:\n${rejected.join('\n')}`);
  if (process.env.STATEMENTS_UPDATE !== '1') {
    const told = `${unlisted.length} new statements are right on every engine. ${UPDATE} adds them to the list.`;
    process.stderr.write(`\n${told}\n`);
    return;
  }
  const isWhole = process.argv.length === 2;
  const sentShapes = new Set(sent.map(shapeOf));
  const kept = isWhole ? listed.filter((statement) => sentShapes.has(shapeOf(statement))) : listed;
  const statements = [...kept, ...unlisted].sort();
  writeFileSync(FILE, statements.map((statement) => `${statement};\n`).join(''));
  process.stderr.write(`\n${statements.length} statements are listed; ${unlisted.length} are new.\n`);
}

/** The shortest statement of each shape: the same one, whatever order the tests ran in. */
function oneOfEach(statements: readonly string[]): string[] {
  const byShape = new Map<string, string>();
  const shortestFirst = [...statements].sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
  for (const statement of shortestFirst) {
    const shape = shapeOf(statement);
    if (!byShape.has(shape)) byShape.set(shape, statement);
  }
  return [...byShape.values()];
}

const statementsIn = (text: string): string[] => text.split(/;\n/).filter((statement) => statement !== '');
