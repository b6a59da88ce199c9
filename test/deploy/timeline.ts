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
 * Puts real scrapes on a timeline, each pair stretched to two hours, and asks Prometheus in which of the phases the
 * alert fired.
 */
export function firing(promtool: string, alert: string, phases: readonly Phase[]): boolean[] {
  const rule = alertRules.find((each) => each.alert === alert);
  if (!rule) throw new Error(`there is no alert ${alert}`);
  const names = new Set(metricsIn(rule.expr).keys());
  const all = new Set(phases.flatMap((phase) => phase.flatMap((scrape) => [...scrape.keys()])));
  const series = [...all].filter((each) => names.has(each.replace(/\{.*/, '')));
  const input = series.map((each) => ({ series: labelled(each), values: valuesOf(each, phases) }));
  return phases.map((_, index) => {
    const fired = `sum(count_over_time(ALERTS{alertname="${alert}", alertstate="firing"}[${MINUTES - SETTLED}m]))`;
    const test = {
      rule_files: ['alerts.yaml'],
      evaluation_interval: '1m',
      tests: [
        {
          interval: '1m',
          input_series: input,
          promql_expr_test: [
            {
              expr: `${fired} > bool 0 or vector(0)`,
              eval_time: `${(index + 1) * MINUTES - 1}m`,
              exp_samples: [{ value: 1 }],
            },
          ],
        },
      ],
    };
    const { ok, output } = runPromtool(promtool, ['test', 'rules', 'timeline.yaml'], {
      'timeline.yaml': JSON.stringify(test),
      'alerts.yaml': readFileSync(rulesFile, 'utf8'),
    });
    if (!ok && !/got:\s*\{\} 0E\+00/.test(output)) throw new Error(output);
    return ok;
  });
}

/** The series with the labels that a Prometheus gives to what it scrapes. */
function labelled(series: string): string {
  const [, name = '', labels = ''] = /^(\w+)(?:\{(.*)\})?$/.exec(series) ?? [];
  return `${name}{${['job="remit"', 'instance="a"', ...(labels === '' ? [] : [labels])].join(', ')}}`;
}

function valuesOf(series: string, phases: readonly Phase[]): string {
  return phases
    .map(([from, to]) => {
      const [first, last] = [from.get(series), to.get(series)];
      if (first === undefined || last === undefined) return Array(MINUTES).fill('_').join(' ');
      const step = (last - first) / (MINUTES - 1);
      return `${first}${step < 0 ? '-' : '+'}${Math.abs(step).toFixed(9)}x${MINUTES - 1}`;
    })
    .join(' ');
}
