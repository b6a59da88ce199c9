import { createHash, createHmac, randomUUID } from 'node:crypto';
import { type Answer, type Asked, startHttpService } from './http-service';
import { InnerKey, type KeyServer, Weather } from './key-server';

const REGION = 'eu-central-1';
const ACCESS_KEY = 'AKIDEXAMPLEREMITTEST';
const SECRET = 'wJalrXUtnFEMI+K7MDENG+bPxRfiCYEXAMPLEKEY';

interface Key {
  readonly inner: InnerKey;
  deletion?: number;
}

/**
 * AWS KMS as its API reference says: JSON 1.1 with `X-Amz-Target: TrentService.…`, each request signed by Signature
 * Version 4, which is checked over method, path, signed headers and body.
 */
export async function startAws(): Promise<KeyServer> {
  const weather = new Weather();
  const keys = new Map<string, Key>();
  const aliases = new Map<string, string>([['alias/somebody/else', randomUUID()]]);
  const fault = (type: string, status = 400): Answer => ({ status, body: { __type: type, message: 'as documented' } });
  const usable = (id: string) => {
    const key = keys.get(id.split('/').at(-1) ?? '');
    if (!key) return fault('NotFoundException');
    return key.deletion === undefined ? key : fault('KMSInvalidStateException');
  };
  const acts: Record<string, (input: Input) => Answer> = {
    CreateKey: ({ KeySpec, KeyUsage, Tags }) => {
      if (KeySpec !== 'SYMMETRIC_DEFAULT' || KeyUsage !== 'ENCRYPT_DECRYPT') return fault('ValidationException');
      if (Tags?.[0]?.TagKey !== 'remit') return fault('TagException');
      const KeyId = randomUUID();
      keys.set(KeyId, { inner: new InnerKey() });
      return { status: 200, body: { KeyMetadata: { KeyId, Enabled: true, KeyState: 'Enabled' } } };
    },
    CreateAlias: ({ AliasName = '', TargetKeyId = '' }) => {
      if (!/^alias\/[a-zA-Z0-9/_-]+$/.test(AliasName)) return fault('InvalidAliasNameException');
      aliases.set(AliasName, TargetKeyId);
      return { status: 200, body: {} };
    },
    DeleteAlias: ({ AliasName = '' }) =>
      aliases.delete(AliasName) ? { status: 200, body: {} } : fault('NotFoundException'),
    // Two on a page, so that the pages are followed.
    ListAliases: ({ Marker = '0' }) => {
      const from = Number(Marker);
      const page = [...aliases].slice(from, from + 2).map(([AliasName, TargetKeyId]) => ({ AliasName, TargetKeyId }));
      const isLast = from + 2 >= aliases.size;
      return {
        status: 200,
        body: { Aliases: page, Truncated: !isLast, ...(isLast ? {} : { NextMarker: String(from + 2) }) },
      };
    },
    Encrypt: ({ KeyId = '', Plaintext = '', EncryptionContext }) => {
      const key = usable(KeyId);
      if (!('inner' in key)) return key;
      const sealed = key.inner.seal(Buffer.from(Plaintext, 'base64'), JSON.stringify(EncryptionContext));
      return { status: 200, body: { KeyId, CiphertextBlob: sealed.toString('base64') } };
    },
    Decrypt: ({ KeyId = '', CiphertextBlob = '', EncryptionContext }) => {
      const key = usable(KeyId);
      if (!('inner' in key)) return key;
      const opened = key.inner.open(Buffer.from(CiphertextBlob, 'base64'), JSON.stringify(EncryptionContext));
      if (!opened) return fault('InvalidCiphertextException');
      return { status: 200, body: { KeyId, Plaintext: opened.toString('base64') } };
    },
    ScheduleKeyDeletion: ({ KeyId = '', PendingWindowInDays = 30 }) => {
      const key = usable(KeyId);
      if (!('inner' in key)) return key;
      if (PendingWindowInDays < 7 || PendingWindowInDays > 30) return fault('ValidationException');
      key.deletion = Math.round(Date.now() / 1_000) + PendingWindowInDays * 86_400;
      return { status: 200, body: { KeyId, DeletionDate: key.deletion, KeyState: 'PendingDeletion' } };
    },
    DescribeKey: ({ KeyId = '' }) => {
      const key = keys.get(KeyId);
      if (!key) return fault('NotFoundException');
      return { status: 200, body: { KeyMetadata: { KeyId, DeletionDate: key.deletion, KeyState: 'PendingDeletion' } } };
    },
  };
  const service = await startHttpService((asked) => {
    const [, act = ''] = String(asked.headers['x-amz-target']).split('TrentService.');
    if (!weather.answers(act)) return fault('ThrottlingException');
    if (asked.headers['content-type'] !== 'application/x-amz-json-1.1') return fault('SerializationException');
    if (!isSigned(asked)) return fault('IncompleteSignatureException', 403);
    if (weather.isForbidden) return fault('AccessDeniedException');
    return acts[act]?.(JSON.parse(asked.body) as Input) ?? fault('UnknownOperationException');
  });
  const { calls, overload, forbid } = weather;
  return {
    rootKey: `aws-kms:${REGION}?endpoint=http://127.0.0.1:${service.port}&prefix=remit-test`,
    env: { AWS_ACCESS_KEY_ID: ACCESS_KEY, AWS_SECRET_ACCESS_KEY: SECRET, AWS_EC2_METADATA_DISABLED: 'true' },
    secrets: [SECRET],
    ...{ calls, overload, forbid },
    close: () => service.close(),
  };
}

interface Input {
  readonly KeySpec?: string;
  readonly KeyUsage?: string;
  readonly Tags?: ReadonlyArray<{ readonly TagKey: string }>;
  readonly AliasName?: string;
  readonly TargetKeyId?: string;
  readonly Marker?: string;
  readonly KeyId?: string;
  readonly Plaintext?: string;
  readonly CiphertextBlob?: string;
  readonly EncryptionContext?: Readonly<Record<string, string>>;
  readonly PendingWindowInDays?: number;
}

const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

/** Signature Version 4, from the documentation of IAM: "Create a signed AWS API request". */
function isSigned({ method, url, headers, body }: Asked): boolean {
  const credential = 'Credential=([^/]+)/([0-9]{8})/([^/]+)/kms/aws4_request';
  const form = new RegExp(`^AWS4-HMAC-SHA256 ${credential}, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$`);
  const [, accessKey, day = '', region = '', names = '', signature] = form.exec(headers.authorization ?? '') ?? [];
  if (accessKey !== ACCESS_KEY || region !== REGION) return false;
  if (!['host', 'x-amz-date', 'x-amz-target'].every((name) => names.split(';').includes(name))) return false;
  const signed = names.split(';').map((name) => `${name}:${String(headers[name]).trim().replace(/ +/g, ' ')}\n`);
  const canonical = [method, url.pathname, url.searchParams, signed.join(''), names, sha256(body)].join('\n');
  const scope = `${day}/${region}/kms/aws4_request`;
  const toSign = ['AWS4-HMAC-SHA256', headers['x-amz-date'], scope, sha256(canonical)].join('\n');
  const key = ['kms', 'aws4_request'].reduce<Buffer>(hmac, hmac(hmac(`AWS4${SECRET}`, day), region));
  return hmac(key, toSign).toString('hex') === signature;
}
