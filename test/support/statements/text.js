const token = new RegExp(
  [
    String.raw`(?<value>\b[xX]'[0-9a-fA-F]*'|'(?:[^'\\]|\\.|'')*'|\b0x[0-9a-fA-F]+\b|\b\d+(?:\.\d+)?(?:e[+-]?\d+)?\b)`,
    '(?<quoted>`[^`]*`)',
    String.raw`(?<comment>\/\*[\s\S]*?\*\/)`,
    String.raw`(?<space>\s+)`,
    String.raw`(?<word>@{0,2}[\p{L}_$][\p{L}\p{N}_$]*)`,
    String.raw`[\s\S]`,
  ].join('|'),
  'gu',
);

const isDefinition = (/** @type {string} */ sql) => /^\s*(?:CREATE|ALTER|DROP)\b/i.test(sql);

/** Lists of values, and rows of an insert: as many as a request or a batch has. */
const lists = /** @type {const} */ ([
  [/(?<=[(,=] ?)(?:NULL|TRUE|FALSE|DEFAULT)\b/gi, '?'],
  [/\bIN \(\?(?:, ?\?)+\)/g, 'IN (?)'],
  [/(\(\?(?:, ?\?)*\))(?:, ?\1)+/g, '$1'],
]);

/** What a request or a batch chooses: columns, tables, conditions and their order, by quoted names. */
const choices = /** @type {const} */ ([
  [/\?(?:, ?\?)+/g, '?'],
  [/`[^`]*`(?:\.`[^`]*`)*/g, '`x`'],
  [/`x`\(/g, '`x` ('],
  [/ (?:<=|>=|<>|!=|<|>) | (?:NOT )?IN (?=\(\?\))/g, ' = '],
  [/= \(\?\)/g, '= ?'],
  [/`x` IS (?:NOT )?NULL/g, '`x` = ?'],
  [/ (?:ASC|DESC)\b/g, ''],
  [/ (?:AND|OR|UNION ALL) /g, ', '],
  [/(?: WHEN \? THEN \?)+/g, ' WHEN ? THEN ?'],
]);
/** A part that stands several times in a row. */
const part = String.raw`(?:[^,()]|\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))+?`;
const repeats = new RegExp(
  String.raw`(?<=[(,] ?|\b(?:SELECT|WHERE|SET|BY|VALUES|FROM) )(${part})(?:, ?\1(?=[,)]|$| [A-Z]{2}))+`,
  'g',
);
const brackets = /(?<![\w`] ?)\((`x`(?: = [?\w.`]+)?)\)/g;
const tenancy = /\bclient_id = \?, `x` = \?/g;

/**
 * The words and quoted names of a statement.
 *
 * @param {string} sql
 * @returns {string[]}
 */
function wordsOf(sql) {
  return [...sql.matchAll(token)].flatMap(({ groups = {} }) => groups.word ?? groups.quoted ?? []);
}

/**
 * One text for all statements that differ in their values, or in how often they repeat a part. Statements that make
 * tables stay as they are.
 *
 * @param {string} sql
 * @param {string} database its name is left out
 * @returns {string}
 */
function statementText(sql, database = '') {
  const text = sql
    .replaceAll(`\`${database}\`.`, '')
    .replace(token, (part, ...rest) => {
      const { value, comment, space } = rest.at(-1);
      if (comment !== undefined || space !== undefined) return ' ';
      return value !== undefined && !isDefinition(sql) ? '?' : part;
    })
    .replace(/ {2,}/g, ' ')
    .trim();
  return isDefinition(sql) ? text : lists.reduce((whole, [pattern, by]) => whole.replace(pattern, by), text);
}

/**
 * What statements have in common that differ in what a request has chosen as well. The list of statements has one of
 * each shape: chosen names are quoted, so no engine can mistake them for its own words.
 *
 * @param {string} text what {@link statementText} returns
 * @returns {string}
 */
function shapeOf(text) {
  if (isDefinition(text)) return text;
  let shape = choices.reduce((whole, [pattern, by]) => whole.replace(pattern, /** @type {string} */ (by)), text);
  for (let before = ''; before !== shape; ) {
    before = shape;
    shape = shape.replace(brackets, '$1').replace(repeats, '$1').replace(tenancy, 'client_id = ?');
  }
  return shape;
}

module.exports = { shapeOf, statementText, wordsOf };
