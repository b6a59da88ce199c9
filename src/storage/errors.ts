/** A setting that cannot work. The message names the variable and the remedy, and never carries a password. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
  readonly code = 'CONFIGURATION';

  constructor(
    readonly variable: string,
    fault: string,
    options?: ErrorOptions,
  ) {
    super(`${variable}: ${fault}`, options);
  }
}

/** Another process holds the migration lock and did not finish in time. */
export class MigrationLockError extends Error {
  override readonly name = 'MigrationLockError';
  readonly code = 'MIGRATION_LOCKED';

  constructor(waitedMs: number) {
    super(
      `Another process has been migrating this database for more than ${Math.round(waitedMs / 1000)} s. ` +
        'Wait for it; if it died, its lock lapses by itself within a minute.',
    );
  }
}
