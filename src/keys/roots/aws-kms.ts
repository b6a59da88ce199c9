import { DAY_MS } from '../../law/calendar';
import { clientPackage } from './client-package';
import { connectionFailureOf, type Failure, type KeyService } from './service-roots';

/** Where keys of AWS are. */
export interface AwsLocation {
  readonly region: string;
  /** Instead of the region's public endpoint: one of a private network. */
  readonly endpoint?: string;
  /** Aliases of the keys are `alias/PREFIX/KEY`. */
  readonly prefix: string;
  /** How long AWS keeps a key after its end, 7 to 30 days. */
  readonly deletionDays: number;
}

/** What is used of `@aws-sdk/client-kms`. */
interface AwsPackage {
  readonly KMSClient: new (options: object) => Client;
  readonly CreateKeyCommand: Command;
  readonly CreateAliasCommand: Command;
  readonly ListAliasesCommand: Command;
  readonly DeleteAliasCommand: Command;
  readonly EncryptCommand: Command;
  readonly DecryptCommand: Command;
  readonly DescribeKeyCommand: Command;
  readonly ScheduleKeyDeletionCommand: Command;
}

type Command = new (input: object) => object;

interface Client {
  send(command: object, options: { readonly abortSignal: AbortSignal }): Promise<unknown>;
  destroy(): void;
}

interface Aliases {
  readonly Aliases?: ReadonlyArray<{ readonly AliasName?: string; readonly TargetKeyId?: string }>;
  readonly NextMarker?: string;
}

interface Described {
  readonly KeyMetadata?: { readonly KeyId?: string; readonly DeletionDate?: Date };
}

/** Deletion may come up to 24 hours later than announced (ScheduleKeyDeletion, in the API reference). */
const DELETION_DELAY_MS = DAY_MS;

/** Keys in AWS KMS: one for each epoch, with an alias that says whose it is. */
export class AwsKms implements KeyService {
  readonly name = 'AWS KMS';
  readonly #aws: AwsPackage;
  readonly #client: Client;
  readonly #location: AwsLocation;

  private constructor(aws: AwsPackage, location: AwsLocation) {
    const { region, endpoint } = location;
    this.#aws = aws;
    this.#location = location;
    // Repeating is the caller's: it knows what may be repeated. Credentials are found as AWS's tools find them.
    this.#client = new aws.KMSClient({ region, maxAttempts: 1, ...(endpoint === undefined ? {} : { endpoint }) });
  }

  /** @throws ConfigurationError where the client is not installed */
  static open(location: AwsLocation): AwsKms {
    return new AwsKms(clientPackage<AwsPackage>('@aws-sdk/client-kms'), location);
  }

  async create(signal: AbortSignal): Promise<string> {
    const { CreateKeyCommand, CreateAliasCommand } = this.#aws;
    const made = await this.#send<Described>(CreateKeyCommand, signal, {
      Description: `Remit: a root of the keys of ${this.#location.prefix}`,
      KeySpec: 'SYMMETRIC_DEFAULT',
      KeyUsage: 'ENCRYPT_DECRYPT',
      Tags: [{ TagKey: 'remit', TagValue: this.#location.prefix }],
    });
    const key = made.KeyMetadata?.KeyId ?? '';
    await this.#send(CreateAliasCommand, signal, { AliasName: this.#aliasOf(key), TargetKeyId: key });
    return key;
  }

  async list(signal: AbortSignal): Promise<readonly string[]> {
    const beginning = this.#aliasOf('');
    const keys: string[] = [];
    let marker: string | undefined;
    do {
      const page: Aliases = await this.#send(this.#aws.ListAliasesCommand, signal, { Limit: 100, Marker: marker });
      for (const { AliasName = '', TargetKeyId = '' } of page.Aliases ?? []) {
        if (AliasName.startsWith(beginning) && TargetKeyId !== '') keys.push(TargetKeyId);
      }
      marker = page.NextMarker;
    } while (marker !== undefined);
    return keys;
  }

  async encrypt(key: string, content: Buffer, context: string, signal: AbortSignal): Promise<Buffer> {
    const input = { KeyId: key, Plaintext: content, EncryptionContext: { remit: context } };
    const { CiphertextBlob } = await this.#send<{ CiphertextBlob: Uint8Array }>(
      this.#aws.EncryptCommand,
      signal,
      input,
    );
    return Buffer.from(CiphertextBlob);
  }

  async decrypt(key: string, wrapped: Buffer, context: string, signal: AbortSignal): Promise<Buffer> {
    const input = { KeyId: key, CiphertextBlob: wrapped, EncryptionContext: { remit: context } };
    const { Plaintext } = await this.#send<{ Plaintext: Uint8Array }>(this.#aws.DecryptCommand, signal, input);
    return Buffer.from(Plaintext);
  }

  async destroy(key: string, signal: AbortSignal): Promise<number | undefined> {
    const { DescribeKeyCommand, ScheduleKeyDeletionCommand, DeleteAliasCommand } = this.#aws;
    const ask = { KeyId: key, PendingWindowInDays: this.#location.deletionDays };
    try {
      const end = await this.#send<{ DeletionDate?: Date }>(ScheduleKeyDeletionCommand, signal, ask)
        .catch(async (error: unknown) => {
          if (nameOf(error) !== 'KMSInvalidStateException') throw error;
          // Its deletion has been scheduled before.
          return (await this.#send<Described>(DescribeKeyCommand, signal, { KeyId: key })).KeyMetadata;
        })
        .then((answer) => answer?.DeletionDate?.getTime());
      if (end === undefined) throw new Error('no date of deletion');
      await this.#send(DeleteAliasCommand, signal, { AliasName: this.#aliasOf(key) }).catch(unlessAbsent);
      return end + DELETION_DELAY_MS;
    } catch (error) {
      return unlessAbsent(error);
    }
  }

  failureOf(error: unknown): Failure {
    const { $retryable, $metadata } = error as {
      $retryable?: object;
      $metadata?: { httpStatusCode?: number };
    };
    const code = connectionFailureOf(error) ?? nameOf(error);
    if (code === 'NotFoundException' || code === 'KMSInvalidStateException') return { meaning: 'GONE', code };
    if (code === 'InvalidCiphertextException' || code === 'IncorrectKeyException') return { meaning: 'DAMAGED', code };
    const status = $metadata?.httpStatusCode;
    // Without an answer it is the way there, unless no credentials were found.
    const isUnanswered = status === undefined && !/Credentials|Token/.test(code);
    const isAway = isUnanswered || $retryable !== undefined || (status ?? 0) >= 500 || away.has(code);
    return { meaning: isAway ? 'AWAY' : 'REFUSED', code };
  }

  close(): void {
    this.#client.destroy();
  }

  #aliasOf(key: string): string {
    return `alias/${this.#location.prefix}/${key}`;
  }

  async #send<Output>(command: Command, abortSignal: AbortSignal, input: object): Promise<Output> {
    return (await this.#client.send(new command(input), { abortSignal })) as Output;
  }
}

const away: ReadonlySet<string> = new Set([
  'ThrottlingException',
  'LimitExceededException',
  'TimeoutError',
  'AbortError',
  'KeyUnavailableException',
  'DependencyTimeoutException',
  'KMSInternalException',
]);

const nameOf = (error: unknown) => (error as { name?: string }).name ?? 'Error';

function unlessAbsent(error: unknown): undefined {
  if (nameOf(error) !== 'NotFoundException') throw error;
  return undefined;
}
