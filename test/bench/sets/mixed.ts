import { type Installation, install } from '../support/installation';
import { customers, soakSeconds } from '../support/knobs';
import { ask, type Request } from '../support/load';
import { appOf, everyoneIn, type Headers, post, seed, startRemit } from '../support/remit';
import type { ServerProcess } from '../support/server-process';
import { slopeOf } from '../support/slope';

const CONNECTIONS = 64;
/** Each has a fair share of the server. */
const PRINCIPALS = 16;
const READING_EVERY_MS = 5_000;
/** Readings between two lines that are printed. */
const PRINTED_EVERY = 6;
/** The part of the run that warms up: code is compiled, and caches fill to their bounds. */
const WARM_UP = 1 / 3;
/** A shorter run is still warming up at its end. */
const LEAST_SECONDS = 1_800;
/** The most that memory may rise once the server is warm: MiB a minute, by least squares. */
const MOST_RISE = 0.2;

const documents = {
  page: '{ customers(first: 50) { nodes { id firstName email orders(first: 5) { nodes { total } } } } }',
  look: 'query ($by: CustomerLookup!) { customerLookup(by: $by) { id email } }',
  one: 'query ($id: ID!) { customer(id: $id) { id firstName email } }',
  create: 'mutation ($input: CreateCustomerInput!) { createCustomer(input: $input) { customer { id } } }',
  update: 'mutation ($input: UpdateCustomerInput!) { updateCustomer(input: $input) { customer { id } } }',
  erase: 'mutation ($input: RequestErasureInput!) { requestErasure(input: $input) { request { id } } }',
  grant: 'mutation ($input: GrantPurposeInput!) { grantPurpose(input: $input) { grant { id } } }',
  withdraw: 'mutation ($input: WithdrawInput!) { withdrawPurpose(input: $input) { grant { id } } }',
} as const;
type Kind = keyof typeof documents;

interface Tally {
  readonly latencies: Map<Kind, number[]>;
  /** Answers that were no success, each once. */
  readonly errors: Map<string, number>;
}

/** Half an hour of everything at once: errors, times of each kind, and whether the memory is flat. */
export async function mixed(): Promise<unknown> {
  const installation = await install();
  let server: ServerProcess | undefined;
  try {
    const slug = await seed(installation, customers());
    await everyoneIn('DE', installation.urls.data);
    server = await startRemit(installation);
    const apps: Headers[] = [];
    for (let number = 0; number < PRINCIPALS; number++)
      apps.push(await appOf(installation, slug, 'SUPPORT', `app-${number}`));
    const admins: Headers[] = [];
    for (let number = 0; number < PRINCIPALS; number++) admins.push(await adminOf(installation, slug, number));
    const tally: Tally = { latencies: new Map(), errors: new Map() };
    const ends = Date.now() + soakSeconds(1_800) * 1_000;
    const lanes = Array.from({ length: CONNECTIONS }, (_, lane) =>
      run({ server: server as ServerProcess, headers: at(apps, lane), admin: at(admins, lane), lane, tally, ends }),
    );
    const readings = await watch(server, ends);
    await Promise.all(lanes);
    return report(server, tally, readings);
  } finally {
    await server?.stop();
    await installation.remove();
  }
}

async function adminOf(installation: Installation, slug: string, number: number): Promise<Headers> {
  const who = ['--role', 'CLIENT_ADMIN', '--client', slug, '--sub', `admin-${number}`, '--country', 'DE'];
  const token = await installation.remit('token', ...who, '--purpose', 'SUPPORT', '--purpose', 'LEGAL');
  return {
    'content-type': 'application/json',
    authorization: `Bearer ${token.trim()}`,
    'processing-purpose': 'LEGAL',
  };
}

const at = (headers: readonly Headers[], lane: number): Headers => headers[lane % headers.length] ?? {};

interface Load {
  readonly server: ServerProcess;
  readonly headers: Headers;
  readonly admin: Headers;
  readonly lane: number;
  readonly tally: Tally;
  readonly ends: number;
}

/** One connection's work, on people of its own. */
async function run({ server, headers, admin, lane, tally, ends }: Load): Promise<void> {
  const own: Array<{ readonly id: string; readonly email: string }> = [];
  const send = async (kind: Kind, request: Request): Promise<Record<string, Record<string, { id: string }>>> => {
    const begun = performance.now();
    const { data, errors } = await ask(server, request).catch((error: unknown) => ({ data: null, errors: [error] }));
    const known = tally.latencies.get(kind) ?? [];
    tally.latencies.set(kind, known);
    known.push(performance.now() - begun);
    if (errors !== undefined) count(tally.errors, `${kind}: ${JSON.stringify(errors).slice(0, 200)}`);
    return (data ?? {}) as Record<string, Record<string, { id: string }>>;
  };
  for (let turn = 0; Date.now() < ends; turn++) {
    const name = `${lane}-${turn}-${Math.random().toString(36).slice(2)}`;
    const chance = Math.random();
    const person = own[turn % Math.max(own.length, 1)];
    if (!person || chance < 0.05) {
      const email = `${name}@example.org`;
      const input = { externalId: name, firstName: 'Someone', email, residency: 'DE' };
      const { createCustomer } = await send('create', post(headers, documents.create, { input }));
      if (createCustomer?.customer) own.push({ id: createCustomer.customer.id, email });
    } else if (chance < 0.1) {
      const input = { customerId: person.id, firstName: name.slice(0, 20) };
      await send('update', post(headers, documents.update, { input }));
    } else if (chance < 0.13) {
      own.splice(own.indexOf(person), 1);
      const input = { customerId: person.id, grounds: 'CLIENT_INSTRUCTION' };
      await send('erase', post(admin, documents.erase, { input }));
    } else if (chance < 0.14) {
      const input = { purpose: 'SUPPORT', granteeKind: 'PRINCIPAL', grantee: name, reason: 'a while' };
      const { grantPurpose } = await send('grant', post(admin, documents.grant, { input }));
      const id = grantPurpose?.grant?.id;
      if (id !== undefined)
        await send('withdraw', post(admin, documents.withdraw, { input: { id, reason: 'it is over' } }));
    } else if (chance < 0.4) {
      await send('page', post(headers, documents.page));
    } else if (chance < 0.7) {
      await send('one', post(headers, documents.one, { id: person.id }));
    } else {
      await send('look', post(headers, documents.look, { by: { email: person.email } }));
    }
  }
}

