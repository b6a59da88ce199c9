interface Place {
  readonly log: string;
  readonly sequence: number;
  readonly id: string;
  readonly client: string | null;
}

/**
 * Whether an entry's canonical JSON says that it stands here, without parsing it: verification asks this of each of
 * millions, and parsing would take most of its time. Its members are looked for where the canonical form has them: the
 * client first, then id, kind and log side by side, then the sequence.
 * @returns false also where the form is another, or the entry speaks of logs: parse it then
 */
export function standsAt(body: Buffer, { log, sequence, id, client }: Place): boolean {
  const text = body.toString('latin1');
  // Columns are quoted as JSON quotes: whoever puts a quotation mark into one finds no other members by it.
  if (!text.startsWith(`{"client":${JSON.stringify(client)},`)) return false;
  const beginning = `,"id":${JSON.stringify(id)},"kind":"`;
  const at = text.indexOf(beginning);
  if (at < 0 || text.startsWith('LOG_', at + beginning.length)) return false;
  const kindEnd = text.indexOf('"', at + beginning.length);
  const ending = `","log":${JSON.stringify(log)},`;
  return text.startsWith(ending, kindEnd) && text.includes(`,"sequence":${sequence},`, kindEnd + ending.length - 1);
}
