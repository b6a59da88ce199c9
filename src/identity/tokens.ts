import { decodeJwt, decodeProtectedHeader, errors, type JWTPayload, type JWTVerifyOptions, jwtVerify } from 'jose';
import { LRUCache } from 'lru-cache';
import { ConfigurationError } from '../storage/errors';
import { remembered } from '../storage/remembered';
import type { TokenClaims } from './caller';
import { type ClaimNames, claimsOf, defaultClaimNames } from './claims';
import { developmentIssuer, developmentKeyFile, developmentKeyId, developmentKeys } from './development-keys';
import { IssuerKeys, type IssuerState } from './issuer-keys';
import { InvalidTokenError, IssuerUnavailableError } from './token-errors';

export interface TokenVerifier {
  /**
   * @throws {InvalidTokenError} for an invalid token
   * @throws {IssuerUnavailableError} where the issuer's keys cannot be fetched
   */
  verify(bearer: string): Promise<TokenClaims>;
  /** The claims of a token that was verified before and still counts as verified. */
  verified?(bearer: string): TokenClaims | undefined;
}

export interface IssuerVerifier extends TokenVerifier {
  /** The state of the configured issuer. Asks it, if that is due. */
  issuerState(): Promise<IssuerState>;
}

export interface TokenVerifierOptions {
  readonly issuer: string | undefined;
  readonly audience?: string | undefined;
  /** The names of the claims, if they differ from the usual ones. */
  readonly claimNames?: ClaimNames | undefined;
  readonly production: boolean;
  readonly developmentKeyFile?: string;
  /** Called when the issuer becomes unreachable, and when it is reachable again. */
  readonly onIssuer?: ((fault: IssuerUnavailableError | undefined) => void) | undefined;
}

/** Asymmetric algorithms only: with HS256, anybody could sign with the issuer's public key. */
const algorithms = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512'],
  // RFC 9864 calls it Ed25519.
  ...['EdDSA', 'Ed25519'],
];
const CLOCK_TOLERANCE_S = 5;
/**
 * How long a verified token is not verified again, in milliseconds, never past its expiry. A revoked key may be
 * honoured for this long. Grants and instructions are still looked up for every request.
 */
const VERIFIED_TTL_MS = 60_000;
/** About how many bytes, since the issuer decides on the number and length of tokens. */
const VERIFIED_BYTES = 16 * 1024 * 1024;
const MAX_TOKEN_LENGTH = 8_192;
const MALFORMED = 'The token is malformed, or its signature is not of a key of its issuer.';

/**
 * Verifies tokens of the configured issuer by its published keys. Outside production also those of `remit token`.
 * @throws {ConfigurationError} in production without an issuer: a missing verifier must not mean no check
 * (docs/pitfalls.md, 19)
 */
