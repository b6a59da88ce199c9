import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

/** A server of a test's own that does what a provider's documentation says, with real keys. */
export interface KeyServer {
  /** As REMIT_ROOT_KEY takes it. */
  readonly rootKey: string;
  /** What the server's process needs to reach and to enter it. */
  readonly env: Readonly<Record<string, string>>;
  /** Texts that must never be in an error. */
  readonly secrets: readonly string[];
  /** What was asked so far: the service's own names of calls. */
  readonly calls: string[];
  /** The next so many requests are answered as the service answers when it is overloaded. */
  overload(requests: number): void;
  /** Refuses what it is asked, as for a caller without rights. */
  forbid(isForbidden: boolean): void;
  close(): Promise<void>;
}

/** What all servers of tests do. */
export class Weather {
  readonly calls: string[] = [];
  #overloaded = 0;
  isForbidden = false;

  overload = (requests: number): void => {
    this.#overloaded = requests;
  };

  forbid = (isForbidden: boolean): void => {
    this.isForbidden = isForbidden;
  };

  /** Notes a call. @returns whether it is answered at all */
  answers(call: string): boolean {
    this.calls.push(call);
    if (this.#overloaded === 0) return true;
    this.#overloaded--;
    return false;
  }
}

/** AES-256-GCM with associated data, as services have it inside. */
export class InnerKey {
  readonly #key = randomBytes(32);

  seal(content: Buffer, aad: string | Buffer): Buffer {
    const iv = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', this.#key, iv, { authTagLength: 16 });
    cipher.setAAD(Buffer.from(aad));
    return Buffer.concat([iv, cipher.update(content), cipher.final(), cipher.getAuthTag()]);
  }

  /** @returns undefined where the bytes do not open */
  open(sealed: Buffer, aad: string | Buffer): Buffer | undefined {
    if (sealed.length < 28) return undefined;
    const decipher = createDecipheriv('aes-256-gcm', this.#key, sealed.subarray(0, 12), { authTagLength: 16 });
    decipher.setAAD(Buffer.from(aad));
    decipher.setAuthTag(sealed.subarray(-16));
    const content = decipher.update(sealed.subarray(12, -16));
    try {
      decipher.final();
      return content;
    } catch {
      return undefined;
    }
  }
}
