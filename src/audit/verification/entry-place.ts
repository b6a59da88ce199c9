interface Place {
  readonly log: string;
  readonly sequence: number;
  readonly id: string;
  readonly client: string | null;
}

/**
 * Whether an entry's canonical JSON states this place, without parsing it. Verification asks this of millions of
 * entries, and parsing would take most of its time. Members are looked for where the canonical form has them: the
 * client first, then id, kind and log side by side, then the sequence.
 * @returns false also where the form differs, or the entry is about logs; parse it then
 */
export function standsAt(body: Buffer, { log, sequence, id, client }: Place): boolean {
  const text = body.toString('latin1');
  // Columns are quoted as JSON quotes them, so a quotation mark in a value cannot imitate another member.
  if (!text.startsWith(`{"client":${JSON.stringify(client)},`)) return false;
  const beginning = `,"id":${JSON.stringify(id)},"kind":"`;
  const at = text.indexOf(beginning);
  if (at < 0 || text.startsWith('LOG_', at + beginning.length)) return false;
  const kindEnd = text.indexOf('"', at + beginning.length);
  const ending = `","log":${JSON.stringify(log)},`;
  return text.startsWith(ending, kindEnd) && text.includes(`,"sequence":${sequence},`, kindEnd + ending.length - 1);
}