export function createTokenVerifier(options: TokenVerifierOptions): IssuerVerifier {
  const { issuer, production } = options;
  if (production && !issuer) {
    throw new ConfigurationError(
      'OIDC_ISSUER',
      'must be set in production: without an issuer no token can be verified; write the https URL of ' +
        'your OpenID provider',
    );
  }
  const keys = issuer ? new IssuerKeys(issuer, options.onIssuer) : undefined;
  const development = remembered(() => developmentKeys(options.developmentKeyFile ?? developmentKeyFile));
  const checks: JWTVerifyOptions = {
    algorithms,
    requiredClaims: ['exp'],
    clockTolerance: CLOCK_TOLERANCE_S,
    ...(options.audience ? { audience: options.audience } : {}),
  };

  async function claimsIn(token: string): Promise<[claims: TokenClaims, payload: JWTPayload]> {
    if (isDevelopmentToken(token)) {
      if (production) throw new InvalidTokenError('The token is a development token; this server accepts none.');
      const { publicKey } = await development();
      const expected = { ...checks, algorithms: ['EdDSA'], issuer: developmentIssuer };
      const { payload } = await jwtVerify(token, publicKey, expected);
      return [withExpiry(claimsOf(payload, defaultClaimNames), payload), payload];
    }
    if (!issuer || !keys) throw new InvalidTokenError('The token is of an issuer that this server does not know.');
    const payload = await payloadBy(keys, token, { ...checks, issuer });
    return [withExpiry(claimsOf(payload, options.claimNames), payload), payload];
  }

  const verified = new LRUCache<string, TokenClaims>({
    maxSize: VERIFIED_BYTES,
    sizeCalculation: (_, bearer) => 1_000 + 2 * bearer.length,
  });
  return {
    verified: (bearer) => verified.get(bearer),
    async verify(bearer) {
      if (bearer.length > MAX_TOKEN_LENGTH) throw new InvalidTokenError('The token is too long.');
      const known = verified.get(bearer);
      if (known) return known;
      const [claims, payload] = await claimsIn(bearer).catch((error: unknown) => {
        throw explained(error);
      });
      const ttl = Math.min(VERIFIED_TTL_MS, (payload.exp ?? 0) * 1_000 - Date.now());
      if (ttl > 0) verified.set(bearer, claims, { ttl });
      return claims;
    },
    issuerState: async () => (await keys?.state()) ?? { usable: true, fault: undefined },
  };
}

const withExpiry = (claims: TokenClaims, { exp = 0 }: JWTPayload): TokenClaims => ({
  ...claims,
  expiresAt: (exp + CLOCK_TOLERANCE_S) * 1_000,
});

/** An issuer may replace a key at any time, even under the same id. Then its keys are fetched again. */
async function payloadBy(keys: IssuerKeys, token: string, checks: JWTVerifyOptions): Promise<JWTPayload> {
  const known = await keys.current();
  try {
    return (await jwtVerify(token, known, checks)).payload;
  } catch (error) {
    const isUnknown = error instanceof errors.JWKSNoMatchingKey;
    if (!isUnknown && !(error instanceof errors.JWSSignatureVerificationFailed)) throw error;
    const others = await keys.otherThan(known);
    if (others) return (await jwtVerify(token, others, checks)).payload;
    // While the issuer is unreachable, it is unknown whether it has this key.
    throw isUnknown && keys.fault ? keys.fault : error;
  }
}

/** Whether a token claims to be a development token, by its issuer or its key. Production refuses it. */
function isDevelopmentToken(token: string): boolean {
  try {
    return decodeProtectedHeader(token).kid === developmentKeyId || decodeJwt(token).iss === developmentIssuer;
  } catch {
    throw new InvalidTokenError(MALFORMED);
  }
}

/** The error to return for a failure. What is not the token's fault counts as the issuer's, and admits nobody. */
function explained(error: unknown): Error {
  if (error instanceof InvalidTokenError || error instanceof IssuerUnavailableError) return error;
  if (error instanceof ConfigurationError) return error;
  if (error instanceof errors.JWTExpired) return new InvalidTokenError('The token has expired.');
  if (error instanceof errors.JWTClaimValidationFailed) {
    const claim = ['iss', 'aud', 'exp', 'nbf', 'iat'].find((known) => known === error.claim) ?? 'a claim';
    const what = error.reason === 'missing' ? 'lacks' : 'is not right in';
    return new InvalidTokenError(`The token ${what} "${claim}".`);
  }
  if (error instanceof errors.JOSEAlgNotAllowed) {
    return new InvalidTokenError(`The token's algorithm is not one of ${algorithms.join(', ')}.`);
  }
  const faults = [
    errors.JWSInvalid,
    errors.JWTInvalid,
    errors.JWSSignatureVerificationFailed,
    errors.JWKSNoMatchingKey,
    errors.JWKSMultipleMatchingKeys,
    errors.JOSENotSupported,
  ];
  if (faults.some((fault) => error instanceof fault)) return new InvalidTokenError(MALFORMED);
  return new IssuerUnavailableError('its keys cannot be had', { cause: error });
}
