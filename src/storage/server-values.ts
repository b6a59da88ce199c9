import type { DataSource } from 'typeorm';

/**
 * What a server says of its settings or of its state, for this connection. Names that it does not know are left out.
 * @param names in small letters
 */
export async function serverValues<N extends string>(
  source: Pick<DataSource, 'query'>,
  kind: 'VARIABLES' | 'STATUS',
  names: readonly N[],
): Promise<Partial<Record<N, string>>> {
  const list = names.map((name) => `'${name}'`).join(', ');
  const rows = await source.query<{ Variable_name: string; Value: string }[]>(
    `SHOW ${kind} WHERE Variable_name IN (${list})`,
  );
  return Object.fromEntries(rows.map((row) => [row.Variable_name.toLowerCase(), row.Value])) as Partial<
    Record<N, string>
  >;
}
