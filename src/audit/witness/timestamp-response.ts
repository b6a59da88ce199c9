import {
  Any,
  Boolean as AsnBoolean,
  type AsnType,
  Constructed,
  compareSchema,
  fromBER,
  GeneralizedTime,
  Integer,
  ObjectIdentifier,
  OctetString,
  Repeated,
  Sequence,
  Set as SetOf,
} from 'asn1js';

/** A time stamp that cannot be read, or does not hold. */
export class TimestampError extends Error {
  override readonly name = 'TimestampError';
}

/** The parts of a TimeStampResp (RFC 3161, section 2.4.2), unchecked. */
export interface TimestampResponse {
  /** 0 and 1 grant a token. */
  readonly status: number;
  readonly token: TimestampToken | undefined;
}

/** A token: signed data (RFC 5652, section 5) over a TSTInfo. */
export interface TimestampToken {
  /** The TSTInfo, byte for byte as it was signed. */
  readonly content: Buffer;
  readonly imprint: { readonly algorithm: string; readonly hash: Buffer };
  readonly time: Date;
  /** The nonce, as its INTEGER's bytes. */
  readonly nonce: Buffer | undefined;
  /** The certificates that came with it, each in DER. */
  readonly certificates: readonly Buffer[];
  readonly signer: SignerInfo;
}

/** SignerInfo (RFC 5652, section 5.3). */
export interface SignerInfo {
  readonly digestAlgorithm: string;
  /** The signed bytes: the attributes under the tag of a SET OF (section 5.4). */
  readonly signedBytes: Buffer;
  /** The first value of each signed attribute. */
  readonly attributes: ReadonlyMap<string, AsnType>;
  readonly signatureAlgorithm: string;
  readonly signature: Buffer;
}

const SIGNED_DATA = '1.2.840.113549.1.7.2';
export const TST_INFO = '1.2.840.113549.1.9.16.1.4';
const SET_TAG = 0x31;

const context = (tagNumber: number, rest: Partial<ConstructorParameters<typeof Constructed>[0]>) =>
  new Constructed({ ...rest, idBlock: { tagClass: 3, tagNumber } });
const optional = () => new Any({ optional: true });
const many = (name: string) => new Repeated({ name, value: new Any() });
const algorithm = (name: string) => new Sequence({ value: [new ObjectIdentifier({ name }), optional()] });

const responseSchema = new Sequence({
  value: [
    new Sequence({ value: [new Integer({ name: 'status' }), optional(), optional()] }),
    new Sequence({
      name: 'token',
      optional: true,
      value: [new ObjectIdentifier({ name: 'type' }), context(0, { value: [new Any({ name: 'signedData' })] })],
    }),
  ],
});

const signedDataSchema = new Sequence({
  value: [
    new Integer(),
    new SetOf({ value: [many('digests')] }),
    new Sequence({
      value: [new ObjectIdentifier({ name: 'type' }), context(0, { value: [new OctetString({ name: 'content' })] })],
    }),
    context(0, { optional: true, value: [many('certificates')] }),
    context(1, { optional: true, value: [many('crls')] }),
    new SetOf({ value: [many('signers')] }),
  ],
});

const signerSchema = new Sequence({
  value: [
    new Integer(),
    new Any(),
    algorithm('digestAlgorithm'),
    context(0, { name: 'signedAttributes', value: [many('attributes')] }),
    algorithm('signatureAlgorithm'),
    new OctetString({ name: 'signature' }),
    context(1, { optional: true, value: [many('unsigned')] }),
  ],
});

const infoSchema = new Sequence({
  value: [
    new Integer(),
    new ObjectIdentifier(),
    new Sequence({ value: [algorithm('algorithm'), new OctetString({ name: 'hash' })] }),
    new Integer(),
    new GeneralizedTime({ name: 'time' }),
    new Sequence({ optional: true, value: [optional(), optional(), optional()] }),
    new AsnBoolean({ optional: true }),
    new Integer({ name: 'nonce', optional: true }),
    context(0, { optional: true, value: [new Any()] }),
    context(1, { optional: true, value: [many('extensions')] }),
  ],
});

const attributeSchema = new Sequence({
  value: [new ObjectIdentifier({ name: 'type' }), new SetOf({ value: [many('values')] })],
});

/**
 * Reads a TimeStampResp.
 * @throws {TimestampError} where it is not written as its standard says
 */
