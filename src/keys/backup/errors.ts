/** A file that is no backup of keys, or not one that can be used here. Its message is written for the operator. */
export class KeyBackupError extends Error {
  override readonly name = 'KeyBackupError';
}
