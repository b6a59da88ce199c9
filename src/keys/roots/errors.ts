/** What holds the root of the keys does not answer, or not in time. It may later. */
export class RootUnavailableError extends Error {
  override readonly name = 'RootUnavailableError';
  readonly code = 'ROOT_KEYS_UNAVAILABLE';

  /** @param reason a code, never a message: messages of clients may hold credentials */
  constructor(service: string, reason: string) {
    super(`${service} does not answer (${reason}); try again.`);
  }
}
