import { Counter, type Registry } from 'prom-client';
import type { Alert } from '../audit/alerts/alerts';

/** Counts alerts by rule, never by person or principal. */
export function countAlerts(registry: Registry): (alert: Alert) => void {
  const alerts = new Counter({
    name: 'remit_alerts_total',
    help: 'Accesses that stood out by a rule.',
    labelNames: ['rule'],
    registers: [registry],
  });
  return ({ rule }) => alerts.inc({ rule });
}
