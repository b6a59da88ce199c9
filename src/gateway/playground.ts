import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { SignInEndpoints } from '../identity/openid-discovery';

// The browser enforces the playground's promise: it loads nothing from, and sends nothing to, any other host. The one
// exception is the issuer's token endpoint, for signing in.
const contentSecurityPolicy = (tokenOrigin: string | undefined) =>
  [
    "default-src 'none'",
    "script-src 'self'",
    "worker-src 'self' blob:",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self' data:",
    `connect-src 'self'${tokenOrigin === undefined ? '' : ` ${tokenOrigin}`}`,
    "frame-ancestors 'none'",
  ].join('; ');

/** How people sign in at the issuer: authorization code with PKCE, as a public client. */
export interface SignIn extends SignInEndpoints {
  readonly issuer: string;
  readonly clientId: string;
  readonly scope: string;
  readonly audience?: string | undefined;
}

export interface PlaygroundOptions {
  readonly directory?: string | undefined;
  /** Absent, a token must be pasted in. */
  readonly signIn?: (() => Promise<SignIn>) | undefined;
}

const missing = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Remit playground</title></head>
<body><h1>The playground is not built</h1>
<p>In a checkout the first start builds it: load this page again in a minute. If that failed,
<code>npm run build:playground</code> says why. The API at <code>/graphql</code> works without it.</p>
</body></html>
`;

/**
 * Fastify plugin: GraphiQL with the decision beside the result, at `/playground/`. `directory` holds the built page; by
 * default `dist/playground`, whether this file runs compiled or from source. Until it is built the answer is 503 with
 * the way to build it.
 */
export async function playground(app: FastifyInstance, options: PlaygroundOptions): Promise<void> {
  const directory = options.directory ?? builtDirectory();
  const { signIn } = options;
  const offered = signIn && remembered(signIn);

  app.addHook('onRequest', async (_request, reply) => {
    const endpoint = (await offered?.().catch(() => undefined))?.tokenEndpoint;
    reply.headers({
      'content-security-policy': contentSecurityPolicy(endpoint && new URL(endpoint).origin),
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    });
  });

  app.get('/playground/sign-in.json', async (_request, reply) => {
    reply.header('cache-control', 'no-store');
    if (!offered) return reply.type('application/json').send('null');
    const found = await offered().catch(() => undefined);
    return found ?? reply.code(503).send({ message: 'The issuer cannot be reached.' });
  });
  app.get('/playground', (_request, reply) => reply.redirect('/playground/'));
  await app.register(async (files) => {
    files.addHook('onRequest', async (_request, reply) => (isBuilt(directory) ? undefined : unavailable(reply)));
    await files.register(fastifyStatic, {
      // Built while the server runs already, in a checkout: what is there is looked up for each request.
      root: directory,
      prefix: '/playground/',
      decorateReply: false,
      cacheControl: false,
      setHeaders(response, path) {
        // Vite puts a content hash into the name of each asset.
        const isAsset = path.startsWith(join(directory, 'assets'));
        response.setHeader('cache-control', isAsset ? 'public, max-age=31536000, immutable' : 'no-store');
      },
    });
  });
}

/** How long a failed discovery is remembered, in milliseconds. */
const RETRY_MS = 10_000;

/** Keeps what was found. A failure is retried, but not on every request. */
function remembered(look: () => Promise<SignIn>): () => Promise<SignIn> {
  let found: SignIn | undefined;
  let failure: { readonly error: unknown; readonly at: number } | undefined;
  return async () => {
    if (found) return found;
    if (failure && Date.now() - failure.at < RETRY_MS) throw failure.error;
    try {
      found = await look();
      return found;
    } catch (error) {
      failure = { error, at: Date.now() };
      throw error;
    }
  };
}

function builtDirectory(): string {
  const root = join(__dirname, '../..');
  return basename(root) === 'dist' ? join(root, 'playground') : join(root, 'dist/playground');
}

function isBuilt(directory: string): boolean {
  return existsSync(join(directory, 'index.html'));
}

function unavailable(reply: FastifyReply): FastifyReply {
  return reply.code(503).header('cache-control', 'no-store').type('text/html; charset=utf-8').send(missing);
}
