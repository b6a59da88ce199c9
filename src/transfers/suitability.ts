import type { RecipientKind } from '../identity/recipient';
import { addDays, dayOf, endOf } from '../law/calendar';
import type { Law } from '../law/law';
import { derogationDays, derogationSubjects, type LegalRole, sccModules, type ToolTerms } from '../law/tools';
import { type DataImporter, findByLaw, provisionOf, regimeOf, type Suspension, suspendedAt } from '../law/transfer';

/** A requested approval, after its references were checked. */
export interface RequestedTransfer {
  readonly recipientKind: RecipientKind;
  readonly recipient: DataImporter;
  /** The third party's country in the register. Undefined where the recipient may be anywhere. */
  readonly registeredCountry: string | undefined;
  readonly destinationCountry: string;
  readonly mechanism: string;
  readonly sccModule: number | null;
  readonly assessment: string | null;
  readonly safeguards: readonly string[];
  readonly authorisation: string | null;
  readonly residencies: readonly string[] | null;
  /** How many people it names; null is for all. */
  readonly namedSubjects: number | null;
  readonly validFrom: number;
  readonly validUntil: number | null;
}

/** A fact that does not fit the mechanism. */
export interface Mismatch {
  /** The field of the input. */
  readonly fact: string;
  readonly why: string;
}

/**
 * Roles of exporter and importer, by kind of recipient. The client is the controller, the platform its processor (R1).
 */
const roles: Readonly<Record<RecipientKind, ReadonlyArray<{ exporter: LegalRole; importer: LegalRole }>>> = {
  // The platform returns the controller's own data.
  CLIENT: [{ exporter: 'PROCESSOR', importer: 'CONTROLLER' }],
  // The publisher acts for the client, or as a controller itself.
  APPLICATION: [
    { exporter: 'CONTROLLER', importer: 'CONTROLLER' },
    { exporter: 'CONTROLLER', importer: 'PROCESSOR' },
  ],
  SUB_PROCESSOR: [{ exporter: 'PROCESSOR', importer: 'PROCESSOR' }],
  PLATFORM: [{ exporter: 'CONTROLLER', importer: 'PROCESSOR' }],
};

/**
 * Whether mechanism and facts fit (GDPR Art. 45, 46, 49; Decision (EU) 2021/914; statement T2).
 * @returns every fact that does not; none where they fit
 */
export function mismatchesOf(
  law: Law,
  asked: RequestedTransfer,
  at: number,
  suspensions: readonly Suspension[],
): Mismatch[] {
  const tool = law.tools[asked.mechanism];
  if (!tool) return [{ fact: 'mechanism', why: 'it is no mechanism that is known here' }];
  const { registeredCountry, destinationCountry } = asked;
  const elsewhere = registeredCountry !== undefined && registeredCountry !== destinationCountry;
  const begins = Math.max(at, asked.validFrom);
  return [
    ...(elsewhere
      ? [{ fact: 'destinationCountry', why: `the register has the recipient in ${registeredCountry}` }]
      : []),
    ...(suspendedAt(suspensions, begins, asked.mechanism) ? [{ fact: 'mechanism', why: 'it is suspended' }] : []),
    ...byKind[tool.kind](law, asked, begins, suspensions),
    ...moduleMismatches(asked, tool.modules === true),
    ...(tool.assessment && !asked.assessment
      ? [{ fact: 'assessment', why: "the destination's law has to be assessed for this mechanism (CJEU C-311/18)" }]
      : []),
    ...(tool.authorisation && !asked.authorisation
      ? [{ fact: 'authorisation', why: 'the supervisory authority has to authorise it (GDPR Art. 46(3))' }]
      : []),
    ...(tool.publicBodies && asked.recipient.sector !== 'PUBLIC'
      ? [
          {
            fact: 'recipient',
            why: 'this mechanism is for public authorities and bodies only (GDPR Art. 46(2)(a), (3)(b))',
          },
        ]
      : []),
  ];
}

type Check = (law: Law, asked: RequestedTransfer, at: number, suspensions: readonly Suspension[]) => Mismatch[];

const byKind: Readonly<Record<ToolTerms['kind'], Check>> = {
  ADEQUACY: adequacyMismatches,
  SAFEGUARD: safeguardMismatches,
  DEROGATION: derogationMismatches,
  NATIONAL: nationalMismatches,
};

