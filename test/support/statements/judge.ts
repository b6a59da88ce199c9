import { Parser } from 'node-sql-parser/build/mysql';
import { CONSTRUCTS, SHARDED } from '../../storage/engines/constructs';
import { LEXICONS, reservedNames } from '../../storage/engines/lexicons';

const parser = new Parser();

/** Valid statements that node-sql-parser 5.4 does not know: why they are valid. */
export const PARSER_GAPS: ReadonlyArray<{ readonly pattern: RegExp; readonly valid: string }> = [
  {
    pattern: /^SHOW (?:GLOBAL )?(?:VARIABLES|STATUS) WHERE Variable_name IN \(\?\)$/,
    valid:
      'dev.mysql.com/doc/refman/8.4/en/show-variables.html and show-status.html; MariaDB, TiDB and Vitess know it too',
  },
  {
    pattern: /^KILL \?$/,
    valid: 'dev.mysql.com/doc/refman/8.4/en/kill.html; MariaDB and TiDB know it too, and Vitess is never sent it',
  },
];

/** Whether node-sql-parser reads a statement as MySQL. */
export function isParsed(statement: string): boolean {
  try {
    parser.astify(statement);
    return true;
  } catch {
    return false;
  }
}

/** Why an engine would refuse a statement, or mean something else by it; empty for one that all of them take. */
export function rejections(statement: string): string[] {
  const isGap = PARSER_GAPS.some(({ pattern }) => pattern.test(statement));
  return [
    ...(isGap || isParsed(statement) ? [] : ["MySQL's grammar"]),
    ...LEXICONS.flatMap((lexicon) =>
      reservedNames(statement, lexicon).map((name) => `${lexicon.engine} reserves the name ${name}`),
    ),
    ...CONSTRUCTS.filter(({ pattern }) => pattern.test(statement)).map(
      ({ name, engines }) => `${engines.join(', ')}: ${name}`,
    ),
    ...SHARDED.filter(
      ({ pattern, statements }) => pattern.test(statement) && !statements.some((known) => statement.startsWith(known)),
    ).map(({ name }) => `a sharded Vitess: ${name}`),
  ];
}
