import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import {
  buildASTSchema,
  concatAST,
  type DocumentNode,
  type GraphQLSchema,
  isObjectType,
  OverlappingFieldsCanBeMergedRule,
  parse,
  validate,
} from 'graphql';
import { type Governed, type GovernedResult, govern, governanceTypeDefs } from '../../src/governance/govern';
import { type RandomDocument, randomAccess, randomDocument } from './random-document';
import { type RandomSchema, randomSchema, Tape } from './random-schema';
import { type ReferenceAccess, ReferenceInterpreter, type ReferenceResult } from './reference-interpreter';

/** More by the environment, e.g. PROPERTY_RUNS=50000; PROPERTY_SHRINK=1 shrinks a failure, which takes minutes. */
const numRuns = Number(process.env.PROPERTY_RUNS ?? 2_000);
const seed = process.env.PROPERTY_SEED ? { seed: Number(process.env.PROPERTY_SEED) } : {};
const unlimited = {
  tokens: 1e9,
  depth: 1e9,
  aliases: 1e9,
  breadth: 1e9,
  fields: 1e9,
  repeats: 1e9,
  comparisons: 1e9,
  definitions: 1e9,
  cost: 1e9,
};
const governanceDefinitions = parse(governanceTypeDefs);
const tape = (maxLength: number) => fc.array(fc.nat(9_999), { minLength: maxLength >> 1, maxLength, size: 'max' });

const seen = {
  cases: 0,
  executions: 0,
  invalid: 0,
  refused: 0,
  withheld: 0,
  deidentified: 0,
  clear: 0,
  arguments: 0,
  rows: 0,
};

test(`governed execution equals the reference interpreter's in ${numRuns} random cases`, async () => {
  await fc.assert(
    fc.asyncProperty(tape(500), tape(300), tape(60), fc.boolean(), async (forSchema, forDocument, forAccess, plain) => {
      const random = randomSchema(new Tape(forSchema), plain);
      const schema = executable(random);
      const governed = govern(schema, {
        pseudonymKey: 'per-access',
        limits: unlimited,
        plainSources: plain,
        ungoverned: true,
      });
      const reference = new ReferenceInterpreter(parse(random.sdl), random.resolvers);
      const document = valid(schema, random, forDocument);
      const parsed = parse(document.text);
      const accessTape = new Tape(forAccess);
      const accesses = [randomAccess(accessTape), randomAccess(accessTape)];
      seen.cases++;
      for (const operation of document.operations) {
        // The first access comes back at the end: what the others left in the caches must not tell.
        for (const access of [...accesses, ...accesses.slice(0, 1)]) {
          await compare({ random, governed, reference, parsed, document, operation, access });
        }
      }
    }),
    { numRuns, ...seed, endOnFailure: process.env.PROPERTY_SHRINK === undefined },
  );
  process.stdout.write(`${JSON.stringify(seen)}\n`);
  expect(seen.cases).toBeGreaterThanOrEqual(numRuns);
  // The cases are worth their number only where they reach every outcome.
  for (const [what, times] of Object.entries(seen))
    if (what !== 'invalid') expect([what, times]).not.toEqual([what, 0]);
}, 600_000);

function executable(random: RandomSchema): GraphQLSchema {
  // Validating a schema takes longer than all else; that the generator makes valid ones is seen from one in twenty.
  const assumed = seen.cases % 20 > 0;
  const sdl = concatAST([governanceDefinitions, parse(random.sdl)]);
  const schema = buildASTSchema(sdl, { assumeValid: assumed, assumeValidSDL: assumed });
  for (const [coordinate, resolve] of random.resolvers) {
    const [typeName = '', fieldName = ''] = coordinate.split('.');
    const type = schema.getType(typeName);
    const field = isObjectType(type) ? type.getFields()[fieldName] : undefined;
    if (field) field.resolve = (source, args) => resolve(source, args);
  }
  return schema;
}

/** A document with random aliases where that is valid, otherwise with aliases that cannot conflict. */
function valid(schema: GraphQLSchema, random: RandomSchema, numbers: number[]): RandomDocument {
  const free = randomDocument(new Tape(numbers), random, false);
  if (validate(schema, parse(free.text), [OverlappingFieldsCanBeMergedRule]).length === 0) return free;
  seen.invalid++;
  return randomDocument(new Tape(numbers), random, true);
}

interface Comparison {
  random: RandomSchema;
  governed: Governed;
  reference: ReferenceInterpreter;
  parsed: DocumentNode;
  document: RandomDocument;
  operation: RandomDocument['operations'][number];
  access: ReferenceAccess;
}

