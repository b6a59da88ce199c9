/** A token that proves nothing. The message may be told to whoever sent it, and never repeats the token. */
export class InvalidTokenError extends Error {
  override readonly name = 'InvalidTokenError';
  readonly code = 'INVALID_TOKEN';
}

/** Whether a token is good cannot be found out just now: that is no proof either way, so nobody is let in on it. */
export class IssuerUnavailableError extends Error {
  override readonly name = 'IssuerUnavailableError';
  readonly code = 'ISSUER_UNAVAILABLE';

  constructor(why: string, options?: ErrorOptions) {
    super(`The issuer of tokens cannot be asked: ${why}.`, options);
  }
}
