import type { RowRefusal } from '../governance/govern';
import type { TokenClaims } from './caller';
import { sideOf } from './caller';
import type { SubjectState } from './subject-state';

/** The kinds of recipients of personal data. */
export const recipientKinds = {
  CLIENT: "The client's own users and apps.",
  APPLICATION: 'A third-party application that the client installed.',
  SUB_PROCESSOR: 'A sub-processor of the platform.',
  PLATFORM: "The platform's own staff.",
} as const;
export type RecipientKind = keyof typeof recipientKinds;

export interface RecipientReference {
  readonly kind: RecipientKind;
  /** Of a client, an application or a sub-processor its id; the platform is one. */
  readonly id: string;
}

export const platformRecipient: RecipientReference = { kind: 'PLATFORM', id: 'platform' };

/**
 * The recipient that a caller reads for. An auditor is none, and neither is a third party that the register does not
 * know: no certification and no approval is theirs.
 * @param party the register's id of the third party that the token names
 */
export function recipientOf(
  { roles }: TokenClaims,
  client: string | undefined,
  party: string | undefined,
): RecipientReference | undefined {
  switch (sideOf(roles)) {
    case 'CLIENT':
      return client === undefined ? undefined : { kind: 'CLIENT', id: client };
    case 'PARTNER':
      return party === undefined ? undefined : { kind: 'APPLICATION', id: party };
    case 'SUB_PROCESSOR':
      return party === undefined ? undefined : { kind: 'SUB_PROCESSOR', id: party };
    case 'PLATFORM':
      return platformRecipient;
    default:
      return undefined;
  }
}

/** Who reads, where, as of which versions of the policy. */
export interface TransferCaller {
  readonly client: string | undefined;
  readonly recipient: RecipientReference | undefined;
  /** ISO 3166-1 alpha-2; undefined where nobody said. */
  readonly country: string | undefined;
  readonly versions: { readonly client: number; readonly register: number };
}

/** Whether law or an approval carries a category of a person's data to the caller (point 7 of a decision). */
export interface TransferCheck {
  (subject: SubjectState, category: string | undefined): RowRefusal | undefined;
  /** The same of somebody whose data is not given: nothing is told of what would carry it. */
  readonly quietly?: (subject: SubjectState, category: string | undefined) => RowRefusal | undefined;
  /** People whom approvals name: what is carried of them is not carried of others of their country. */
  readonly named?: ReadonlySet<string>;
}

/** The check of each purpose. */
export type TransferChecks = (purpose: string | undefined) => TransferCheck;

/** What the transfers module provides to the access service. */
export interface TransferRules {
  /**
   * The checks of one caller at this moment, a purpose at a time.
   * @param onBasis told what carries data across a border, as rules are cited
   * @returns a promise where facts have to be read first
   */
  checksFor(caller: TransferCaller, onBasis: (basis: string) => void): TransferChecks | Promise<TransferChecks>;
}
