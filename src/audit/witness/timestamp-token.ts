import { constants, createHash, verify, X509Certificate } from 'node:crypto';
import { contentOf, type Element, elementOf, elementsOf, oidOf, partsOf, tags } from './der';

/** What a time stamp proves. */
export interface Timestamp {
  /** When the authority says that it saw the bytes. */
  readonly at: Date;
  /** The subject of the certificate that signed, in one line. */
  readonly signer: string;
  /** Whether the certificate is one of those trusted, or issued under one; null where none was given. */
  readonly trusted: boolean | null;
}

const oids = {
  signedData: '1.2.840.113549.1.7.2',
  timestampInfo: '1.2.840.113549.1.9.16.1.4',
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
  signingCertificate: '1.2.840.113549.1.9.16.2.12',
  signingCertificateV2: '1.2.840.113549.1.9.16.2.47',
  timeStamping: '1.3.6.1.5.5.7.3.8',
  rsaPss: '1.2.840.113549.1.1.10',
} as const;

/** Digests that still say something; SHA-1 does not. */
const digests: Readonly<Record<string, string>> = {
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
};

/** Signature algorithms that name their digest; the others sign by the signer's digest. */
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
 * Checks a TimeStampResp (RFC 3161, section 2.4.2; its signature by RFC 5652, section 5.4): that it is of these bytes, that
 * the certificate it names by its hash signed it, that this one may time-stamp and was valid then.
 * @param authorities certificates that are trusted; none leaves open whose the certificate is
 * @throws {Error} saying what does not hold
 */
export function checkTimestamp(response: Buffer, stamped: Buffer, authorities: readonly X509Certificate[]): Timestamp {
  const token = partsOf(partsOf(elementOf(response, tags.sequence), tags.sequence)[1], tags.sequence);
  if (oidOf(token[0]) !== oids.signedData) throw new Error('it holds no signed data');
  const [signedData] = partsOf(token[1], tags.context(0));
  const [, , encapsulated, ...rest] = partsOf(signedData, tags.sequence);
  const [type, holder] = partsOf(encapsulated, tags.sequence);
  if (oidOf(type) !== oids.timestampInfo) throw new Error('what it signs is no time stamp');
  const content = contentOf(partsOf(holder, tags.context(0))[0], tags.octetString);
  const info = elementOf(content, tags.sequence);
  const [, , imprint, , time] = partsOf(info, tags.sequence);
  const [algorithm, hashed] = partsOf(imprint, tags.sequence);
  if (!contentOf(hashed, tags.octetString).equals(digestOf(digestIn(algorithm), stamped))) {
    throw new Error('it is of other bytes than the checkpoint');
  }
  const at = timeOf(contentOf(time, tags.generalizedTime).toString('latin1'));
  const carried = rest.filter(({ tag }) => tag === tags.context(0)).flatMap(({ content: all }) => elementsOf(all));
  const certificates = [...carried.map(({ whole }) => new X509Certificate(whole)), ...authorities];
  const [signerInfo, ...more] = partsOf(rest.at(-1), tags.set);
  if (more.length > 0) throw new Error('more than one signed it');
  const signer = checkSignature(signerInfo, content, certificates);
  if (!signer.keyUsage?.includes(oids.timeStamping)) throw new Error('its certificate is not one for time stamps');
  if (!isValidAt(signer, at)) throw new Error('its certificate was not valid at its time');
  const trusted = authorities.length === 0 ? null : isTrusted(signer, certificates, authorities, at);
  return { at, signer: signer.subject.replaceAll('\n', ', '), trusted };
}

/** @returns the certificate that signed: the one that the signed attributes name (RFC 5816) */
function checkSignature(
  signerInfo: Element | undefined,
  content: Buffer,
  certificates: readonly X509Certificate[],
): X509Certificate {
  const [, , digestAlgorithm, attributes, signatureAlgorithm, signature] = partsOf(signerInfo, tags.sequence);
  const digest = digestIn(digestAlgorithm);
  const values = attributesIn(attributes);
  if (oidOf(values.get(oids.contentType)) !== oids.timestampInfo)
    throw new Error('its signature is over another thing');
  if (!contentOf(values.get(oids.messageDigest), tags.octetString).equals(digestOf(digest, content))) {
    throw new Error('its content is not what was signed');
  }
  const signer = certificates.find(namedBy(values));
  if (!signer) throw new Error('the certificate that signed it is not in it');
  // What is signed are the attributes as a SET OF, not as the [0] they stand under (RFC 5652, section 5.4).
  const signed = Buffer.from(attributes?.whole ?? Buffer.alloc(0));
  signed[0] = tags.set;
  const algorithm = oidOf(partsOf(signatureAlgorithm, tags.sequence)[0]);
  const pss =
    algorithm === oids.rsaPss
      ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_AUTO }
      : {};
  const own = signatureDigests[algorithm];
  const by = own === undefined ? digest : own;
  if (!verify(by, signed, { key: signer.publicKey, ...pss }, contentOf(signature, tags.octetString))) {
    throw new Error('its signature does not hold');
  }
  return signer;
}

/** The first value of each signed attribute. */
function attributesIn(attributes: Element | undefined): Map<string, Element | undefined> {
  return new Map(
    partsOf(attributes, tags.context(0)).map((attribute) => {
      const [type, values] = partsOf(attribute, tags.sequence);
      return [oidOf(type), partsOf(values, tags.set)[0]];
    }),
  );
}

function namedBy(values: ReadonlyMap<string, Element | undefined>): (certificate: X509Certificate) => boolean {
  const newer = values.get(oids.signingCertificateV2);
  const [list] = partsOf(newer ?? values.get(oids.signingCertificate), tags.sequence);
  const parts = partsOf(partsOf(list, tags.sequence)[0], tags.sequence);
  const named = parts[0]?.tag === tags.sequence ? digestIn(parts[0]) : undefined;
  // The older attribute knows SHA-1 alone; it picks the certificate, whose key must then fit the signature.
  const digest = named ?? (newer ? 'sha256' : 'sha1');
  const hash = contentOf(named ? parts[1] : parts[0], tags.octetString);
  return (certificate) => digestOf(digest, certificate.raw).equals(hash);
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

function digestIn(algorithm: Element | undefined): string {
  const digest = digests[oidOf(partsOf(algorithm, tags.sequence)[0])];
  if (digest === undefined) throw new Error('it is by a digest that is not trusted');
  return digest;
}

const digestOf = (digest: string, bytes: Buffer): Buffer => createHash(digest).update(bytes).digest();

/** A GeneralizedTime as RFC 3161 asks for: in UTC, to the second or a fraction of it. */
function timeOf(text: string): Date {
  const [, year, month, day, hour, minute, second, fraction = ''] =
    /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\.\d+)?Z$/.exec(text) ?? [];
  const at = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}${fraction.slice(0, 4)}Z`);
  if (Number.isNaN(at.getTime())) throw new Error('it states no time');
  return at;
}
