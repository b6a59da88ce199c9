import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../support/root';

interface Panel {
  readonly targets?: readonly { readonly expr: string }[];
}

const dashboard = JSON.parse(readFileSync(join(root, 'deploy/grafana/remit.json'), 'utf8')) as { panels: Panel[] };

/** What the dashboard asks Prometheus, with Grafana's variables filled in. */
export const dashboardExpressions: readonly string[] = dashboard.panels
  .flatMap(({ targets = [] }) => targets)
  .map(({ expr }) => expr.replaceAll('$__rate_interval', '5m').replaceAll('$job', 'remit'));
