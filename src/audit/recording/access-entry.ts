import type { EntryBody } from '../log/appender';
import { canonical, type Json, type Written } from '../log/canonical';

/** What the entry of an access says, but for its place. */
export interface AccessEntry {
  readonly client: string | undefined;
  readonly codes: { readonly [code: string]: number };
  readonly coordinates: Written;
  readonly counts: Written;
  readonly country: string | null;
  readonly decision: string | null;
  readonly id: string;
  readonly microseconds: number;
  readonly operation: string | null;
  readonly operationHash: string | null;
  readonly permissions: readonly string[];
  readonly policyVersion: string | null;
  readonly principal: string | null;
  readonly principalName: string | null;
  readonly purpose: string | null;
  readonly result: string;
  readonly roles: readonly string[];
  readonly rowsWithheld: readonly string[];
  readonly subjects: readonly string[];
  readonly time: string;
  readonly transferBases: readonly string[];
  readonly transport: string;
}

/**
 * The canonical JSON of an access, written member by member: they are in canonical order, and nothing has to be sorted
 * or looked through. Ids, references and times are plain texts.
 */
export const accessBody =
  (entry: AccessEntry): EntryBody =>
  (log, sequence) =>
    `{"client":${plain(entry.client ?? null)},"codes":${canonical(entry.codes)},` +
    `"coordinates":${entry.coordinates.text},"country":${json(entry.country)},"counts":${entry.counts.text},` +
    `"decision":${plain(entry.decision)},"id":"${entry.id}","kind":"ACCESS","log":"${log}",` +
    `"microseconds":${entry.microseconds},"operation":${json(entry.operation)},` +
    `"operationHash":${plain(entry.operationHash)},"permissions":${json(entry.permissions)},` +
    `"policyVersion":${json(entry.policyVersion)},"principal":${plain(entry.principal)},` +
    `"principalName":${plain(entry.principalName)},"purpose":${json(entry.purpose)},"result":"${entry.result}",` +
    `"roles":${json(entry.roles)},"rowsWithheld":${json(entry.rowsWithheld)},"sequence":${sequence},` +
    `"subjects":${plainList(entry.subjects)},"time":"${entry.time}","transferBases":${json(entry.transferBases)},` +
    `"transport":"${entry.transport}","version":1}`;

const json = (value: Json): string => JSON.stringify(value);
const plain = (text: string | null): string => (text === null ? 'null' : `"${text}"`);
const plainList = (texts: readonly string[]): string => (texts.length === 0 ? '[]' : `["${texts.join('","')}"]`);
