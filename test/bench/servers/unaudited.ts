import { join } from 'node:path';

/**
 * The product's own server without its audit ledger, which the product itself has no switch for: what the ledger costs
 * is measured against it. Prints its port.
 */
const product = join(__dirname, '..', '..', '..', '..', 'dist', 'src');

interface Product {
  readonly openApp: (config: unknown) => Promise<{ serverOptions: Record<string, unknown> }>;
  readonly readConfig: (env: NodeJS.ProcessEnv) => unknown;
  readonly createServer: (options: unknown) => Promise<{
    listen(at: { port: number; host: string }): Promise<unknown>;
    server: { address(): { port: number } };
  }>;
}

async function main(): Promise<void> {
  const { readConfig } = require(join(product, 'config.js')) as Product;
  const { openApp } = require(join(product, 'app.js')) as Product;
  const { createServer } = require(join(product, 'gateway', 'server.js')) as Product;
  const { serverOptions } = await openApp(readConfig(process.env));
  const { audit: _ledger, ...options } = serverOptions;
  const server = await createServer(options);
  await server.listen({ port: 0, host: '127.0.0.1' });
  process.stdout.write(`{"port":${server.server.address().port}}\n`);
}

void main();
