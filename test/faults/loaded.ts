import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Installation, openInstallation } from '../erasure/installation';
import { newClient } from '../erasure/people';
import type { TestDatabase } from '../support/databases';
import { ask, isDone, type Question, tokensOf, until } from './asking';
import { type Reconciled, reconcile } from './reconciling';
import { ServedProcess } from './served-process';
import { type Callers, Lane, newTally, type Tally } from './workload';

const SLUG = 'acme';
const withdraw = `mutation ($input: WithdrawInput!) { withdrawPurpose(input: $input) { grant { id } } }`;
const emailOf = `query ($id: ID!) { customer(id: $id) { email } }`;

export interface LoadOptions {
  /** What each process has beside the installation's own environment, by its name. */
  readonly processes: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly lanes: number;
}

/** An installation under load: several processes, and lanes that remember what was acknowledged. */
export class Loaded {
  readonly installation: Installation;
  readonly processes: readonly ServedProcess[];
  readonly tally: Tally = newTally();
  readonly #client: string;
  readonly #callers: Callers;
  readonly #lanes: number;
  readonly #stop = new AbortController();
  #running: Promise<unknown> = Promise.resolve();

  private constructor(
    installation: Installation,
    processes: readonly ServedProcess[],
    client: string,
    callers: Callers,
    lanes: number,
  ) {
    this.installation = installation;
    this.processes = processes;
    this.#client = client;
    this.#callers = callers;
    this.#lanes = lanes;
  }

  static async open(database: TestDatabase, { processes, lanes }: LoadOptions): Promise<Loaded> {
    const installation = await openInstallation(database);
    const client = await newClient(installation.services, SLUG);
    const { folder, env } = installation;
    mkdirSync(join(folder, 'data'), { recursive: true });
    const callers = await callersOf(join(folder, 'data', 'dev-jwt.key.json'));
    const served = Object.entries(processes).map(
      ([name, more]) => new ServedProcess({ name, folder, env: { ...env, ...more } }),
    );
    await Promise.all(served.map((each) => each.start()));
    const loaded = new Loaded(installation, served, client, callers, lanes);
    await loaded.#withdrawStandingGrants();
    return loaded;
  }

  begin(): void {
    const lanes = Array.from(
      { length: this.#lanes },
      (_, number) => new Lane(`lane${number}`, this.processes, this.#callers, this.tally),
    );
    this.#running = Promise.all(lanes.map((lane) => lane.run(this.#stop.signal)));
  }

  /** Ends the load, waits until every erasure is carried out, and compares. */
  async settle(): Promise<Reconciled> {
    this.#stop.abort();
    await this.#running;
    const { stores } = this.installation;
    const source = await stores.regions.of(this.#client);
    await until('every erasure is carried out', async () => {
      const sql = "SELECT COUNT(*) AS n FROM erasure_request WHERE client_id = ? AND status <> 'COMPLETED'";
      const [row] = await source.query<Array<{ n: number | string }>>(sql, [this.#client]);
      return Number(row?.n) === 0;
    });
    return reconcile(this.installation, this.#client, this.tally, (id) => this.#emailOf(id));
  }

  /**
   * Whether a process answers the client's app. One whose clock is behind refuses what was granted since: it fails
   * closed.
   */
  async answers(process: ServedProcess): Promise<boolean> {
    const document = '{ customers(first: 1) { nodes { firstName } } }';
    return (await ask(process, { token: this.#callers.app, purpose: 'SUPPORT', document })).status === 200;
  }

  /** The longest time from a moment until a process failed no more, of failures within the time that follows. */
  recovery(since: number, withinMs: number): number {
    const last = this.tally.failures.filter(({ at }) => at >= since && at < since + withinMs).at(-1)?.at ?? since;
    return last - since;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.processes.map((each) => each.kill()));
    await this.installation.close();
  }

  /** Agents keep no right but those that the lanes grant. */
  async #withdrawStandingGrants(): Promise<void> {
    const source = await this.installation.stores.regions.of(this.#client);
    const sql = "SELECT id FROM purpose_grant WHERE client_id = ? AND grantee = 'CLIENT_AGENT'";
    for (const { id } of await source.query<Array<{ id: string }>>(sql, [this.#client])) {
      const input = { id, reason: 'agents get a grant each' };
      await this.#must({ token: this.#callers.admin, document: withdraw, variables: { input } });
    }
  }

  async #emailOf(id: string): Promise<string | undefined> {
    const question = { token: this.#callers.app, purpose: 'SUPPORT', document: emailOf, variables: { id } };
    const { customer } = await this.#must(question);
    return (customer as { email: string } | null)?.email;
  }

  async #must(question: Question): Promise<Record<string, unknown>> {
    let last = '';
    for (const process of [...this.processes, ...this.processes]) {
      const answer = await ask(process, question);
      if (isDone(answer)) return answer.data ?? {};
      last = `${answer.status} ${answer.text}`;
    }
    throw new Error(`it was not answered: ${last}`);
  }
}

async function callersOf(keyFile: string): Promise<Callers> {
  const sign = tokensOf(keyFile);
  const common = { tenant: SLUG, country: 'DE', purposes: ['SUPPORT', 'LEGAL'] } as const;
  return {
    admin: await sign({ ...common, subject: 'admin', roles: ['CLIENT_ADMIN', 'CLIENT_PRIVACY_OFFICER'] }),
    app: await sign({ ...common, subject: 'app', roles: ['CLIENT_APP'] }),
    agent: (name) => sign({ ...common, subject: name, roles: ['CLIENT_AGENT'] }),
  };
}

/** What every run must end with. */
export const nothingWrong: Reconciled = { lost: [], doubled: [], inexactErasures: [], leftBehind: [], commands: [] };

/** A line for a report of the run. */
export function inWords({
  asked,
  done,
  people,
  grants,
  withdrawn,
  transfers,
  looked,
  repeated,
  unanswered,
  refused,
}: Tally): string {
  const erasures = people.filter(({ erasure }) => erasure !== undefined).length;
  const said = [...refused].map(([what, n]) => `${n} × ${what}`).join(', ');
  return (
    `${asked} requests, ${done} done (${people.length} people, ${grants.size} grants, ${withdrawn.size} withdrawals, ` +
    `${transfers.size} transfers, ${erasures} erasures), ${repeated} told again, ${unanswered} never answered, ${looked} looks afterwards; others: ${said}`
  );
}
