/** An invalid token. The message is safe to return to the sender and never repeats the token. */
export class InvalidTokenError extends Error {
  override readonly name = 'InvalidTokenError';
  readonly code = 'INVALID_TOKEN';
}

/** The token cannot be verified now, so it is not accepted. */
export class IssuerUnavailableError extends Error {
  override readonly name = 'IssuerUnavailableError';
  readonly code = 'ISSUER_UNAVAILABLE';

  constructor(why: string, options?: ErrorOptions) {
    super(`The issuer of tokens cannot be asked: ${why}.`, options);
  }
}
