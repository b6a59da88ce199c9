import { hipaaDocumentation } from '../law/deadlines';

/** How long entries stay. */
export const entryRetention = {
  /** Accesses, for accountings of disclosures. */
  ACCOUNTING: {
    years: hipaaDocumentation.period.years,
    because: '45 CFR 164.316(b)(2)(i), 164.528(a): six years of accountings of disclosures',
  },
  /** Changes to governance show what was allowed when, for as long as claims may be brought. */
  EVIDENCE: { years: 10, because: 'evidence of instructions (GDPR Art. 28(3)(a), 5(2))' },
  /** Signs of an attack. */
  ATTACKS: { years: 1, because: 'it serves to notice attacks (statement G3)' },
} as const;

/** Who sees an entry besides the platform's privacy officers and auditors; a client by its privacy officers. */
const entryReaders = {
  CLIENT: 'the client',
  AFTER_GAG: 'the client, once no gag order covers it',
  PLATFORM: 'nobody',
} as const;

interface EntryKind {
  readonly title: string;
  /** CLIENT unless told. An entry that is the platform's alone names no client. */
  readonly seenBy?: keyof typeof entryReaders;
  /** EVIDENCE unless told. */
  readonly retention?: keyof typeof entryRetention;
}

/** Every kind of entry in the ledger. A kind that is not here cannot be recorded. */
export const auditKinds = {
  ACCESS: { title: 'An operation, or one event of a subscription, was answered.', retention: 'ACCOUNTING' },
  SIGN_IN_FAILED: { title: 'Sign-ins failed in the last minute.', seenBy: 'PLATFORM', retention: 'ATTACKS' },
  CHANGE_FAILED: { title: 'A change that was recorded before was not made.' },

  CLIENT_REGISTERED: { title: 'A client was registered.' },
  CLIENT_CONTACTS_NAMED: { title: 'A client named its representative or its data protection officer.' },
  AGREEMENT_SIGNED: { title: 'A client signed an agreement.' },
  SUB_PROCESSOR_REGISTERED: { title: 'A sub-processor was registered, or its terms changed.', seenBy: 'PLATFORM' },
  APPLICATION_REGISTERED: { title: 'An application was registered, or its terms changed.', seenBy: 'PLATFORM' },
  APPLICATION_INSTALLED: { title: 'A client installed an application, or accepted its new privacy notice.' },
  RECIPIENT_CERTIFIED: { title: 'What frameworks list a recipient was recorded.', seenBy: 'PLATFORM' },
  WEBHOOK_REGISTERED: { title: 'An address was registered that erasures and notices are told to.' },
  WEBHOOK_DELIVERED: { title: 'A recipient was told.' },
  WEBHOOK_UNDELIVERED: { title: 'A recipient could not be told; it is not tried again.' },
  WEBHOOK_ACKNOWLEDGED: { title: 'A recipient confirmed what it was told.' },

  WEBHOOK_SEALED_AGAIN: { title: "An endpoint's secret was sealed under a newer key of the platform." },
  KEY_PUBLISHED: { title: 'A new key of the platform was published.', seenBy: 'PLATFORM' },
  KEY_DESTROYED: { title: 'The secret of an earlier key of the platform was destroyed.', seenBy: 'PLATFORM' },

  GRANT_GIVEN: { title: 'A client permitted reading for a purpose.' },
  GRANT_WITHDRAWN: { title: 'A client withdrew such a permission.' },
  INSTRUCTION_GIVEN: { title: 'A client instructed platform staff.' },
  INSTRUCTION_WITHDRAWN: { title: 'A client withdrew an instruction.' },
  PROPOSED: { title: 'An act was proposed that a second person must confirm.' },
  PROPOSAL_CONFIRMED: { title: 'A second person confirmed a proposed act.' },
  PROPOSAL_REFUSED: { title: 'A proposed act was refused.' },

  RESTRICTION_SET: { title: "A person's processing was restricted (GDPR Art. 18)." },
  RESTRICTION_LIFTED: { title: 'A restriction was lifted.' },
  OBJECTIONS_SET: { title: "A person's objections changed (GDPR Art. 21)." },
  AUTOMATED_DECISION_RECORDED: { title: 'A decision by automated means was recorded (GDPR Art. 22).' },
  RESIDENCY_CHANGED: { title: 'The country whose law covers a person changed.' },
  EXTERNAL_ID_SHARED: { title: 'A person was given an external id that another one has.' },
  ERASED_TAKEN_IN: { title: 'A person known to have been erased was taken in again.' },
  ERASED_ALLOWED: { title: 'An import was let take in people who were erased.' },
  IMPORT_STARTED: { title: 'An import began.' },
  IMPORT: { title: 'An import ended.' },

  ERASURE_REQUESTED: { title: "A person's erasure was requested." },
  ERASURES_REQUESTED: { title: 'The erasure of many people was requested.' },
  ERASURE_CANCELLED: { title: 'An erasure was taken back before it began.' },
  ERASURE_EXECUTED: { title: 'An erasure was carried out.' },
  ERASURE_PARTLY: { title: 'An erasure was carried out but for what a hold keeps.' },
  ERASURE_FAILED: { title: 'An erasure failed; it is tried again.' },
  ERASURE_REPLAYED: { title: 'An erasure was done again after a backup was restored.' },
  CLIENT_TERMINATED: { title: "The end of a client's agreement was recorded." },
  CLIENT_ERASURE_BEGUN: { title: "The erasure of a client's data began." },
  SUBJECT_KEY_DESTROYED: { title: "A person's key is destroyed." },
  CLIENT_SECRET_PUBLISHED: { title: 'A new secret of the client was made; pseudonyms change with it.' },
  CLIENT_SECRET_DESTROYED: { title: 'An earlier secret of the client was destroyed.' },
  CLIENT_KEY_DESTROYED: { title: "A client's key is destroyed." },
  ORPHAN_KEYS_DESTROYED: { title: 'Keys that seal nothing any more are destroyed.' },
  KEY_EPOCH_ENDED: { title: 'An epoch of keys ended: what was deleted in it is final.', seenBy: 'PLATFORM' },
  KEYS_RESTORED: { title: "A backup of a keys' store was put back.", seenBy: 'PLATFORM' },
  LEGAL_HOLD_PLACED: { title: 'A legal hold was placed on a person.' },
  LEGAL_HOLD_RELEASED: { title: 'A legal hold was released.' },
  RETENTION_SET: { title: 'A client changed how long it keeps a category.' },

  EXPORT_REQUESTED: { title: "An export of a client's data was requested." },
  EXPORT_MADE: { title: 'An export is ready.' },
  EXPORT_DOWNLOADED: { title: 'An export is downloaded.' },
  EXPORT_COLLECTED: { title: 'An export was downloaded to its end.' },
  EXPORT_NOT_COLLECTED: { title: 'A client ends, and nobody has collected its export.' },
  EXPORT_EXPIRED: { title: 'An export was removed at the end of its time.' },
  EXPORT_DISCARDED: { title: 'An export was removed before its time.' },

  TRANSFER_REQUESTED: { title: 'The approval of a transfer was requested.' },
  TRANSFER_APPROVED: { title: 'A transfer was approved.' },
  TRANSFER_REJECTED: { title: 'A transfer was rejected.' },
  TRANSFER_SUSPENDED: { title: 'An approval was suspended.' },
  TRANSFER_RESUMED: { title: 'A suspended approval counts again.' },
  TRANSFER_REVOKED: { title: 'An approval was ended for good.' },
  LEGAL_BASIS_SUSPENDED: { title: 'A legal basis counts no more, for the whole platform.', seenBy: 'PLATFORM' },
  LEGAL_BASIS_REINSTATED: { title: 'A suspended legal basis counts again.', seenBy: 'PLATFORM' },

  DISCLOSURE_REQUESTED: { title: 'A disclosure was asked for (statement S4).', seenBy: 'AFTER_GAG' },
  DISCLOSURE_MADE: { title: 'A disclosure was approved, and is made.', seenBy: 'AFTER_GAG' },
  DISCLOSURE_REFUSED: { title: 'A disclosure was refused.', seenBy: 'AFTER_GAG' },
  DISCLOSURE_NOTIFIED: { title: 'A client was told of a disclosure at once.' },
  DISCLOSURE_TOLD: { title: 'A client was told of a disclosure when its gag order ended.' },

  LOG_OPENED: { title: 'A log of the ledger begins.', seenBy: 'PLATFORM' },
  LOG_PRUNED: { title: 'Entries whose time is over were removed from a log.', seenBy: 'PLATFORM' },
  LOG_GAP_ACKNOWLEDGED: { title: 'The end of a log is lost, as after a restore.', seenBy: 'PLATFORM' },
  RECORDS_ADOPTED: { title: 'Records were accepted as they are, though the ledger says otherwise.' },
} as const satisfies Record<string, EntryKind>;

export type AuditKind = keyof typeof auditKinds;

/** The catalogue's entry of a kind, with defaults. Kinds that an older release wrote get the defaults too. */
export function auditKind(kind: string): Required<EntryKind> {
  const known: EntryKind | undefined = Object.hasOwn(auditKinds, kind) ? auditKinds[kind as AuditKind] : undefined;
  const { title = 'Written by an earlier release.', seenBy = 'CLIENT', retention = 'EVIDENCE' } = known ?? {};
  return { title, seenBy, retention };
}

/** The catalogue as the rows of a Markdown table. */
export function auditKindTable(): string {
  const rows = Object.keys(auditKinds).map((name) => {
    const { title, seenBy, retention } = auditKind(name);
    return `| \`${name}\` | ${title} | ${entryReaders[seenBy]} | ${entryRetention[retention].years} |`;
  });
  return ['| kind | what happened | who sees it too | years kept |', '|---|---|---|---|', ...rows].join('\n');
}
