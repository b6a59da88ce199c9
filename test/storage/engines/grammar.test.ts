import { isParsed, PARSER_GAPS, rejections } from '../../support/statements/judge';
import { listedStatements } from '../../support/statements/list';
import { shapeOf, statementText, wordsOf } from '../../support/statements/text';
import { CONSTRUCTS, nameOf, SHARDED } from './constructs';
import { LEXICONS, reservedNames } from './lexicons';

const statements = listedStatements();

test('the list has the statements of every part', () => {
  for (const beginning of ['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'CREATE TABLE', 'ALTER TABLE', 'START']) {
    expect(statements.some((statement) => statement.startsWith(beginning))).toBe(true);
  }
  expect(new Set(statements.map(shapeOf)).size).toBe(statements.length);
});

test('MySQL’s grammar knows every statement', () => {
  const refused = statements.filter((statement) => !isParsed(statement));
  // A gap that nobody needs any more goes.
  expect(PARSER_GAPS.filter(({ pattern }) => !refused.some((statement) => pattern.test(statement)))).toEqual([]);
  expect(refused.filter((statement) => PARSER_GAPS.every(({ pattern }) => !pattern.test(statement)))).toEqual([]);
});

describe.each(LEXICONS)('$engine', (lexicon) => {
  test(`none of ${statements.length} statements has its reserved words as names without quotes`, () => {
    expect(lexicon.words.length).toBeGreaterThan(150);
    const rejected = statements.flatMap((statement) =>
      reservedNames(statement, lexicon).map((name) => `${name}: ${statement}`),
    );
    expect(rejected).toEqual([]);
  });
});

test.each(CONSTRUCTS)('no statement has $name', ({ pattern }) => {
  expect(statements.filter((statement) => pattern.test(statement))).toEqual([]);
});

test.each(SHARDED)('on a sharded Vitess: $name', ({ pattern, statements: named }) => {
  expect(statements.filter((statement) => pattern.test(statement)).map(nameOf)).toEqual(named);
});

test('a statement that is not listed yet is judged by the same rules', () => {
  expect(statements.flatMap(rejections)).toEqual([]);
  expect(rejections('SELECT id FROM legal_hold WHERE until > ?')).toEqual(['TiDB reserves the name until']);
  expect(rejections('START TRANSACTION READ ONLY')).toEqual([expect.stringContaining('tidb: `READ ONLY`')]);
  expect(rejections('SELECT id FROM WHERE ?')).toEqual(["MySQL's grammar"]);
  expect(rejections('INSERT INTO job (id) SELECT id FROM customer')).toEqual([expect.stringContaining('sharded')]);
});

test('a reserved name is found as a column, an alias or a table, where it has no quotes', () => {
  const [mysql, tidb, vitess] = LEXICONS;
  if (!mysql || !tidb || !vitess) throw new Error('three lists of words');
  const sql = 'SELECT a AS end, b AS next FROM t WHERE until > ? AND `until` < ? AND CASE WHEN 1 THEN 2 END';
  expect(reservedNames(sql, tidb)).toEqual(['until']);
  expect(reservedNames(sql, vitess)).toEqual(['end', 'next']);
  expect(reservedNames(sql, mysql)).toEqual([]);
  expect(reservedNames('SELECT rank FROM `order`', mysql)).toEqual(['rank']);
  expect(reservedNames('CREATE TABLE `a` (`b` varchar(3) NOT NULL, qualify int)', mysql)).toEqual(['qualify']);
});

test('statements that differ in values, in length or in chosen columns have one shape', () => {
  const text = (sql: string) => statementText(sql, 'data_1');
  expect(text("SELECT a FROM `data_1`.`t`\n WHERE x = 'it''s' AND y IN (1, x'ff', NULL) -- 1")).toBe(
    'SELECT a FROM `t` WHERE x = ? AND y IN (?) -- ?',
  );
  expect(text('INSERT INTO t (a, b) VALUES (1, NULL), (2, TRUE)')).toBe('INSERT INTO t (a, b) VALUES (?, ?)');
  expect(text("CREATE TABLE t (a varchar(36) DEFAULT 'b')")).toBe("CREATE TABLE t (a varchar(36) DEFAULT 'b')");
  expect(wordsOf('SELECT `a b`, c FROM d')).toEqual(['SELECT', '`a b`', 'c', 'FROM', 'd']);
  const shape = shapeOf('SELECT `a` FROM `t` WHERE client_id = ? AND `b` = ? ORDER BY `c` LIMIT ?');
  const many =
    'SELECT `a`, `b` FROM `u` WHERE client_id = ? AND (`b` > ? OR `c` IS NULL) ORDER BY `c` DESC, `d` LIMIT ?';
  expect(shapeOf(many)).not.toBe(shapeOf(many.replace(' LIMIT ?', '')));
  expect(shapeOf(many.replace('(`b` > ? OR `c` IS NULL)', '`b` NOT IN (?)'))).toBe(shape);
  expect(shapeOf('SELECT id FROM t WHERE client_id = ?')).not.toBe(shapeOf('SELECT id FROM t WHERE id = ?'));
});
