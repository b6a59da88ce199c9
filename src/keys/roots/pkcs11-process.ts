import { ConfigurationError } from '../../storage/errors';
import { clientPackage } from './client-package';
import { type Pkcs11, Token, TokenFault } from './pkcs11-token';
import { readPin, type TokenLocation } from './pkcs11-uri';

/** What the process is asked: first to log in, then to use the token. */
export type TokenCall =
  | {
      readonly act: 'login';
      readonly location: TokenLocation;
      readonly pin: string | undefined;
      readonly variable: string;
    }
  | { readonly act: 'create' | 'list' }
  | {
      readonly act: 'encrypt' | 'decrypt';
      readonly key: string;
      readonly content: Uint8Array;
      readonly context: string;
    }
  | { readonly act: 'destroy'; readonly key: string };

export interface TokenAnswer {
  readonly number: number;
  readonly result?: unknown;
  readonly failure?: { readonly code: string; readonly configuration?: { variable: string; fault: string } };
}

let token: Token | undefined;

async function answerTo(call: TokenCall): Promise<unknown> {
  if (call.act === 'login') {
    const { location, pin, variable } = call;
    token = new Token(clientPackage<Pkcs11>('pkcs11js'), location, readPin(location, pin, variable));
    return undefined;
  }
  if (!token) throw new TokenFault('CKR_USER_NOT_LOGGED_IN');
  switch (call.act) {
    case 'create':
      return token.create();
    case 'list':
      return token.list();
    case 'encrypt':
      return token.encrypt(call.key, Buffer.from(call.content), call.context);
    case 'decrypt':
      return token.decrypt(call.key, Buffer.from(call.content), call.context);
    case 'destroy':
      return token.destroy(call.key);
  }
}

function failureOf(error: unknown): TokenAnswer['failure'] {
  if (error instanceof ConfigurationError) {
    const fault = error.message.slice(error.variable.length + 2);
    return { code: error.code, configuration: { variable: error.variable, fault } };
  }
  const { message, code } = error as { message: string; code?: unknown };
  const said = /CKR_[A-Z_0-9]+/.exec(message)?.[0] ?? (typeof code === 'string' ? code : undefined);
  // The text may name what is wrong with the module, and nothing secret: the PIN is not in it.
  return { code: said ?? `MODULE: ${message.split('\n')[0]?.slice(0, 200)}` };
}

/** The program of `Pkcs11Service`: the token's library may block, hang or crash, and here only this ends. */
process.on('message', async ({ number, call }: { number: number; call: TokenCall }) => {
  const answer = await answerTo(call).then(
    (result) => ({ number, result }),
    (error: unknown) => ({ number, failure: failureOf(error) }),
  );
  process.send?.(answer);
});
// The server decides when it ends: at its exit, whatever a terminal or a supervisor signals to the group.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
process.on('disconnect', () => process.exit());
