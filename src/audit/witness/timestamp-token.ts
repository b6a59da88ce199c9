import { constants, createHash, verify, X509Certificate } from 'node:crypto';
import {
  certificateHashIn,
  octetsIn,
  oidIn,
  readTimestampResponse,
  type SignerInfo,
  TimestampError,
  type TimestampToken,
  TST_INFO,
} from './timestamp-response';

/** What a time stamp proves. */
export interface Timestamp {
  /** When the authority says that it saw the bytes. */
  readonly at: Date;
  /** The subject of the certificate that signed, in one line. */
  readonly signer: string;
  /** Whether the certificate is trusted, or was issued under a trusted one; null where no trusted one was given. */
  readonly trusted: boolean | null;
}

const oids = {
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
  signingCertificate: '1.2.840.113549.1.9.16.2.12',
  signingCertificateV2: '1.2.840.113549.1.9.16.2.47',
  timeStamping: '1.3.6.1.5.5.7.3.8',
  rsaPss: '1.2.840.113549.1.1.10',
} as const;

/** The digests that are still secure; SHA-1 is not. */
const digests: Readonly<Record<string, string>> = {
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
};

/** Signature algorithms that name their digest; others use the signer's digest. */
const signatureDigests: Readonly<Record<string, string | null>> = {
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
  '1.3.101.112': null,
};

/**
 * Checks a TimeStampResp (RFC 3161, section 2.4.2; signature by RFC 5652, section 5.4). It must be for these bytes, and
 * signed by the certificate that it names by hash. That certificate must be for time stamps and must have been valid
 * then.
 * @param authorities trusted certificates; without any, `trusted` is null
 * @throws {TimestampError} saying what does not hold
 */
export function checkTimestamp(response: Buffer, stamped: Buffer, authorities: readonly X509Certificate[]): Timestamp {
  const { token } = readTimestampResponse(response);
  if (!token) throw new TimestampError('it holds no signed data');
  try {
    return checkToken(token, stamped, authorities);
  } catch (error) {
    if (error instanceof TimestampError) throw error;
    // Node could not read a certificate or a key.
    throw new TimestampError('it holds a certificate or a signature that cannot be read', { cause: error });
  }
}

function checkToken(token: TimestampToken, stamped: Buffer, authorities: readonly X509Certificate[]): Timestamp {
  const { imprint, time: at } = token;
  if (!imprint.hash.equals(digestOf(digestNamed(imprint.algorithm), stamped))) {
    throw new TimestampError('it is of other bytes than the checkpoint');
  }
  const certificates = [...token.certificates.map((bytes) => new X509Certificate(bytes)), ...authorities];
  const signer = checkSignature(token.signer, token.content, certificates);
  if (!signer.keyUsage?.includes(oids.timeStamping)) {
    throw new TimestampError('its certificate is not one for time stamps');
  }
  if (!isValidAt(signer, at)) throw new TimestampError('its certificate was not valid at its time');
  const trusted = authorities.length === 0 ? null : isTrusted(signer, certificates, authorities, at);
  return { at, signer: signer.subject.replaceAll('\n', ', '), trusted };
}

/** @returns the certificate that signed: the one that the signed attributes name (RFC 5816) */
function checkSignature(
  { digestAlgorithm, attributes, signedBytes, signatureAlgorithm, signature }: SignerInfo,
  content: Buffer,
  certificates: readonly X509Certificate[],
): X509Certificate {
  const digest = digestNamed(digestAlgorithm);
  if (oidIn(attributes.get(oids.contentType)) !== TST_INFO) {
    throw new TimestampError('its signature is over another thing');
  }
  if (!octetsIn(attributes.get(oids.messageDigest)).equals(digestOf(digest, content))) {
    throw new TimestampError('its content is not what was signed');
  }
  const signer = certificates.find(namedBy(attributes));
  if (!signer) throw new TimestampError('the certificate that signed it is not in it');
  const pss =
    signatureAlgorithm === oids.rsaPss
      ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_AUTO }
      : {};
  const own = signatureDigests[signatureAlgorithm];
  const by = own === undefined ? digest : own;
  if (!verify(by, signedBytes, { key: signer.publicKey, ...pss }, signature)) {
    throw new TimestampError('its signature does not hold');
  }
  return signer;
}

function namedBy(attributes: SignerInfo['attributes']): (certificate: X509Certificate) => boolean {
  const newer = attributes.get(oids.signingCertificateV2);
  const attribute = newer ?? attributes.get(oids.signingCertificate);
  if (!attribute) throw new TimestampError('it names no certificate');
  const { algorithm, hash } = certificateHashIn(attribute);
  // The older attribute always uses SHA-1. It only selects the certificate, whose key must then match the signature.
  const digest = algorithm === undefined ? (newer ? 'sha256' : 'sha1') : digestNamed(algorithm);
  return ({ raw }) => digestOf(digest, raw).equals(hash);
}

const MAX_CHAIN = 8;

function isTrusted(
  signer: X509Certificate,
  certificates: readonly X509Certificate[],
  authorities: readonly X509Certificate[],
  at: Date,
): boolean {
  let certificate = signer;
  for (let length = 0; length < MAX_CHAIN; length++) {
    const reached = certificate;
    if (authorities.some(({ raw }) => raw.equals(reached.raw))) return true;
    const issuer = certificates.find(
      (candidate) =>
        candidate.ca &&
        reached.checkIssued(candidate) &&
        reached.verify(candidate.publicKey) &&
        isValidAt(candidate, at),
    );
    if (!issuer || issuer.raw.equals(reached.raw)) return false;
    certificate = issuer;
  }
  return false;
}

const isValidAt = ({ validFrom, validTo }: X509Certificate, at: Date): boolean =>
  Date.parse(validFrom) <= at.getTime() && at.getTime() <= Date.parse(validTo);

function digestNamed(algorithm: string): string {
  const digest = Object.hasOwn(digests, algorithm) ? digests[algorithm] : undefined;
  if (digest === undefined) throw new TimestampError('it is by a digest that is not trusted');
  return digest;
}

const digestOf = (digest: string, bytes: Buffer): Buffer => createHash(digest).update(bytes).digest();
