import { createHash } from 'node:crypto';
import { v7 as uuid } from 'uuid';
import { type AgreementKind, agreementKinds } from '../governance/vocabulary';
import type { Regions } from '../storage/regions';
import { acrossClients, limitOf } from '../tenancy/tenant-sql';
import type { Notices } from './notices';

/** The agreements that processing needs: the client agreement, and the terms of GDPR Art. 28(3). */
const needed: readonly AgreementKind[] = ['MASTER', 'DPA'];

/** How many clients one run looks at. The next one goes on after the last of them. */
const CLIENTS = 500;

interface Term {
  readonly client_id: string;
  readonly kind: string;
  readonly effective_from: number | string;
  readonly effective_to: number | string | null;
}

/** Notifies clients without an agreement in force, once for each period without one (statement R2). */
export class AgreementReminders {
  readonly #regions: Regions;
  readonly #notices: Notices;
  readonly #now: () => number;
  /** Notices that this process has sent: they need no second try. */
  readonly #sent = new Set<string>();

  readonly #limit: number;

  constructor(regions: Regions, notices: Notices, now: () => number = Date.now, limit = CLIENTS) {
    this.#limit = limit;
    this.#regions = regions;
    this.#notices = notices;
    this.#now = now;
  }

  /**
   * Looks at some hundred clients.
   * @param after the client that the last run ended at; undefined begins anew
   * @returns the client to go on after; undefined behind the last one
   */
  async tellDue(after = ''): Promise<string | undefined> {
    const { home } = this.#regions;
    const clients = await acrossClients(home).select<{ client_id: string; created_at: number | string }>`
      SELECT client_id, created_at FROM client WHERE client_id > ${after}
      ORDER BY client_id LIMIT ${limitOf(this.#limit)}`;
    if (clients.length === 0) return undefined;
    const terms = await this.#terms(clients.map(({ client_id }) => client_id));
    for (const { client_id: client, created_at: registered } of clients) {
      for (const kind of needed) {
        const since = this.#missingSince(terms.get(`${client} ${kind}`) ?? [], Number(registered));
        if (since !== undefined) await this.#tell(client, kind, since);
      }
    }
    return clients.length < this.#limit ? undefined : clients.at(-1)?.client_id;
  }

  async #terms(clients: readonly string[]): Promise<Map<string, Term[]>> {
    const terms = new Map<string, Term[]>();
    for (const source of this.#regions.all()) {
      const rows = await acrossClients(source).select<Term>`
        SELECT client_id, kind, effective_from, effective_to FROM agreement WHERE client_id IN (${clients})`;
      for (const row of rows) {
        const key = `${row.client_id} ${row.kind}`;
        terms.set(key, [...(terms.get(key) ?? []), row]);
      }
    }
    return terms;
  }

  /** @returns undefined where one is in force */
  #missingSince(terms: readonly Term[], registered: number): number | undefined {
    const now = this.#now();
    let since = registered;
    for (const { effective_from: from, effective_to: to } of terms) {
      if (Number(from) > now) continue;
      if (to === null || Number(to) > now) return undefined;
      since = Math.max(since, Number(to));
    }
    return since;
  }

  async #tell(client: string, kind: AgreementKind, since: number): Promise<void> {
    // Derived from client, kind and time, so that it is the same on each try. Sorts by time, as all ids of notices.
    const random = createHash('sha256').update(`${client} ${kind} ${since}`).digest().subarray(0, 16);
    const id = uuid({ msecs: since, random });
    if (this.#sent.has(id)) return;
    await this.#notices.send(client, {
      id,
      kind: 'AGREEMENT_MISSING',
      subject: `No agreement of the kind ${kind} is in force since ${new Date(since).toISOString()}`,
      message:
        `${agreementKinds[kind]} Personal data is processed for you under an agreement in force only ` +
        `(GDPR Art. 28(3)). ` +
        `Sign it on line: signAgreement(input: { kind: ${kind}, version: … }).`,
    });
    this.#sent.add(id);
  }
}
