import type { EntityManager } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { exemptPurposes, type ProcessingPurpose } from '../governance/vocabulary';
import { type ChangeRecorder, changing, unrecorded } from '../identity/change-recorder';
import { requireText } from '../identity/checks';
import { objectedPurposes, objectionBits } from '../identity/objections';
import { denied } from '../identity/request-context';
import type { KeyStore } from '../keys/key-store';
import type { Regions } from '../storage/regions';
import { inTransaction } from '../storage/transaction';
import { own, tenantSql } from '../tenancy/tenant-sql';
import { tableOf } from '../tenancy/tenant-table';
import { TenantWriter } from '../tenancy/tenant-writer';
import { Customer } from './customer';
import type { RecordAutomatedDecisionInput } from './processing-inputs';
import { categoriesOf, lockPeople, mayAct, mayWrite, type Person, type Reach, unreached } from './reach';
import { AutomatedDecision } from './related/automated-decision';
import { requireNotUnderErasure } from './writable';

/** Who acts, and which people they reach. */
interface Actor {
  readonly client: string;
  readonly principal: string;
  readonly reach: Reach;
}

/** Records how a person's data may be processed, and was: objections and automated decisions. */
export class Processing {
  readonly #regions: Regions;
  readonly #keys: KeyStore;
  readonly #recorder: ChangeRecorder;

  constructor(regions: Regions, keys: KeyStore, recorder: ChangeRecorder = unrecorded) {
    this.#regions = regions;
    this.#keys = keys;
    this.#recorder = recorder;
  }

  /** Records objections to purposes (GDPR Art. 21). @throws {GraphQLError} NOT_FOUND, BAD_USER_INPUT, CONFLICT */
  object(actor: Actor, customerId: string, purposes: readonly ProcessingPurpose[]): Promise<void> {
    const exempt = purposes.find((purpose) => exemptPurposes.includes(purpose));
    if (exempt) {
      throw denied.input(`"purposes" names ${exempt}: claims and legal duties are not objected to (GDPR Art. 21(1)).`);
    }
    return this.#setObjections(actor, customerId, purposes, mayAct, (known, named) => known | named);
  }

  /**
   * Withdraws objections. A caller whom they bar from reading cannot withdraw them.
   * @throws {GraphQLError} NOT_FOUND, BAD_USER_INPUT, CONFLICT
   */
  withdraw(actor: Actor, customerId: string, purposes: readonly ProcessingPurpose[]): Promise<void> {
    const mayTakeBack = (reach: Reach, person: Person) => mayWrite(reach, person, categoriesOf(['objections']));
    return this.#setObjections(actor, customerId, purposes, mayTakeBack, (known, named) => known & ~named);
  }

  /** Records a decision that was made by automated means. @throws {GraphQLError} NOT_FOUND, BAD_USER_INPUT, CONFLICT */
  async recordDecision({ client, principal, reach }: Actor, input: RecordAutomatedDecisionInput): Promise<void> {
    const { customerId } = input;
    const subject = requireText('subject', input.subject, 200);
    const logic = requireText('logic', input.logic, 2_000);
    const madeAt = input.madeAt ?? new Date();
    if (madeAt.getTime() > Date.now()) throw denied.input('"madeAt" must not be in the future.');
    const categories = [...tableOf(AutomatedDecision).fields.values()].flatMap(
      ({ personal }) => personal?.category ?? [],
    );
    const writable = async (manager: EntityManager) => {
      const [person] = await lockPeople(manager, client, [customerId]);
      if (!person || !mayWrite(reach, person, categories)) throw unreached();
      requireNotUnderErasure(person);
    };
    const source = await this.#regions.of(client);
    await inTransaction(source, writable);
    await changing(this.#recorder, 'AUTOMATED_DECISION_RECORDED', { client, principal, subject: customerId }, () =>
      inTransaction(source, async (manager) => {
        await writable(manager);
        const writer = new TenantWriter(manager, this.#keys);
        await writer.insert(AutomatedDecision, client, [{ id: uuid(), customerId, subject, logic, madeAt }]);
        // A decision may be recorded late, after a newer one.
        const [known] = await tenantSql(manager, client).select<{ last: string | number | null }>`
          SELECT last_automated_decision_at AS last FROM customer WHERE ${own} AND id = ${customerId}`;
        const last = known?.last ?? null;
        if (last === null || Number(last) < madeAt.getTime())
          await writer.update(Customer, client, { id: customerId }, { lastAutomatedDecisionAt: madeAt });
      }),
    );
  }

  async #setObjections(
    { client, principal, reach }: Actor,
    customerId: string,
    purposes: readonly ProcessingPurpose[],
    may: (reach: Reach, person: Person) => boolean,
    change: (known: number, named: number) => number,
  ): Promise<void> {
    if (purposes.length === 0) throw denied.input('"purposes" must name at least one.');
    const source = await this.#regions.of(client);
    const changeable = async (manager: EntityManager): Promise<Person> => {
      const [person] = await lockPeople(manager, client, [customerId]);
      if (!person || !may(reach, person)) throw unreached();
      requireNotUnderErasure(person);
      return person;
    };
    const { objections } = await inTransaction(source, changeable);
    const mask = change(objections, objectionBits(purposes));
    const details = { objections: objectedPurposes(mask).join() };
    const decides = [{ table: 'customer', row: '', columns: { objection_mask: mask }, subject: customerId }];
    await changing(this.#recorder, 'OBJECTIONS_SET', { client, principal, subject: customerId, details, decides }, () =>
      inTransaction(source, async (manager) => {
        const person = await changeable(manager);
        // Somebody else has changed them in the meantime, so the recorded decision would not match.
        if (person.objections !== objections)
          throw denied.conflict('The objections have just been changed; try again.');
        await new TenantWriter(manager, this.#keys).update(
          Customer,
          client,
          { id: customerId },
          { objectionMask: mask },
        );
      }),
    );
  }
}
