export interface Measured {
  readonly role: string;
  readonly operations: number;
  readonly seconds: number;
  /** Milliseconds of each operation, by query. */
  readonly times: ReadonlyMap<string, readonly number[]>;
}

/** A Markdown table: a row for each mix, and one for each of its queries. */
export function tableOf(measured: readonly Measured[]): string {
  const lines = [
    '| role, query | operations | per second | median ms | slowest ms |',
    '| --- | ---: | ---: | ---: | ---: |',
  ];
  for (const { role, operations, seconds, times } of measured) {
    const all = [...times.values()].flat();
    lines.push(`| **${role}** | ${operations} | ${(operations / seconds).toFixed(0)} | ${spread(all)} |`);
    for (const [query, each] of times) {
      const perSecond = (1_000 * each.length) / each.reduce((sum, time) => sum + time, 0);
      lines.push(`| ${query} | ${each.length} | ${perSecond.toFixed(0)} | ${spread(each)} |`);
    }
  }
  return lines.join('\n');
}

function spread(times: readonly number[]): string {
  const sorted = [...times].sort((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
  return `${median.toFixed(1)} | ${(sorted.at(-1) ?? 0).toFixed(1)}`;
}
