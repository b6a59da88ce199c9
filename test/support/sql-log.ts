import type { DataSource, Logger } from 'typeorm';

export interface SqlLog {
  /** Statements since the last call, begin and commit of transactions left out, each with its parameters. */
  take(): Array<{ readonly sql: string; readonly parameters: readonly unknown[] }>;
}

/** Listens to every statement that a data source sends from now on. */
export function recordSql(source: DataSource): SqlLog {
  let seen: Array<{ sql: string; parameters: readonly unknown[] }> = [];
  const logger: Logger = {
    logQuery: (sql, parameters: unknown[] = []) => {
      if (!/^(BEGIN|START|COMMIT|ROLLBACK|SET TRANSACTION)/i.test(sql)) seen.push({ sql, parameters });
    },
    logQueryError: () => undefined,
    logQuerySlow: () => undefined,
    logSchemaBuild: () => undefined,
    logMigration: () => undefined,
    log: () => undefined,
  };
  source.logger = logger;
  return {
    take: () => {
      const taken = seen;
      seen = [];
      return taken;
    },
  };
}
