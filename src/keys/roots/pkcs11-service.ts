import { type ChildProcess, fork } from 'node:child_process';
import { ConfigurationError } from '../../storage/errors';
import type { TokenAnswer, TokenCall } from './pkcs11-process';
import { type TokenFault, tokenFaults } from './pkcs11-token';
import type { TokenLocation } from './pkcs11-uri';
import type { Act, Failure, KeyService } from './service-roots';

const VARIABLE = 'REMIT_ROOT_KEY';

interface Pending {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** A failure by its code, as the other process tells it. */
class TokenError extends Error implements Pick<TokenFault, 'code'> {
  constructor(readonly code: string) {
    super(code);
  }
}

/**
 * Keys in a token that speaks PKCS #11. Its library runs in a process of its own: the calls block, a removed token may
 * let them hang, and a fault in the library would end the server. A process that fails is ended, and the next call
 * starts another, which logs in anew.
 */
export class Pkcs11Service implements KeyService {
  readonly name: string;
  readonly #location: TokenLocation;
  readonly #pin: string | undefined;
  #running: TokenProcess | undefined;
  /** Tokens lock themselves after a few wrong PINs, so one is never tried twice. */
  #refusal: ConfigurationError | undefined;

  constructor(location: TokenLocation, pin: string | undefined) {
    this.name = `the token ${location.token ?? location.serial ?? location.slot}`;
    this.#location = location;
    this.#pin = pin;
  }

  create(signal: AbortSignal): Promise<string> {
    return this.#call({ act: 'create' }, signal);
  }

  list(signal: AbortSignal): Promise<readonly string[]> {
    return this.#call({ act: 'list' }, signal);
  }

  encrypt(key: string, content: Buffer, context: string, signal: AbortSignal): Promise<Buffer> {
    return this.#bytes({ act: 'encrypt', key, content, context }, signal);
  }

  decrypt(key: string, wrapped: Buffer, context: string, signal: AbortSignal): Promise<Buffer> {
    return this.#bytes({ act: 'decrypt', key, content: wrapped, context }, signal);
  }

  async destroy(key: string, signal: AbortSignal): Promise<number | undefined> {
    const wasThere = await this.#call<boolean>({ act: 'destroy', key }, signal);
    return wasThere ? Date.now() : undefined;
  }

  failureOf(error: unknown, _act: Act): Failure {
    const { code } = error as TokenError;
    return { meaning: meanings[code] ?? 'AWAY', code };
  }

  close(): void {
    this.#running?.end();
    this.#running = undefined;
  }

  async #bytes(call: TokenCall, signal: AbortSignal): Promise<Buffer> {
    // Another process' Buffer arrives as a plain array.
    return Buffer.from(await this.#call<Uint8Array>(call, signal));
  }

  async #call<T>(call: TokenCall, signal: AbortSignal): Promise<T> {
    if (this.#refusal) throw this.#refusal;
    const running = this.#running ?? this.#start();
    // It may hang in the token's library: nothing else would end it.
    signal.addEventListener('abort', () => this.#drop(running), { once: true });
    try {
      await running.loggedIn;
      return (await running.ask(call)) as T;
    } catch (error) {
      if (error instanceof ConfigurationError) {
        this.#drop(running);
        throw error;
      }
      const { code } = error as TokenError;
      if (wrongPin.has(code)) {
        const fault = `the token refused the PIN (${code}); correct it, and start again: it is not tried twice`;
        this.#refusal = new ConfigurationError(VARIABLE, fault);
        this.#drop(running);
        throw this.#refusal;
      }
      if (this.failureOf(error, 'list').meaning === 'AWAY') this.#drop(running);
      const words = wordsFor(code);
      throw words === undefined ? error : new ConfigurationError(VARIABLE, words);
    }
  }

  #start(): TokenProcess {
    const running = new TokenProcess({
      act: 'login',
      location: this.#location,
      pin: this.#pin,
      variable: VARIABLE,
    });
    this.#running = running;
    return running;
  }

  #drop(running: TokenProcess): void {
    running.end();
    if (this.#running === running) this.#running = undefined;
  }
}

class TokenProcess {
  readonly loggedIn: Promise<unknown>;
  readonly #child: ChildProcess;
  readonly #pending = new Map<number, Pending>();
  #calls = 0;

