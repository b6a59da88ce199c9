import { randomBytes } from 'node:crypto';
import type { TokenLocation } from './pkcs11-uri';

/** What is used of the package pkcs11js, version 2. A handle is a Buffer. */
export interface Pkcs11 extends Readonly<Record<Constant, number>> {
  readonly PKCS11: new () => Cryptoki;
}

type Constant =
  | 'CKA_CLASS'
  | 'CKA_DECRYPT'
  | 'CKA_ENCRYPT'
  | 'CKA_EXTRACTABLE'
  | 'CKA_ID'
  | 'CKA_KEY_TYPE'
  | 'CKA_LABEL'
  | 'CKA_NEVER_EXTRACTABLE'
  | 'CKA_PRIVATE'
  | 'CKA_SENSITIVE'
  | 'CKA_TOKEN'
  | 'CKA_VALUE_LEN'
  | 'CKF_DECRYPT'
  | 'CKF_ENCRYPT'
  | 'CKF_OS_LOCKING_OK'
  | 'CKF_RW_SESSION'
  | 'CKF_SERIAL_SESSION'
  | 'CKK_AES'
  | 'CKM_AES_GCM'
  | 'CKM_AES_KEY_GEN'
  | 'CKO_SECRET_KEY'
  | 'CKU_USER'
  | 'CK_PARAMS_AES_GCM';

interface Attribute {
  readonly type: number;
  readonly value?: number | boolean | string | Buffer;
}

interface Mechanism {
  readonly mechanism: number;
  readonly parameter?: object;
}

interface Cryptoki {
  load(path: string): void;
  C_Initialize(options: { readonly flags: number }): void;
  C_GetSlotList(tokenPresent: boolean): Buffer[];
  C_GetTokenInfo(slot: Buffer): Readonly<Record<'label' | 'serialNumber' | 'manufacturerID' | 'model', string>>;
  C_GetMechanismInfo(slot: Buffer, mechanism: number): { readonly maxKeySize: number; readonly flags: number };
  C_OpenSession(slot: Buffer, flags: number): Buffer;
  C_GetSessionInfo(session: Buffer): { readonly state: number };
  C_Login(session: Buffer, user: number, pin: string): void;
  C_FindObjectsInit(session: Buffer, template: readonly Attribute[]): void;
  C_FindObjects(session: Buffer, most: number): Buffer[];
  C_FindObjectsFinal(session: Buffer): void;
  C_GetAttributeValue(session: Buffer, object: Buffer, asked: readonly Attribute[]): Array<{ readonly value: Buffer }>;
  C_GenerateKey(session: Buffer, mechanism: Mechanism, template: readonly Attribute[]): Buffer;
  C_DestroyObject(session: Buffer, object: Buffer): void;
  C_EncryptInit(session: Buffer, mechanism: Mechanism, key: Buffer): void;
  C_Encrypt(session: Buffer, content: Buffer, out: Buffer): Buffer;
  C_DecryptInit(session: Buffer, mechanism: Mechanism, key: Buffer): void;
  C_Decrypt(session: Buffer, content: Buffer, out: Buffer): Buffer;
}

const VERSION = 1;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 32;
/** Of what the version 2.40 calls a slot's number: a C long. */
const SLOT_BYTES = 8;
const FIND_AT_ONCE = 100;

/** A failure that the token itself has no code for. */
export class TokenFault extends Error {
  /** @param code as PKCS #11 or this product names it */
  constructor(readonly code: string) {
    super(code);
  }
}

/** Codes of ours beside those of PKCS #11. */
export const tokenFaults = {
  noToken: 'TOKEN_NOT_FOUND',
  severalTokens: 'SEVERAL_TOKENS_FIT',
  noKey: 'KEY_NOT_FOUND',
  noGcm: 'NO_AES_GCM',
  extractable: 'KEY_NOT_KEPT_INSIDE',
  unbound: 'CONTEXT_NOT_BOUND',
} as const;

/**
 * AES-256 keys in one token. Each call blocks until the token has answered, so this runs in a process of its own
 * (pkcs11-process.ts).
 */
export class Token {
  readonly #pkcs11: Pkcs11;
  readonly #cryptoki: Cryptoki;
  readonly #session: Buffer;
  readonly #object: string;

