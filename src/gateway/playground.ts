import { existsSync } from 'node:fs';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance, FastifyReply } from 'fastify';

// The browser itself then holds what the playground promises: nothing is loaded from, or sent to, any other host.
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "worker-src 'self' blob:",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "frame-ancestors 'none'",
].join('; ');

const missing = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Remit playground</title></head>
<body><h1>The playground is not built</h1>
<p>Run <code>npm run build:playground</code>, then start the server again. The API at <code>/graphql</code> works without it.</p>
</body></html>
`;

/**
 * Fastify plugin, for `app.register`: GraphiQL with the decision beside the result, at `/playground/`.
 * `directory` is the built page's; by default `dist/playground`, whether this file runs compiled or from source.
 * Without a build it answers 503 and says how to make one.
 */
export async function playground(app: FastifyInstance, options: { directory?: string }): Promise<void> {
  const directory = options.directory ?? builtDirectory();

  app.addHook('onRequest', async (_request, reply) => {
    reply.headers({
      'content-security-policy': contentSecurityPolicy,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    });
  });

  app.get('/playground', (_request, reply) => reply.redirect('/playground/'));
  if (!isBuilt(directory)) {
    app.get('/playground/*', (_request, reply) => unavailable(reply));
    return;
  }
  await app.register(fastifyStatic, {
    root: directory,
    prefix: '/playground/',
    decorateReply: false,
    cacheControl: false,
    setHeaders(response, path) {
      // Vite names every asset after its content.
      const isAsset = path.startsWith(join(directory, 'assets'));
      response.setHeader('cache-control', isAsset ? 'public, max-age=31536000, immutable' : 'no-store');
    },
  });
}

function builtDirectory(): string {
  const besideCompiled = join(__dirname, '../../playground');
  return isBuilt(besideCompiled) ? besideCompiled : join(__dirname, '../../dist/playground');
}

function isBuilt(directory: string): boolean {
  return existsSync(join(directory, 'index.html'));
}

function unavailable(reply: FastifyReply): FastifyReply {
  return reply.code(503).header('cache-control', 'no-store').type('text/html; charset=utf-8').send(missing);
}
