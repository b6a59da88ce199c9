import { platformRecipient, type RecipientKind, type RecipientReference } from '../identity/recipient';
import { denied } from '../identity/request-context';
import type { Certification, DataImporter } from '../law/transfer';
import type { RecipientCertification } from '../register/certification';
import type { Certifications } from '../register/certifications';
import type { Clients } from '../register/clients';
import type { ThirdParties } from '../register/third-parties';

/** A registered recipient. */
export interface KnownRecipient {
  readonly reference: RecipientReference;
  readonly name: string;
  /** Its country in the register. Undefined where its people may be anywhere. */
  readonly country: string | undefined;
}

/** Finds recipients in the register, with their certifications. */
export class TransferRecipients {
  constructor(
    private readonly clients: Clients,
    private readonly parties: ThirdParties,
    private readonly certifications: Certifications,
  ) {}

  /**
   * @param client whose data it is; the only recipient of kind CLIENT
   * @throws {GraphQLError} BAD_USER_INPUT or NOT_FOUND
   */
  async find(kind: RecipientKind, id: string | null | undefined, client: string | undefined): Promise<KnownRecipient> {
    if (kind === 'PLATFORM') return { reference: platformRecipient, name: 'the platform', country: undefined };
    if (kind === 'CLIENT') {
      const found = client === undefined ? undefined : await this.clients.find(client);
      if (!found || (id && id !== found.id && id !== found.slug)) throw denied.notFound('recipient of this kind');
      return { reference: { kind, id: found.id }, name: found.name, country: undefined };
    }
    if (!id) throw denied.input('"recipient.id" must name the application or the sub-processor.');
    const found = kind === 'APPLICATION' ? await this.parties.application(id) : await this.parties.subProcessor(id);
    if (!found) throw denied.notFound('recipient of this kind');
    return { reference: { kind, id: found.id }, name: found.name, country: found.country };
  }

  /** The client's country. Its law is taken to cover the client's own users (C3). */
  async countryOf(client: string): Promise<string | null> {
    return (await this.clients.find(client))?.country ?? null;
  }

  /** What the law asks of a recipient. All in the register are businesses (R1, S2, S3), hence the sector. */
  async asRecipient(reference: RecipientReference | undefined, country: string | undefined): Promise<DataImporter> {
    const all = reference === undefined ? [] : await this.certifications.all();
    return { country, certifications: certificationsOf(all, reference), sector: 'COMMERCIAL' };
  }
}

export function certificationsOf(
  all: readonly RecipientCertification[],
  reference: RecipientReference | undefined,
): Certification[] {
  return all
    .filter(({ recipientKind, recipientId }) => recipientKind === reference?.kind && recipientId === reference.id)
    .map(({ framework, validFrom, validTo }) => ({ framework, from: validFrom, to: validTo }));
}