/** The countries whose people the approval covers. */
function exportersOf(law: Law, { residencies }: RequestedTransfer): readonly string[] {
  return residencies ?? [...new Set(law.regimes.flatMap(({ territory }) => territory.map(({ country }) => country)))];
}

function adequacyMismatches(
  law: Law,
  asked: RequestedTransfer,
  at: number,
  suspensions: readonly Suspension[],
): Mismatch[] {
  const found = exportersOf(law, asked).map((country) => findByLaw(law, country, asked.recipient, at, suspensions));
  const findings = found.flatMap((one) => (one.lawful && one.basis === 'ADEQUACY' ? [one.finding] : []));
  if (findings.length === 0) {
    const missing = found.find((one) => !one.lawful);
    const why = missing && !missing.lawful ? missing.missing : 'no transfer takes place';
    return [{ fact: 'mechanism', why: `no adequacy finding carries data to ${asked.destinationCountry}: ${why}` }];
  }
  const lasting = findings.some(
    ({ to }) => to === undefined || (asked.validUntil !== null && asked.validUntil <= endOf(to)),
  );
  const last = findings[0]?.to;
  return lasting
    ? []
    : [{ fact: 'validUntil', why: `the adequacy finding ends on ${last}; the approval has to end with it` }];
}

function safeguardMismatches(
  law: Law,
  asked: RequestedTransfer,
  at: number,
  suspensions: readonly Suspension[],
): Mismatch[] {
  const served = exportersOf(law, asked).filter((country) => {
    const regime = regimeOf(law, country, at);
    return regime && provisionOf(law, asked.mechanism, regime.id, at, suspensions);
  });
  if (served.length === 0) {
    return [{ fact: 'mechanism', why: 'no regime that covers these people knows it at that time' }];
  }
  const abroad = served.some((country) => regimeOf(law, country, at) !== regimeOf(law, asked.destinationCountry, at));
  if (abroad) return [];
  return [
    { fact: 'destinationCountry', why: `${asked.destinationCountry} is under the same law: no transfer takes place` },
  ];
}

function derogationMismatches(
  law: Law,
  asked: RequestedTransfer,
  at: number,
  suspensions: readonly Suspension[],
): Mismatch[] {
  const { namedSubjects, validUntil, validFrom, mechanism, safeguards } = asked;
  const latest = endOf(addDays(dayOf(validFrom), derogationDays));
  const compelling = mechanism === 'DEROGATION_COMPELLING_INTERESTS';
  return [
    ...safeguardMismatches(law, asked, at, suspensions),
    ...(namedSubjects === null || namedSubjects < 1 || namedSubjects > derogationSubjects
      ? [
          {
            fact: 'dataSubjects',
            why: `a derogation names the people it is for, 1 to ${derogationSubjects} (GDPR Art. 49)`,
          },
        ]
      : []),
    ...(validUntil === null || validUntil > latest
      ? [
          {
            fact: 'validUntil',
            why: `a derogation is for the occasion: it ends within ${derogationDays} days (recital 111)`,
          },
        ]
      : []),
    ...(compelling && safeguards.length === 0
      ? [{ fact: 'safeguards', why: 'suitable safeguards have to be provided (GDPR Art. 49(1) second subparagraph)' }]
      : []),
  ];
}

function nationalMismatches(law: Law, { residencies }: RequestedTransfer, at: number): Mismatch[] {
  if (residencies === null || residencies.length === 0) {
    return [{ fact: 'residencies', why: 'the countries of residence whose law was assessed have to be named' }];
  }
  const held = residencies.filter((country) => regimeOf(law, country, at));
  return held.length === 0
    ? []
    : [{ fact: 'residencies', why: `the law of ${held.join(', ')} is held here and asks for a mechanism of its own` }];
}

function moduleMismatches({ sccModule, recipientKind, mechanism }: RequestedTransfer, modules: boolean): Mismatch[] {
  if (!modules) return sccModule === null ? [] : [{ fact: 'sccModule', why: `${mechanism} has no modules` }];
  const fitting = Object.entries(sccModules).filter(([, { exporter, importer }]) =>
    roles[recipientKind].some((role) => role.exporter === exporter && role.importer === importer),
  );
  if (fitting.some(([number]) => Number(number) === sccModule)) return [];
  const named = fitting
    .map(([number, { exporter, importer }]) => `${number} (${exporter.toLowerCase()} to ${importer.toLowerCase()})`)
    .join(' or ');
  return [{ fact: 'sccModule', why: `a ${recipientKind} receives under module ${named}` }];
}
