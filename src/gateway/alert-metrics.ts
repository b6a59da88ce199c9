import { Counter, type Registry } from 'prom-client';
import type { Alert } from '../audit/alerts/alerts';
import { alertRules } from '../audit/alerts/rules';

/** Counts alerts by rule, never by person or principal. */
export function countAlerts(registry: Registry): (alert: Alert) => void {
  const alerts = new Counter({
    name: 'remit_alerts_total',
    help: 'Accesses that stood out by a rule.',
    labelNames: ['rule'],
    registers: [registry],
  });
  // An increase is only seen of what was there before.
  for (const { kind } of alertRules) alerts.inc({ rule: kind }, 0);
  return ({ rule }) => alerts.inc({ rule });
}
