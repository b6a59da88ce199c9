import type { DataSource, EntityManager } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { type Change, type ChangeRecorder, changing, unrecorded } from '../identity/change-recorder';
import { bumpPolicy, REGISTER } from '../identity/policy-version';
import type { RecipientReference } from '../identity/recipient';
import { denied } from '../identity/request-context';
import { type DecidedRow, decidedRow, goneRow } from '../storage/decided-row';
import type { Regions } from '../storage/regions';
import { committed, inTransaction } from '../storage/transaction';
import { type CertificationInput, RecipientCertification } from './certification';

/** Certifications as part of another change, which records and writes them on the home database. */
interface CertificationDraft {
  readonly decides: readonly DecidedRow[];
  readonly details: NonNullable<Change['details']>;
  write(manager: EntityManager): Promise<void>;
}

/** The certifications of recipients under frameworks. */
export class Certifications {
  readonly #regions: Regions;
  readonly #recorder: ChangeRecorder;

  constructor(regions: Regions, recorder: ChangeRecorder = unrecorded) {
    this.#regions = regions;
    this.#recorder = recorder;
  }

  /** @param from a snapshot to read from */
  all(from: DataSource | EntityManager = this.#regions.home): Promise<RecipientCertification[]> {
    return committed(from, () => from.getRepository(RecipientCertification).find({ order: { id: 'ASC' } }));
  }

  async of({ kind, id }: RecipientReference): Promise<RecipientCertification[]> {
    return (await this.all()).filter(({ recipientKind, recipientId }) => recipientKind === kind && recipientId === id);
  }

  /**
   * Replaces a recipient's certifications. It takes effect on the next request.
   * @throws {GraphQLError} BAD_USER_INPUT
   */
  async certify(
    recipient: RecipientReference,
    certifications: readonly CertificationInput[],
    principal: string,
  ): Promise<void> {
    const { decides, details, write } = await this.draft(recipient, certifications);
    const recorded = {
      principal,
      decides,
      details: { recipientKind: recipient.kind, record: recipient.id, ...details },
    };
    await changing(this.#recorder, 'RECIPIENT_CERTIFIED', recorded, () => inTransaction(this.#regions.home, write));
  }

  /** @throws {GraphQLError} BAD_USER_INPUT */
  async draft(
    recipient: RecipientReference,
    certifications: readonly CertificationInput[],
  ): Promise<CertificationDraft> {
    const rows = rowsOf(recipient, certifications);
    const before = await this.of(recipient);
    return {
      decides: [
        ...before.map((row) => goneRow(RecipientCertification, row)),
        ...rows.map((row) => decidedRow(RecipientCertification, row)),
      ],
      details: { certifications: rows.map(described).join('; ') || 'none' },
      write: async (manager) => {
        const repository = manager.getRepository(RecipientCertification);
        await repository.delete({ recipientKind: recipient.kind, recipientId: recipient.id });
        for (const row of rows) await repository.insert({ ...row });
        await bumpPolicy(manager, REGISTER);
      },
    };
  }
}

function rowsOf({ kind, id }: RecipientReference, wanted: readonly CertificationInput[]): RecipientCertification[] {
  return wanted.map(({ framework, from, to }) => {
    if (to && to <= from) throw denied.input('A certification\'s "to" must be after its "from".');
    const validTo = to?.getTime() ?? null;
    return { id: uuid(), recipientKind: kind, recipientId: id, framework, validFrom: from.getTime(), validTo };
  });
}

const day = (time: number): string => new Date(time).toISOString();
const described = ({ framework, validFrom, validTo }: RecipientCertification): string =>
  `${framework} from ${day(validFrom)}${validTo === null ? '' : ` to ${day(validTo)}`}`;
