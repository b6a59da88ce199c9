import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../root';
import { shapeOf } from './text';

const FILE = join(root, 'test/storage/engines/statements.sql');
const UPDATE = 'STATEMENTS_UPDATE=1 npm test';

/** Every statement that the product sends to a server, one of each shape. */
export function listedStatements(): string[] {
  return existsSync(FILE) ? statementsIn(readFileSync(FILE, 'utf8')) : [];
}

/** Makes the folder in which every process of the tests records what it sends (record.js). */
export function recordStatements(): void {
  process.env.REMIT_TEST_STATEMENTS ??= mkdtempSync(join(tmpdir(), 'remit-statements-'));
}

/**
 * Compares what the tests have sent with the list. After a run of all tests, a statement that is not listed is an
 * error. With STATEMENTS_UPDATE=1 the list is written instead: anew after all tests, with additions after some.
 */
export function compareStatements(): void {
  const folder = process.env.REMIT_TEST_STATEMENTS;
  if (folder === undefined) return;
  const sent = readdirSync(folder).flatMap((file) => statementsIn(readFileSync(join(folder, file), 'utf8')));
  rmSync(folder, { recursive: true });
  delete process.env.REMIT_TEST_STATEMENTS;
  const listed = listedStatements();
  const all = process.argv.length === 2;
  const shapes = new Set(listed.map(shapeOf));
  const unlisted = oneOfEach(sent.filter((statement) => !shapes.has(shapeOf(statement))));
  if (process.env.STATEMENTS_UPDATE === '1') {
    const sentShapes = new Set(sent.map(shapeOf));
    const kept = all ? listed.filter((statement) => sentShapes.has(shapeOf(statement))) : listed;
    const statements = [...kept, ...unlisted].sort();
    writeFileSync(FILE, statements.map((statement) => `${statement};\n`).join(''));
    process.stderr.write(`\n${statements.length} statements are listed; ${unlisted.length} are new.\n`);
  } else if (unlisted.length > 0) {
    const message = `${unlisted.length} statements are not in test/storage/engines/statements.sql: run ${UPDATE}`;
    if (all) throw new Error(`${message}\n${unlisted.join('\n')}`);
    process.stderr.write(`\n${message}\n`);
  }
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
