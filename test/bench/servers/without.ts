import { product } from '../support/product';

/**
 * The product's server without one of its parts, to measure what that part costs or saves. The product has no such
 * switch. `without.js ledger` keeps no entries. `without.js memory` opens each sealed column each time, as on the
 * first read of a person. Prints its port.
 */
interface Product {
  readonly openApp: (config: unknown) => Promise<{ serverOptions: Record<string, unknown> }>;
  readonly readConfig: (env: NodeJS.ProcessEnv) => unknown;
  readonly createServer: (options: unknown) => Promise<{
    listen(at: { port: number; host: string }): Promise<unknown>;
    server: { address(): { port: number } };
  }>;
}

type Held = { HeldKey: { prototype: { recall(): unknown } } };

async function main(): Promise<void> {
  const [, , part] = process.argv;
  if (part !== 'ledger' && part !== 'memory') throw new Error('without what: ledger or memory');
  const { readConfig } = product<Product>('config.js');
  const { openApp } = product<Product>('app.js');
  const { createServer } = product<Product>('gateway/server.js');
  if (part === 'memory') product<Held>('keys/held-key.js').HeldKey.prototype.recall = () => undefined;
  const { serverOptions } = await openApp(readConfig(process.env));
  const { audit: _ledger, ...unaudited } = serverOptions;
  const server = await createServer(part === 'ledger' ? unaudited : serverOptions);
  await server.listen({ port: 0, host: '127.0.0.1' });
  process.stdout.write(`{"port":${server.server.address().port}}\n`);
}

void main();