function count(counts: Map<string, number>, what: string): void {
  counts.set(what, (counts.get(what) ?? 0) + 1);
}

/** MiB, but for the time. */
interface Reading {
  readonly seconds: number;
  /** Resident, as the system counts it. */
  readonly memory: number;
  readonly heap: number;
  readonly external: number;
}

async function watch(server: ServerProcess, ends: number): Promise<Reading[]> {
  const begun = Date.now();
  const readings: Reading[] = [];
  while (Date.now() < ends) {
    await new Promise((resolve) => setTimeout(resolve, Math.min(READING_EVERY_MS, ends - Date.now())));
    const memory = server.memory();
    const [heap, external] = await heapOf(server);
    const reading = { seconds: Math.round((Date.now() - begun) / 1_000), memory, heap, external };
    readings.push(reading);
    if (readings.length % PRINTED_EVERY === 0)
      process.stdout.write(
        `after ${reading.seconds} s: ${memory} MiB; heap ${heap} MiB in use, external ${external} MiB\n`,
      );
  }
  return readings;
}

/** What V8 has in use on its heap and beside it, in MiB, by the server's own metrics. */
async function heapOf({ url }: ServerProcess): Promise<[heap: number, external: number]> {
  // Under load it may be late: the load's own answers say whether the server fails.
  const answered = await fetch(`${url}/metrics`).catch(() => undefined);
  const text = (await answered?.text().catch(() => '')) ?? '';
  const said = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]) / 2 ** 20;
  const rounded = (value: number) => Math.round(value * 10) / 10;
  return [rounded(said('nodejs_heap_size_used_bytes')), rounded(said('nodejs_external_memory_bytes'))];
}

function report(server: ServerProcess, { latencies, errors }: Tally, readings: readonly Reading[]): unknown {
  const kinds = [...latencies].map(([kind, times]) => {
    const sorted = times.toSorted((a, b) => a - b);
    const at = (share: number) => Math.round(sorted[Math.floor(sorted.length * share)] ?? 0);
    return { kind, answers: sorted.length, p50: at(0.5), p99: at(0.99) };
  });
  for (const { kind, answers, p50, p99 } of kinds)
    process.stdout.write(`${kind.padEnd(8)} ${String(answers).padStart(8)}  p50 ${p50} ms, p99 ${p99} ms\n`);
  const answers = kinds.reduce((sum, each) => sum + each.answers, 0);
  const wrong = [...errors.values()].reduce((sum, n) => sum + n, 0);
  const warm = readings.slice(Math.floor(readings.length * WARM_UP));
  const slope = slopeOf(warm.map(({ seconds, memory }) => [seconds / 60, memory]));
  const length = readings.at(-1)?.seconds ?? 0;
  const verdict = verdictOn(length, wrong, slope);
  process.stdout.write(
    `${answers} answers, ${wrong} errors; memory over the last ${minutesOf(warm)} minutes ${slope.toFixed(2)} MiB a ` +
      `minute by least squares, at most ${server.peakMemory()} MiB\n${verdict}\n`,
  );
  if (verdict.startsWith('FAILED')) process.exitCode = 1;
  for (const [what, n] of errors) process.stdout.write(`${n} × ${what}\n`);
  return { kinds, answers, errors: Object.fromEntries(errors), readings, slope, peak: server.peakMemory(), verdict };
}

const minutesOf = (readings: readonly Reading[]): number =>
  Math.round(((readings.at(-1)?.seconds ?? 0) - (readings[0]?.seconds ?? 0)) / 60);

function verdictOn(seconds: number, errors: number, slope: number): string {
  const faults = [
    ...(errors > 0 ? [`${errors} errors`] : []),
    ...(seconds >= LEAST_SECONDS && slope >= MOST_RISE ? [`memory rises by ${slope.toFixed(2)} MiB a minute`] : []),
  ];
  if (faults.length > 0) return `FAILED: ${faults.join(', ')}`;
  if (seconds < LEAST_SECONDS)
    return `no verdict on memory: ${LEAST_SECONDS} s are needed, and in ${seconds} s it is still warming up`;
  return `PASSED: no errors, and memory rises by less than ${MOST_RISE} MiB a minute`;
}