async function compare({
  random,
  governed,
  reference,
  parsed,
  document,
  operation,
  access,
}: Comparison): Promise<void> {
  const operationName = operation.name;
  const rootValue = random.roots[operation.kind];
  const asked: string[] = [];
  const { row } = access;
  const noting: ReferenceAccess = row
    ? {
        ...access,
        row: (source, coordinate) => {
          asked.push(`${(source as { row: string }).row} ${coordinate}`);
          return row(source, coordinate);
        },
      }
    : access;
  const noted = async <T>(run: () => Promise<T>): Promise<{ result: T; calls: string[]; rows: string[] }> => {
    random.calls.clear();
    asked.length = 0;
    const result = await run();
    return {
      result,
      calls: [...random.calls].map(([name, times]) => `${name} ${times}`).sort(),
      rows: [...asked].sort(),
    };
  };
  const execute = () =>
    governed.execute({
      document: parsed,
      operationName,
      variableValues: document.variables,
      rootValue,
      access: noting,
    });

  const expected = await noted(() => reference.execute(parsed, operationName, document.variables, noting, rootValue));
  const first = await noted(execute);
  seen.executions++;
  const context = () =>
    `\n${random.sdl}\n${document.text}\n${operationName} ${JSON.stringify(document.variables)} ${JSON.stringify(access)}`;
  const same = (what: string, actual: unknown, wanted: unknown) => {
    if (!isDeepStrictEqual(actual, wanted)) {
      throw new Error(`${what}:\n  ${JSON.stringify(actual)}\ninstead of\n  ${JSON.stringify(wanted)}${context()}`);
    }
  };
  const json = JSON.stringify(first.result);
  // Every other time: the plan is compiled and the decision cached by now.
  if (seen.executions % 2 === 0) same('the second run', JSON.stringify((await noted(execute)).result), json);
  same('outcome', outcomeOf(first.result), wanted(expected.result));
  same('resolvers called', first.calls, expected.calls);
  same('row rules asked', first.rows, expected.rows);
  pathsWereMet(first.result, expected.result, same);
  const clear = JSON.stringify(expected.result.data);
  for (const canary of random.canaries) {
    if (json.includes(canary) && !clear.includes(canary)) throw new Error(`${canary} got out: ${json}${context()}`);
  }
  explained({ governed, parsed, operation, access }, expected.result, same);
  const leadingToRows = new Set(governed.coordinates.flatMap((one) => (one.rows ? one.coordinate : [])));
  if ([...expected.result.withheld].some((name) => leadingToRows.has(name)) && !expected.result.refusal) seen.rows++;
  count(first.result, expected.result, random.canaries, clear);
}

function explained(
  { governed, parsed, operation, access }: Pick<Comparison, 'governed' | 'parsed' | 'operation' | 'access'>,
  expected: ReferenceResult,
  same: (what: string, actual: unknown, wanted: unknown) => void,
): void {
  if (expected.badInput) return;
  const explanation = governed.explain({ document: parsed, operationName: operation.name, access });
  const short = explanation.map(
    ({ coordinate, outcome, code, method }) => `${coordinate} ${outcome} ${code} ${method}`,
  );
  const verdicts = [...expected.verdicts].map(
    ([name, { outcome, code = null, method = null }]) => `${name} ${outcome} ${code} ${method}`,
  );
  same('explanation', short.sort(), verdicts.sort());
}

interface Comparable {
  refusal: unknown;
  data: unknown;
  errors: unknown[];
  withheld: string[];
  deidentified: string[];
}

function outcomeOf(result: GovernedResult): Comparable {
  const plain = JSON.parse(JSON.stringify(result)) as GovernedResult;
  const errors = plain.errors ?? [];
  const whole = errors.find(({ path }) => path === undefined);
  return {
    refusal: whole ? { code: whole.extensions.code, rule: whole.extensions.rule } : undefined,
    data: plain.data ?? null,
    errors: whole
      ? []
      : errors
          .map(({ extensions: { code, coordinate, argument, rule, rows } }) =>
            JSON.stringify([coordinate, argument, code, rule, rows]),
          )
          .sort(),
    withheld: [...(plain.extensions?.governance.withheld ?? [])].sort(),
    deidentified: [...(plain.extensions?.governance.deidentified ?? [])].sort(),
  };
}

function wanted({ badInput, refusal, data, withholdings, withheld, deidentified }: ReferenceResult): Comparable {
  return {
    refusal: badInput ? { code: 'BAD_USER_INPUT', rule: undefined } : refusal,
    data: JSON.parse(JSON.stringify(data)),
    errors: withholdings
      .map(({ coordinate, argument, code, rule, places }) =>
        JSON.stringify([coordinate, argument, code, rule, places.size]),
      )
      .sort(),
    withheld: [...withheld].sort(),
    deidentified: [...deidentified].sort(),
  };
}

function pathsWereMet(
  result: GovernedResult,
  expected: ReferenceResult,
  same: (what: string, actual: unknown, wanted: unknown) => void,
): void {
  for (const { path, extensions } of result.errors ?? []) {
    if (path === undefined) continue;
    const met = expected.withholdings.find(
      ({ coordinate, argument, code, rule }) =>
        coordinate === extensions.coordinate &&
        argument === extensions.argument &&
        code === extensions.code &&
        rule === extensions.rule,
    );
    const paths = [...(met?.paths ?? [])];
    same('a path that was met', paths.includes(JSON.stringify(path)) ? path : paths, path);
    const pattern = path.map((key) => (typeof key === 'number' ? '@' : key));
    same('the pattern of a path', extensions.pattern, pattern);
  }
}

function count(result: GovernedResult, expected: ReferenceResult, canaries: string[], clear: string): void {
  if (expected.refusal) seen.refused++;
  if (expected.withheld.size > 0) seen.withheld++;
  if (expected.deidentified.size > 0) seen.deidentified++;
  if (canaries.some((canary) => clear.includes(canary))) seen.clear++;
  if (
    (result.errors ?? []).some(
      ({ path, extensions }) => path && !String(extensions.coordinate).endsWith(`.${path.at(-1)}`),
    )
  )
    seen.arguments++;
}
