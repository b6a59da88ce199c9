/** A URL's fault and what is right, without the variable that held it and without its password. */
export class UrlFault extends Error {
  override readonly name = 'UrlFault';
}

/** A store did not answer within this product's own time limit. Whether it did what was asked is unknown. */
export class StoreUnavailableError extends Error {
  override readonly name = 'StoreUnavailableError';
  readonly code = 'STORE_UNAVAILABLE';
}

/** A server must not be used as it is. Its message goes after the server's name. */
export class UnfitServerError extends Error {
  override readonly name = 'UnfitServerError';
  readonly code = 'STORE_UNAVAILABLE';

  of(server: string): UnfitServerError {
    return new UnfitServerError(`${server} ${this.message}`);
  }
}
