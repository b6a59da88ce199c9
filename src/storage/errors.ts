/** An invalid setting. The message names the variable and the fix, and never a password. */
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

/** Another process held the migration lock for too long. */
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
