import { type Decision, meaningOf, type Outcome } from './decision';
import { DecisionTable } from './decision-table';

interface DecisionPaneProps {
  /** undefined before the first run, null while one is under way. */
  decision: Decision | null | undefined;
  canExplain: boolean;
  onExplain(): void;
}

/** By the result: what was decided for each coordinate, and why. */
export function DecisionPane({ decision, canExplain, onExplain }: DecisionPaneProps) {
  return (
    <section className="decision" aria-labelledby="decision-title">
      <header className="row">
        <h2 id="decision-title">Decision</h2>
        <span className="quiet" id="explain-note">
          {canExplain ? 'Explaining reads no data.' : 'Choose a purpose to explain for.'}
        </span>
        <button type="button" disabled={!canExplain} aria-describedby="explain-note" onClick={onExplain}>
          Explain this query
        </button>
      </header>
      <div className="summary">
        <p role="status">{summaryOf(decision)}</p>
        <References of={decision?.references ?? []} />
      </div>
      {decision?.faults.map(({ code, message }) => (
        <p key={`${code} ${message}`} className="notice">
          {code ? <code>{code}</code> : null} {meaningOf(code)} {message}
        </p>
      ))}
      {decision && decision.verdicts.length > 0 ? <DecisionTable decision={decision} /> : null}
    </section>
  );
}

/** The ids by which the decision is found again: in the policy's history and in the audit. */
function References({ of }: { of: Decision['references'] }) {
  if (of.length === 0) return null;
  return (
    <dl>
      {of.map(({ label, value }) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd>
            <code>{value}</code>
          </dd>
        </div>
      ))}
    </dl>
  );
}

function summaryOf(decision: DecisionPaneProps['decision']): string {
  if (decision === undefined) return 'Run the query to see what was decided, or explain it first.';
  if (decision === null) return 'Running.';
  const stated = decision.purpose ? `For ${decision.purpose}` : 'With no purpose stated';
  const count = (outcome: Outcome) => new Set(coordinatesOf(decision, outcome)).size;
  const refused = `${count('WITHHELD')} withheld, ${count('DEIDENTIFIED')} de-identified`;
  if (decision.kind === 'explanation') {
    if (decision.faults.length > 0) return `${stated}: the query could not be explained.`;
    return `${stated} this query would see: ${count('CLEAR')} clear, ${refused}. Nothing was read.`;
  }
  if (decision.verdicts.length > 0) return `${stated}: ${refused}. Whatever else was answered is in the clear.`;
  return decision.faults.length > 0
    ? `${stated}: refused or failed.`
    : `${stated}: nothing was withheld or de-identified.`;
}

function coordinatesOf(decision: Decision, outcome: Outcome): string[] {
  return decision.verdicts.filter((verdict) => verdict.outcome === outcome).map((verdict) => verdict.coordinate);
}