  /** Loads the module, finds the token, and logs in. */
  constructor(pkcs11: Pkcs11, location: TokenLocation, pin: string) {
    this.#pkcs11 = pkcs11;
    this.#object = location.object;
    this.#cryptoki = new pkcs11.PKCS11();
    this.#cryptoki.load(location.modulePath);
    this.#cryptoki.C_Initialize({ flags: pkcs11.CKF_OS_LOCKING_OK });
    const slot = this.#slotOf(location);
    this.#mustHaveGcm(slot);
    this.#session = this.#cryptoki.C_OpenSession(slot, pkcs11.CKF_RW_SESSION | pkcs11.CKF_SERIAL_SESSION);
    this.#cryptoki.C_Login(this.#session, pkcs11.CKU_USER, pin);
  }

  /** Makes a key that never leaves the token. @returns its CKA_ID in hexadecimal */
  create(): string {
    const p = this.#pkcs11;
    const id = randomBytes(16);
    const template = [
      ...this.#ours(),
      { type: p.CKA_ID, value: id },
      { type: p.CKA_VALUE_LEN, value: KEY_BYTES },
      { type: p.CKA_TOKEN, value: true },
      { type: p.CKA_PRIVATE, value: true },
      { type: p.CKA_SENSITIVE, value: true },
      { type: p.CKA_EXTRACTABLE, value: false },
      { type: p.CKA_ENCRYPT, value: true },
      { type: p.CKA_DECRYPT, value: true },
    ];
    const key = this.#cryptoki.C_GenerateKey(this.#session, { mechanism: p.CKM_AES_KEY_GEN }, template);
    try {
      this.#mustBeKeptInside(key);
      this.#mustBindContext(id.toString('hex'));
    } catch (error) {
      this.#cryptoki.C_DestroyObject(this.#session, key);
      throw error;
    }
    return id.toString('hex');
  }

  list(): string[] {
    const asked = [{ type: this.#pkcs11.CKA_ID }];
    return this.#find(this.#ours()).flatMap((key) => {
      const [id] = this.#cryptoki.C_GetAttributeValue(this.#session, key, asked);
      return id && id.value.length > 0 ? [id.value.toString('hex')] : [];
    });
  }

  /** @returns version byte 1 | 12-byte iv | ciphertext | 16-byte tag */
  encrypt(id: string, content: Buffer, context: string): Buffer {
    const key = this.#keyOf(id);
    const iv = randomBytes(IV_BYTES);
    this.#cryptoki.C_EncryptInit(this.#session, this.#gcm(iv, context), key);
    const out = Buffer.alloc(content.length + TAG_BYTES);
    return Buffer.concat([Buffer.of(VERSION), iv, this.#cryptoki.C_Encrypt(this.#session, content, out)]);
  }

  decrypt(id: string, wrapped: Buffer, context: string): Buffer {
    const key = this.#keyOf(id);
    const sealed = wrapped.subarray(1 + IV_BYTES);
    if (wrapped[0] !== VERSION || sealed.length < TAG_BYTES) throw new TokenFault('CKR_ENCRYPTED_DATA_INVALID');
    this.#cryptoki.C_DecryptInit(this.#session, this.#gcm(wrapped.subarray(1, 1 + IV_BYTES), context), key);
    try {
      return Buffer.from(this.#cryptoki.C_Decrypt(this.#session, sealed, Buffer.alloc(sealed.length)));
    } catch (error) {
      // Some tokens have no better word for a wrong tag. Where the session is well, it was the tag.
      if ((error as Error).message !== 'CKR_GENERAL_ERROR') throw error;
      this.#cryptoki.C_GetSessionInfo(this.#session);
      throw new TokenFault('CKR_ENCRYPTED_DATA_INVALID');
    }
  }

  /** @returns whether there was such a key */
  destroy(id: string): boolean {
    const keys = this.#find([...this.#ours(), { type: this.#pkcs11.CKA_ID, value: Buffer.from(id, 'hex') }]);
    for (const key of keys) this.#cryptoki.C_DestroyObject(this.#session, key);
    return keys.length > 0;
  }

  #slotOf(location: TokenLocation): Buffer {
    const slots = this.#cryptoki.C_GetSlotList(true).filter((slot) => {
      const info = this.#cryptoki.C_GetTokenInfo(slot);
      // Fields are padded with blanks; some modules pad with zero bytes.
      const isAs = (asked: string | undefined, has: string) =>
        asked === undefined || asked === has.split('\0', 1)[0]?.trimEnd();
      return (
        isAs(location.token, info.label) &&
        isAs(location.serial, info.serialNumber) &&
        isAs(location.manufacturer, info.manufacturerID) &&
        isAs(location.model, info.model) &&
        (location.slot === undefined || location.slot === slotNumber(slot))
      );
    });
    const [slot] = slots;
    if (!slot) throw new TokenFault(tokenFaults.noToken);
    if (slots.length > 1) throw new TokenFault(tokenFaults.severalTokens);
    return slot;
  }

