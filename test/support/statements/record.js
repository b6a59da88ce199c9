const { tracingChannel } = require('node:diagnostics_channel');
const { appendFileSync } = require('node:fs');
const { join, sep } = require('node:path');
const { shapeOf, statementText } = require('./text.js');

const root = join(__dirname, '../../..');
/** They send statements for whoever calls them. */
const carriers = ['connections/', 'storage/statements.', 'storage/server-transaction.'].flatMap((path) =>
  ['src', 'dist/src'].map((folder) => join(root, folder, path)),
);
const recorded = Symbol.for('remit.statements');

/**
 * Writes every statement that the product sends to a server into a file of this process, once each. The driver tells of
 * them through Node's diagnostics channels. Tests start this by their set-up, and child processes by `--require`.
 */
function record() {
  const folder = process.env.REMIT_TEST_STATEMENTS;
  const channels = ['mysql2:query', 'mysql2:execute'].map((name) => tracingChannel(name));
  // Every test file of a process loads its own copy of this module, and the channels are shared.
  const mark = /** @type {any} */ (channels[0]?.start);
  if (folder === undefined || mark[recorded]) return;
  mark[recorded] = true;
  const file = join(folder, `${process.pid}.sql`);
  const texts = new Set();
  const shapes = new Set();
  const start = (/** @type {any} */ { query, database }) => {
    const text = statementText(query, database);
    if (texts.has(text) || isOfTest()) return;
    texts.add(text);
    const shape = shapeOf(text);
    if (shapes.has(shape)) return;
    shapes.add(shape);
    appendFileSync(file, `${text};\n`);
  };
  for (const channel of channels) channel.subscribe(/** @type {any} */ ({ start }));
}

/** Whether a test, rather than the product, is the nearest caller. Callbacks have no callers: those are the product. */
function isOfTest() {
  const { prepareStackTrace, stackTraceLimit } = Error;
  Error.stackTraceLimit = 100;
  Error.prepareStackTrace = (_, sites) => sites.map((site) => site.getFileName() ?? '');
  const files = /** @type {string[]} */ (/** @type {unknown} */ (new Error().stack));
  Object.assign(Error, { prepareStackTrace, stackTraceLimit });
  for (const name of files) {
    if (!name.startsWith(root + sep) || name.startsWith(__dirname) || name.includes('node_modules')) continue;
    if (carriers.some((carrier) => name.startsWith(carrier))) continue;
    return name.startsWith(join(root, 'test') + sep);
  }
  return false;
}

record();