export function readTimestampResponse(bytes: Buffer): TimestampResponse {
  try {
    const { status, token, type, signedData } = partsOf(bytes, responseSchema);
    const granted = numberIn(status);
    if (!token) return { status: granted, token: undefined };
    if (oidIn(type) !== SIGNED_DATA) throw new TimestampError('it holds no signed data');
    return { status: granted, token: readToken(bytesOf(signedData)) };
  } catch (error) {
    // The parser's own errors mean the same.
    if (error instanceof TimestampError) throw error;
    throw notWritten(error);
  }
}

/** A structure in DER. */
export const derOf = (structure: AsnType): Buffer => Buffer.from(structure.toBER());

function readToken(signedData: Buffer): TimestampToken {
  const { type, content, certificates = [], signers } = partsOf(signedData, signedDataSchema);
  if (oidIn(type) !== TST_INFO) throw new TimestampError('what it signs is no time stamp');
  const [signer, ...others] = listIn(signers);
  if (!signer || others.length > 0) throw new TimestampError('it is not signed by exactly one');
  const info = partsOf(octetsIn(content), infoSchema);
  return {
    content: octetsIn(content),
    imprint: { algorithm: oidIn(info.algorithm), hash: octetsIn(info.hash) },
    time: timeIn(info.time),
    nonce: info.nonce instanceof Integer ? Buffer.from(info.nonce.valueBlock.valueHexView) : undefined,
    certificates: listIn(certificates).map(bytesOf),
    signer: readSigner(bytesOf(signer)),
  };
}

function readSigner(bytes: Buffer): SignerInfo {
  const parts = partsOf(bytes, signerSchema);
  const signedBytes = bytesOf(parts.signedAttributes);
  signedBytes[0] = SET_TAG;
  const attributes = listIn(parts.attributes).map((attribute): [string, AsnType] => {
    const { type, values } = partsOf(bytesOf(attribute), attributeSchema);
    const [value] = listIn(values);
    if (!value) throw notWritten();
    return [oidIn(type), value];
  });
  return {
    digestAlgorithm: oidIn(parts.digestAlgorithm),
    signedBytes,
    attributes: new Map(attributes),
    signatureAlgorithm: oidIn(parts.signatureAlgorithm),
    signature: octetsIn(parts.signature),
  };
}

/** The certificate hash in a signing-certificate attribute (RFC 2634, section 5.4; RFC 5816). */
export function certificateHashIn(attribute: AsnType): { algorithm: string | undefined; hash: Buffer } {
  const [named, hash] = childrenOf(childrenOf(childrenOf(attribute)[0])[0]);
  if (named instanceof OctetString) return { algorithm: undefined, hash: octetsIn(named) };
  return { algorithm: oidIn(childrenOf(named)[0]), hash: octetsIn(hash) };
}

/** The octets of an OCTET STRING. @throws {TimestampError} where it is none */
export function octetsIn(part: unknown): Buffer {
  if (!(part instanceof OctetString) || part.idBlock.isConstructed) throw notWritten();
  return Buffer.from(part.valueBlock.valueHexView);
}

/** @throws {TimestampError} where it is no OBJECT IDENTIFIER */
export function oidIn(part: unknown): string {
  if (!(part instanceof ObjectIdentifier)) throw notWritten();
  return part.getValue();
}

/** The named parts of bytes that are one element, written as the schema says. @throws {Error} */
function partsOf(bytes: Buffer, schema: Sequence): Record<string, unknown> {
  const { result, offset } = fromBER(bytes, { parseEmbedded: false });
  if (offset !== bytes.length) throw notWritten();
  const compared = compareSchema(result, result, schema);
  if (!compared.verified) throw notWritten();
  return compared.result as unknown as Record<string, unknown>;
}

function numberIn(part: unknown): number {
  if (!(part instanceof Integer) || part.valueBlock.isHexOnly) throw notWritten();
  return part.valueBlock.valueDec;
}

/** A time in UTC, to the second or a fraction of it, as RFC 3161 asks for. */
function timeIn(part: unknown): Date {
  if (!(part instanceof GeneralizedTime)) throw notWritten();
  const text = Buffer.from(part.valueBlock.valueHexView).toString('latin1');
  const at = part.toDate();
  if (!/^\d{14}(\.\d+)?Z$/.test(text) || Number.isNaN(at.getTime())) throw new TimestampError('it states no time');
  return at;
}

const childrenOf = (part: unknown): readonly unknown[] => (part instanceof Sequence ? part.valueBlock.value : []);

function listIn(parts: unknown): AsnType[] {
  if (!Array.isArray(parts)) throw notWritten();
  return parts as AsnType[];
}

/** All bytes of an element, as they came. */
const bytesOf = (part: unknown): Buffer => Buffer.from((part as AsnType).valueBeforeDecodeView);

const notWritten = (cause?: unknown) => new TimestampError('it is not written as its standard says', { cause });