  constructor(login: TokenCall) {
    this.#child = fork(require.resolve('./pkcs11-process'), [], {
      env: process.env,
      execArgv: [],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.#child.on('message', (answer: TokenAnswer) => this.#settle(answer));
    this.#child.on('error', () => this.#fail('PROCESS_FAILED'));
    this.#child.on('exit', () => this.#fail('PROCESS_ENDED'));
    this.loggedIn = this.ask(login);
    // Whoever asks first awaits it.
    this.loggedIn.catch(() => undefined);
  }

  ask(call: TokenCall): Promise<unknown> {
    const number = ++this.#calls;
    return new Promise((resolve, reject) => {
      this.#pending.set(number, { resolve, reject });
      this.#hold();
      this.#child.send({ number, call }, (error) => {
        if (error) this.#fail('PROCESS_ENDED');
      });
    });
  }

  end(): void {
    this.#child.kill('SIGKILL');
    this.#fail('PROCESS_ENDED');
  }

  #settle({ number, result, failure }: TokenAnswer): void {
    const pending = this.#pending.get(number);
    this.#pending.delete(number);
    this.#hold();
    if (failure) pending?.reject(errorOf(failure));
    else pending?.resolve(result);
  }

  #fail(code: string): void {
    for (const { reject } of this.#pending.values()) reject(new TokenError(code));
    this.#pending.clear();
    this.#hold();
  }

  /** While nothing is asked, the process does not keep the server running. */
  #hold(): void {
    const busy = this.#pending.size > 0;
    for (const one of [this.#child, this.#child.channel]) busy ? one?.ref() : one?.unref();
  }
}

function errorOf({ code, configuration }: NonNullable<TokenAnswer['failure']>): Error {
  return configuration ? new ConfigurationError(configuration.variable, configuration.fault) : new TokenError(code);
}

const wrongPin: ReadonlySet<string> = new Set([
  'CKR_PIN_INCORRECT',
  'CKR_PIN_INVALID',
  'CKR_PIN_LEN_RANGE',
  'CKR_PIN_LOCKED',
  'CKR_PIN_EXPIRED',
]);

/** Every other code means that the token is away: another process logs in anew. */
const meanings: Readonly<Record<string, Failure['meaning']>> = {
  [tokenFaults.noKey]: 'GONE',
  CKR_KEY_HANDLE_INVALID: 'GONE',
  CKR_OBJECT_HANDLE_INVALID: 'GONE',
  CKR_ENCRYPTED_DATA_INVALID: 'DAMAGED',
  CKR_ENCRYPTED_DATA_LEN_RANGE: 'DAMAGED',
  CKR_AEAD_DECRYPT_FAILED: 'DAMAGED',
  CKR_ACTION_PROHIBITED: 'REFUSED',
  CKR_ATTRIBUTE_TYPE_INVALID: 'REFUSED',
  CKR_ATTRIBUTE_VALUE_INVALID: 'REFUSED',
  CKR_FUNCTION_NOT_SUPPORTED: 'REFUSED',
  CKR_KEY_FUNCTION_NOT_PERMITTED: 'REFUSED',
  CKR_MECHANISM_INVALID: 'REFUSED',
  CKR_MECHANISM_PARAM_INVALID: 'REFUSED',
  CKR_SESSION_READ_ONLY: 'REFUSED',
  CKR_TEMPLATE_INCONSISTENT: 'REFUSED',
  CKR_TOKEN_WRITE_PROTECTED: 'REFUSED',
};

function wordsFor(code: string): string | undefined {
  switch (code) {
    case tokenFaults.severalTokens:
      return 'fits several tokens; say more of it: serial, or slot-id';
    case tokenFaults.noGcm:
      return 'names a token without AES-GCM for 256-bit keys (CKM_AES_GCM), so it cannot bind a key to its place';
    case tokenFaults.extractable:
      return 'names a token that made a key which may leave it, so a copy could outlive its end; it was destroyed';
    case tokenFaults.unbound:
      return 'names a token that ignores associated data in AES-GCM, so it cannot bind a key to its place';
    default:
      return code.startsWith('MODULE: ') ? `names a module that does not load (${code.slice(8)})` : undefined;
  }
}
