import { packageOfProduct, product } from '../support/product';

/**
 * Measures deciding and planning without a database. Prints JSON: microseconds per decision and milliseconds per plan.
 * Start it with `--expose-gc` and a young generation that holds the garbage of one measurement, so that no collection
 * is timed.
 */
const { gc } = globalThis as { gc?: (how: { type: 'minor' }) => void };
const collect = () => gc?.({ type: 'minor' });

/** Milliseconds of the processor: what else the machine does between does not count. */
function processorTime(work: () => void): number {
  collect();
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

interface Governed {
  execute(args: object): Promise<{ data?: unknown; errors?: readonly unknown[] }>;
  plan(text: string, name: null, access: object): object;
  readonly gateway: { onSchemaLoadOrUpdate(callback: (loaded: { apiSchema: object }) => void): unknown };
}

interface GraphQL {
  buildSchema(text: string): object;
  parse(text: string, options?: object): object;
  validate(schema: object, document: object, rules?: undefined, options?: object): readonly unknown[];
}

const EXECUTIONS = 30_000;
const BATCHES = 21;
const DOCUMENTS = 50;
const FIELDS = 500;

async function main(): Promise<void> {
  require('reflect-metadata');
  const decisions = await timeDecisions();
  const plans = await timePlans();
  process.stdout.write(`${JSON.stringify({ decisions, plans })}\n`);
  process.exit(0);
}

/**
 * A document of one field is executed under a cached plan. `known` and `compared` are what passes until it is decided:
 * finding the plan, the variables, the cost and the decision, for a caller that is known by its basis as the server's
 * are, and for one whose facts are compared each time. `execution` is what executing takes longer where the field is
 * governed than where it is not: its guard and the report.
 */
async function timeDecisions(): Promise<Record<'known' | 'compared' | 'execution', number[]>> {
  const { govern, governanceTypeDefs } = product<{
    govern(schema: object, options: object): Governed;
    governanceTypeDefs: string;
  }>('governance/govern.js');
  const { buildSchema } = packageOfProduct<GraphQL>('graphql');
  let decidedAt = 0;
  const onDecision = () => {
    decidedAt = performance.now();
  };
  const schemaOf = (directives: string) =>
    govern(buildSchema(`${governanceTypeDefs}\ntype Query { name: String ${directives} }`), {
      plainSources: true,
      ungoverned: directives === '',
      onDecision,
      contextWith: (context: unknown) => {
        onDecision();
        return context;
      },
    });
  const governed = schemaOf('@personalData(category: NAME) @purposes(allow: [SUPPORT])');
  const open = schemaOf('');
  const basis = {};
  const time = async (of: Governed, access: () => object): Promise<Timed> => {
    await giveName(of, access());
    collect();
    let deciding = 0;
    // Time of the processor: what else the machine does between does not count.
    const before = process.cpuUsage();
    for (let count = 0; count < EXECUTIONS; count++) {
      const startedAt = performance.now();
      const result = of.execute({ document: 'query Name { name }', rootValue, access: access() });
      deciding += decidedAt - startedAt;
      await result;
    }
    const { user, system } = process.cpuUsage(before);
    return { deciding: (deciding / EXECUTIONS) * 1000, execution: (user + system) / EXECUTIONS };
  };
  const byBasis = () => ({ ...facts, basis });
  const byFacts = () => ({ ...facts });
  const times: Record<'known' | 'compared' | 'execution', number[]> = { known: [], compared: [], execution: [] };
  for (let batch = -3; batch < BATCHES; batch++) {
    const first = batch % 2 === 0 ? await time(open, byBasis) : undefined;
    const known = await time(governed, byBasis);
    const without = first ?? (await time(open, byBasis));
    const compared = await time(governed, byFacts);
    if (batch < 0) continue;
    times.known.push(known.deciding);
    times.compared.push(compared.deciding);
    times.execution.push(known.execution - without.execution);
  }
  return times;
}

/** Microseconds. */
interface Timed {
  readonly deciding: number;
  readonly execution: number;
}

const rootValue = { name: 'Ada' };
const facts = {
  principal: 'somebody',
  purpose: 'SUPPORT',
  grantedPurposes: ['SUPPORT', 'LEGAL'],
  scopes: [],
  agreements: ['MASTER', 'DPA'],
  prohibitions: [],
  client: '0190b3e0-0000-7000-8000-000000000000',
  policyVersion: '1.1',
};

async function giveName(of: Governed, access: object): Promise<void> {
  const { data } = await of.execute({ document: 'query Name { name }', rootValue, access });
  if ((data as { name?: unknown } | null)?.name !== 'Ada') throw new Error('the field is not given');
}

/** The API's own schema: a document that is new is planned, less what parsing and validating the same text take. */
async function timePlans(): Promise<{ beyond: number[]; validation: number[]; fields: number }> {
  const { readConfig } = product<{ readConfig(env: NodeJS.ProcessEnv): unknown }>('config.js');
  const { openApp } = product<{
    openApp(config: unknown): Promise<{ serverOptions: { contracts: { api: Governed } } }>;
  }>('app.js');
  const { parse, validate } = packageOfProduct<GraphQL>('graphql');
  const { api } = (await openApp(readConfig(process.env))).serverOptions.contracts;
  let schema: object = {};
  api.gateway.onSchemaLoadOrUpdate(({ apiSchema }) => {
    schema = apiSchema;
  });
  const check = (text: string) => {
    let faults: readonly unknown[] = [];
    const took = processorTime(() => {
      faults = validate(schema, parse(text, { maxTokens: 10_000 }), undefined, { maxErrors: 20 });
    });
    if (faults.length > 0) throw new Error(`the document is not valid: ${faults[0]}`);
    return took;
  };
  const plan = (text: string) => {
    let operation: object = {};
    const took = processorTime(() => {
      operation = api.plan(text, null, facts);
    });
    if (!('decide' in operation)) throw new Error('the document cannot be planned');
    return took;
  };
  const beyond: number[] = [];
  const validation: number[] = [];
  for (let number = -30; number < DOCUMENTS; number++) {
    const text = documentOf(number + 30);
    // By turns: the second one finds the processor's caches filled.
    const before = number % 2 === 0 ? check(text) : undefined;
    const planned = plan(text);
    const checked = before ?? check(text);
    if (number < 0) continue;
    beyond.push(planned - checked);
    validation.push(checked);
  }
  return { beyond, validation, fields: FIELDS };
}

const customer =
  'id firstName lastName email phone socialHandle ipAddress gender residency externalId createdAt orders(first: 1) { nodes { id placedAt total currency status } }';
const FIELDS_OF_ONE = 20;

/** 500 fields: customers under aliases that no other document has. */
function documentOf(number: number): string {
  const parts = Array.from(
    { length: FIELDS / FIELDS_OF_ONE },
    (_, place) => `c${number}_${place}: customers(first: 1) { nodes { ${customer} } }`,
  );
  return `query Planned${number} { ${parts.join('\n')} }`;
}

void main();