  #mustHaveGcm(slot: Buffer): void {
    const { CKM_AES_GCM, CKF_ENCRYPT, CKF_DECRYPT } = this.#pkcs11;
    const both = CKF_ENCRYPT | CKF_DECRYPT;
    try {
      const { flags, maxKeySize } = this.#cryptoki.C_GetMechanismInfo(slot, CKM_AES_GCM);
      // Bytes by the standard, bits by some modules.
      if ((flags & both) === both && maxKeySize >= KEY_BYTES) return;
    } catch (error) {
      if ((error as Error).message !== 'CKR_MECHANISM_INVALID') throw error;
    }
    throw new TokenFault(tokenFaults.noGcm);
  }

  #mustBeKeptInside(key: Buffer): void {
    const p = this.#pkcs11;
    const asked = [{ type: p.CKA_EXTRACTABLE }, { type: p.CKA_SENSITIVE }, { type: p.CKA_NEVER_EXTRACTABLE }];
    const values = this.#cryptoki.C_GetAttributeValue(this.#session, key, asked).map(({ value }) => value[0]);
    if (values.join() !== '0,1,1') throw new TokenFault(tokenFaults.extractable);
  }

  /** A token that ignored the associated data would open a key as another. */
  #mustBindContext(id: string): void {
    const wrapped = this.encrypt(id, Buffer.alloc(KEY_BYTES), 'probe');
    this.decrypt(id, wrapped, 'probe');
    try {
      this.decrypt(id, wrapped, 'another');
    } catch {
      return;
    }
    throw new TokenFault(tokenFaults.unbound);
  }

  #ours(): Attribute[] {
    const p = this.#pkcs11;
    return [
      { type: p.CKA_CLASS, value: p.CKO_SECRET_KEY },
      { type: p.CKA_KEY_TYPE, value: p.CKK_AES },
      { type: p.CKA_LABEL, value: this.#object },
    ];
  }

  #keyOf(id: string): Buffer {
    const [key] = this.#find([...this.#ours(), { type: this.#pkcs11.CKA_ID, value: Buffer.from(id, 'hex') }]);
    if (!key) throw new TokenFault(tokenFaults.noKey);
    return key;
  }

  #find(template: readonly Attribute[]): Buffer[] {
    this.#cryptoki.C_FindObjectsInit(this.#session, template);
    try {
      const found: Buffer[] = [];
      for (;;) {
        const some = this.#cryptoki.C_FindObjects(this.#session, FIND_AT_ONCE);
        found.push(...some);
        if (some.length < FIND_AT_ONCE) return found;
      }
    } finally {
      this.#cryptoki.C_FindObjectsFinal(this.#session);
    }
  }

  #gcm(iv: Buffer, context: string): Mechanism {
    const { CKM_AES_GCM, CK_PARAMS_AES_GCM } = this.#pkcs11;
    const aad = Buffer.from(context, 'utf8');
    return {
      mechanism: CKM_AES_GCM,
      parameter: { type: CK_PARAMS_AES_GCM, iv, aad, ivBits: IV_BYTES * 8, tagBits: TAG_BYTES * 8 },
    };
  }
}

const slotNumber = (slot: Buffer) =>
  slot.length === SLOT_BYTES ? Number(slot.readBigUInt64LE()) : slot.readUInt32LE();
