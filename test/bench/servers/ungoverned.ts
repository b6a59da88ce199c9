import { product } from '../support/product';

/**
 * The product's server without governance, to measure what governance costs. The product has no such switch.
 * Prints its port.
 *
 * The directives are removed from the schemas first. The same executor then runs operations without governed fields: no
 * guards, no rules for rows, no transfer rules. A caller's rights are computed once per token, not per request. Sealed
 * storage is the same. There is no ledger.
 */

interface Annotated {
  astNode?: { directives?: readonly unknown[] } | null;
  extensionASTNodes?: ReadonlyArray<{ directives?: readonly unknown[] }>;
  args?: readonly Annotated[];
  getFields?: () => Record<string, Annotated>;
  getValues?: () => readonly Annotated[];
}

interface Schema extends Annotated {
  getTypeMap(): Record<string, Annotated>;
}

interface Context {
  readonly claims: { readonly subject: string };
}

interface Options {
  readonly audit: unknown;
  contextFor(claims: object, purpose: string | undefined): Promise<Context>;
}

interface App {
  readonly serverOptions: Options;
  work(): void;
}

interface Server {
  listen(at: { port: number; host: string }): Promise<unknown>;
  readonly server: { address(): { port: number } };
}

function withoutDirectives(schema: Schema): Schema {
  strip(schema);
  for (const type of Object.values(schema.getTypeMap())) {
    strip(type);
    for (const field of Object.values(type.getFields?.() ?? {})) {
      strip(field);
      for (const argument of field.args ?? []) strip(argument);
    }
    for (const value of type.getValues?.() ?? []) strip(value);
  }
  return schema;
}

function strip(element: Annotated): void {
  if (element.astNode) element.astNode = { ...element.astNode, directives: [] };
  element.extensionASTNodes = [];
}

/** A context is made once for a token and a purpose; each request gets a memory of its own, and may do everything. */
function permitting(contextFor: Options['contextFor']): Options['contextFor'] {
  const known = new WeakMap<object, Map<string | undefined, object>>();
  return async (claims, purpose) => {
    const byPurpose = known.get(claims) ?? new Map<string | undefined, object>();
    known.set(claims, byPurpose);
    const made = byPurpose.get(purpose) ?? (await permittingContext(contextFor, claims, purpose));
    byPurpose.set(purpose, made);
    const notes = { subjects: new Set(), transferBases: new Set() };
    return { ...made, notes, memory: new Map() } as unknown as Context;
  };
}

async function permittingContext(
  contextFor: Options['contextFor'],
  claims: object,
  purpose: string | undefined,
): Promise<object> {
  const context = await contextFor(claims, purpose);
  const granted = purpose === undefined ? [] : [purpose];
  const access = { basis: {}, principal: context.claims.subject, purpose, grantedPurposes: granted };
  return { ...context, access, accessFor: () => access };
}

async function main(): Promise<void> {
  require('reflect-metadata');
  type Govern = (schema: Schema, options: object) => { coordinates: readonly unknown[] };
  const governance = product<{ govern: Govern }>('governance/govern.js');
  const { govern } = governance;
  // The application takes `govern` from this module when it is opened.
  governance.govern = (schema, options) => {
    const governed = govern(withoutDirectives(schema), { ...options, ungoverned: true });
    if (governed.coordinates.length > 0) throw new Error('something is still governed');
    return governed;
  };
  const { readConfig } = product<{ readConfig(env: NodeJS.ProcessEnv): unknown }>('config.js');
  const { openApp } = product<{ openApp(config: unknown): Promise<App> }>('app.js');
  const { createServer } = product<{ createServer(options: object): Promise<Server> }>('gateway/server.js');
  const { serverOptions, work } = await openApp(readConfig(process.env));
  const { audit: _ledger, ...options } = serverOptions;
  const contextFor = permitting((claims, purpose) => serverOptions.contextFor(claims, purpose));
  const server = await createServer({ ...options, contextFor });
  await server.listen({ port: 0, host: '127.0.0.1' });
  work();
  process.stdout.write(`{"port":${server.server.address().port}}\n`);
}

void main();
