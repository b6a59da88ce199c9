import type { EntryBody } from '../log/appender';
import { canonical, type Json, type Written } from '../log/canonical';

/** What all entries of one caller's accesses by one decision say. */
export interface SharedByAccesses {
  readonly client: string | undefined;
  readonly coordinates: Written;
  readonly counts: Written;
  readonly country: string | null;
  readonly decision: string | null;
  readonly operation: string | null;
  readonly operationHash: string | null;
  readonly permissions: readonly string[];
  readonly policyVersion: string | null;
  readonly principal: string | null;
  readonly principalName: string | null;
  readonly purpose: string | null;
  readonly roles: readonly string[];
  readonly transport: string;
}

/** What only the entry of one access says. */
export interface OneAccess {
  readonly codes: ReadonlyMap<string, number>;
  readonly id: string;
  readonly microseconds: number;
  readonly result: string;
  readonly rowsWithheld: readonly string[];
  readonly subjects: readonly string[];
  readonly time: string;
  readonly transferBases: readonly string[];
}

/** Writes the entry of one access, but for its place. */
export type AccessTemplate = (one: OneAccess) => EntryBody;

/**
 * The canonical JSON of accesses. Members are in canonical order, so that nothing has to be sorted, and what entries
 * share is written once. Ids, references and times are plain texts.
 */
export function accessTemplate(shared: SharedByAccesses): AccessTemplate {
  const client = `{"client":${plain(shared.client ?? null)},"codes":`;
  const decision =
    `,"coordinates":${shared.coordinates.text},"country":${json(shared.country)},"counts":${shared.counts.text},` +
    `"decision":${plain(shared.decision)},"id":"`;
  const operation =
    `,"operation":${json(shared.operation)},"operationHash":${plain(shared.operationHash)},` +
    `"permissions":${json(shared.permissions)},"policyVersion":${json(shared.policyVersion)},` +
    `"principal":${plain(shared.principal)},"principalName":${plain(shared.principalName)},` +
    `"purpose":${json(shared.purpose)},"result":"`;
  const roles = `","roles":${json(shared.roles)},"rowsWithheld":`;
  const end = `,"transport":"${shared.transport}","version":1}`;
  return ({ codes, id, microseconds, result, rowsWithheld, subjects, time, transferBases }) =>
    (log, sequence) =>
      `${client}${codes.size === 0 ? '{}' : canonical(Object.fromEntries(codes))}${decision}${id}` +
      `","kind":"ACCESS","log":"${log}","microseconds":${microseconds}${operation}${result}${roles}` +
      `${list(rowsWithheld)},"sequence":${sequence},"subjects":${plainList(subjects)},"time":"${time}",` +
      `"transferBases":${list(transferBases)}${end}`;
}

const json = (value: Json): string => JSON.stringify(value);
const list = (texts: readonly string[]): string => (texts.length === 0 ? '[]' : JSON.stringify(texts));
const plain = (text: string | null): string => (text === null ? 'null' : `"${text}"`);
const plainList = (texts: readonly string[]): string => (texts.length === 0 ? '[]' : `["${texts.join('","')}"]`);
