import { wordsOf } from '../../support/statements/text';
import mysql from './mysql.json';
import tidb from './tidb.json';
import vitess from './vitess.json';

/** The words that an engine keeps for itself, and where they are from. */
export interface Lexicon {
  readonly engine: string;
  readonly source: string;
  readonly words: readonly string[];
}

export const LEXICONS: readonly Lexicon[] = [mysql, tidb, vitess];

/** The engine's own words that TypeORM writes in small letters: types, and `as`. */
const SMALL = new Set('as int bigint varchar mediumblob blob longblob tinyint smallint decimal double'.split(' '));

/**
 * The names in a statement that the engine takes for its own words. Statements write words of SQL in capitals and names
 * in small letters.
 */
export function reservedNames(statement: string, { words }: Lexicon): string[] {
  const reserved = new Set(words.map((word) => word.toLowerCase()));
  return wordsOf(statement).filter((word) => reserved.has(word) && !SMALL.has(word));
}
