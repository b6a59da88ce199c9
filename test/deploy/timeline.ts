import { readFileSync } from 'node:fs';
import { alertRules, metricsIn, rulesFile, runPromtool } from './alert-rules';
import type { Scrape } from './watched-product';

/** Two real scrapes, at the beginning and at the end of a time in which something was so. */
export type Phase = readonly [Scrape, Scrape];

/** How many minutes a phase is stretched to: longer than any alert waits. */
const MINUTES = 120;
/** What happened between two phases is over. */
const SETTLED = 15;

/**
 * Puts real scrapes on a timeline, each pair stretched to two hours, and asks Prometheus which alerts fired in which of
 * the phases. Only alerts of the given names are asked for.
 */
export function firing(
  promtool: string,
  alerts: readonly string[],
  phases: readonly Phase[],
): Record<string, boolean[]> {
  const names = new Set(
    alertRules.filter(({ alert }) => alerts.includes(alert)).flatMap(({ expr }) => [...metricsIn(expr).keys()]),
  );
  const all = new Set(phases.flatMap((phase) => phase.flatMap((scrape) => [...scrape.keys()])));
  const series = [...all].filter((each) => names.has(each.replace(/\{.*/, '')));
  // promtool shows a value only where another one was expected.
  const asked = alerts.flatMap((alert) =>
    phases.map((_, index) => ({
      expr: `${firedLately(alert)} > bool 0 or vector(0)`,
      eval_time: `${(index + 1) * MINUTES - 1}m`,
      exp_samples: [{ value: 2 }],
    })),
  );
  const input = series.map((each) => ({ series: labelled(each), values: valuesOf(each, phases) }));
  const test = {
    rule_files: ['alerts.yaml'],
    evaluation_interval: '1m',
    tests: [{ interval: '1m', input_series: input, promql_expr_test: asked }],
  };
  const { output } = runPromtool(promtool, ['test', 'rules', 'timeline.yaml'], {
    'timeline.yaml': JSON.stringify(test),
    'alerts.yaml': readFileSync(rulesFile, 'utf8'),
  });
  const got = [...output.matchAll(/got:\s*\{\} ([01])E\+00/g)].map(([, value]) => value === '1');
  if (got.length !== asked.length) throw new Error(output);
  return Object.fromEntries(
    alerts.map((alert, index) => [alert, got.slice(index * phases.length, (index + 1) * phases.length)]),
  );
}

function firedLately(alert: string): string {
  return `sum(count_over_time(ALERTS{alertname="${alert}", alertstate="firing"}[${MINUTES - SETTLED}m]))`;
}

/** The series with the labels that a Prometheus gives to what it scrapes. */
function labelled(series: string): string {
  const [, name = '', labels = ''] = /^(\w+)(?:\{(.*)\})?$/.exec(series) ?? [];
  return `${name}{${['job="remit"', 'instance="a"', ...(labels === '' ? [] : [labels])].join(', ')}}`;
}

function valuesOf(series: string, phases: readonly Phase[]): string {
  return phases
    .map(([from, to], index) => {
      const first = valueAt(from, series, index * MINUTES);
      const last = valueAt(to, series, (index + 1) * MINUTES - 1);
      if (first === undefined || last === undefined) return Array(MINUTES).fill('_').join(' ');
      const step = (last - first) / (MINUTES - 1);
      return `${first}${step < 0 ? '-' : '+'}${Math.abs(step).toFixed(9)}x${MINUTES - 1}`;
    })
    .join(' ');
}

/** A sample at a minute of the timeline. It begins in 1970: of times, how long ago they were is kept. */
function valueAt(scrape: Scrape, series: string, minute: number): number | undefined {
  const value = scrape.get(series);
  if (value === undefined || !/_timestamp_seconds\b/.test(series)) return value;
  return minute * 60 - ((scrape.get('scraped_at') ?? 0) - value);
}
