import { type EntityManager, IsNull } from 'typeorm';
import { v7 as uuid } from 'uuid';
import type { Regions } from '../storage/regions';
import { committed, inTransaction } from '../storage/transaction';
import { acrossClients, sql } from '../tenancy/tenant-sql';
import { Announcement } from './announcement';
import type { Notices } from './notices';
import type { SubProcessor } from './sub-processor';
import type { ThirdPartyApplication } from './third-party-application';

export type Draft = Pick<Announcement, 'kind' | 'subject' | 'message'> &
  Partial<Pick<Announcement, 'applicationId' | 'noticeVersion'>>;

/** Stores an announcement in the transaction of its change, so that there is never one without the other. */
export async function announceWithin(manager: EntityManager, draft: Draft): Promise<void> {
  const { subject, message } = draft;
  const row = { ...draft, subject: subject.slice(0, 200), message: message.slice(0, 2000), toldAt: null };
  await manager.getRepository(Announcement).insert({ applicationId: null, noticeVersion: null, ...row, id: uuid() });
}

/** Sends announcements to clients. */
export class Announcements {
  readonly #regions: Regions;
  readonly #notices: Notices;

  constructor(regions: Regions, notices: Notices) {
    this.#regions = regions;
    this.#notices = notices;
  }

  /**
   * Sends the notices that are due. Each client gets each of them once, even after retries.
   * @throws the first failure, after all others were tried; the next call tries again
   */
  async tellDue(): Promise<number> {
    const { home } = this.#regions;
    const due = await committed(home, () =>
      home.getRepository(Announcement).find({ where: { toldAt: IsNull() }, order: { id: 'ASC' } }),
    );
    const failures: unknown[] = [];
    for (const { id, kind, subject, message, ...whom } of due) {
      const before = failures.length;
      for (const client of await this.#audience(whom)) {
        await this.#notices.send(client, { id, kind, subject, message }).catch((error) => failures.push(error));
      }
      if (failures.length > before) continue;
      await inTransaction(home, (manager) =>
        manager.query('UPDATE announcement SET told_at = ? WHERE id = ?', [Date.now(), id]),
      );
    }
    if (failures.length > 0) throw failures[0];
    return due.length;
  }

  async #audience({ applicationId, noticeVersion }: Pick<Announcement, 'applicationId' | 'noticeVersion'>) {
    const clients: string[] = [];
    const sources = applicationId === null ? [this.#regions.home] : this.#regions.all();
    const from =
      applicationId === null
        ? sql`client`
        : sql`installation WHERE application_id = ${applicationId} AND accepted_notice_version <> ${noticeVersion ?? ''}`;
    for (const source of sources) {
      const rows = await acrossClients(source).select<{ client_id: string }>`
        SELECT client_id FROM ${from} ORDER BY client_id`;
      clients.push(...rows.map(({ client_id }) => client_id));
    }
    return clients;
  }
}

/** The announcement of a sub-processor or its new terms. Undefined where nothing changed for clients. */
export function ofSubProcessor(known: SubProcessor | null, entry: SubProcessor): Draft | undefined {
  const terms = termsOf(entry);
  if (!known) {
    const message = [
      ...terms.map(([name, value]) => `${name}: ${value}`),
      'You may object to it before it is engaged (GDPR Art. 28(2)).',
    ].join('\n');
    return { kind: 'SUB_PROCESSOR_ADDED', subject: `New sub-processor: ${entry.name}`, message };
  }
  const message = changes(termsOf(known), terms);
  if (message === '') return undefined;
  return { kind: 'SUB_PROCESSOR_CHANGED', subject: `Sub-processor ${entry.name} has new terms`, message };
}

/** The announcement of an application's new terms, for clients that installed it. */
export function ofApplication(known: ThirdPartyApplication | null, entry: ThirdPartyApplication): Draft | undefined {
  if (!known) return undefined;
  const { id, name, publisher, privacyNoticeVersion: version, privacyNoticeUrl: url, privacyNoticeText: text } = entry;
  const changed = changes(identityOf(known), identityOf(entry));
  if (version === known.privacyNoticeVersion) {
    if (changed === '') return undefined;
    const subject = `${name}, which you have installed, has changed`;
    return { kind: 'APPLICATION_CHANGED', subject, message: changed, applicationId: id };
  }
  const message = [
    `${name} of ${publisher} reads nothing of yours until you accept it.`,
    `Accept it: installThirdPartyApplication with applicationId ${id} and acceptedNoticeVersion ${version}.`,
    ...(url === null ? [] : [`Read it: ${url}`]),
    ...(changed === '' ? [] : [changed]),
    ...(text === null ? [] : [excerpt(text)]),
  ].join('\n');
  const subject = `${name} has a new privacy notice, version ${version}, and has stopped`;
  return { kind: 'PRIVACY_NOTICE_CHANGED', subject, message, applicationId: id, noticeVersion: version };
}

type Terms = ReadonlyArray<readonly [name: string, value: string]>;

const dayOf = (at: number | null): string => (at === null ? 'until further notice' : new Date(at).toISOString());

const termsOf = (entry: SubProcessor): Terms => [
  ['Name', entry.name],
  ['Service', entry.service],
  ['Country', entry.country],
  ['Purposes', [...entry.purposes].sort().join(', ')],
  ['Categories', [...entry.categories].sort().join(', ')],
  ['Engaged from', dayOf(Number(entry.engagedFrom))],
  ['Engaged to', dayOf(entry.engagedTo === null ? null : Number(entry.engagedTo))],
];

const identityOf = ({ name, publisher, country, scopes }: ThirdPartyApplication): Terms => [
  ['Name', name],
  ['Publisher', publisher],
  ['Country', country],
  ['Scopes', [...scopes].sort().join(', ')],
];

function changes(before: Terms, after: Terms): string {
  return after
    .flatMap(([name, value], index) => {
      const old = before[index]?.[1];
      return old === value ? [] : [`${name}: ${value} (before: ${old})`];
    })
    .join('\n');
}

const EXCERPT = 1_200;

const excerpt = (text: string): string =>
  text.length <= EXCERPT ? text : `${text.slice(0, EXCERPT)}… In full: thirdPartyApplications { privacyNoticeText }`;
