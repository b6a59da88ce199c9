import { type Decision, meaningOf, type Outcome, type Verdict } from './decision';

// A sign of its own for each outcome, so that the table reads without colour.
const signs: Record<Outcome, string> = { CLEAR: '✓', DEIDENTIFIED: '≈', WITHHELD: '✕' };

/** One row per coordinate: outcome, code, rule, and in how many rows of the result. */
export function DecisionTable({ decision }: { decision: Decision }) {
  return (
    <table>
      <caption>{decision.kind === 'run' ? 'Decided in this run' : 'Explained, nothing read'}</caption>
      <thead>
        <tr>
          <th scope="col">Coordinate</th>
          <th scope="col">Outcome</th>
          <th scope="col">Code</th>
          <th scope="col">Rule</th>
          <th scope="col">Rows</th>
        </tr>
      </thead>
      <tbody>
        {decision.verdicts.map((verdict) => (
          <VerdictRow key={`${verdict.coordinate} ${verdict.code} ${verdict.path}`} verdict={verdict} />
        ))}
      </tbody>
    </table>
  );
}

function VerdictRow({ verdict }: { verdict: Verdict }) {
  const { coordinate, outcome, method, code, rule, rows, path } = verdict;
  return (
    <tr>
      <th scope="row">
        <code>{coordinate}</code> {path ? <small>{path}</small> : null}
      </th>
      <td>
        <span className={`outcome ${outcome.toLowerCase()}`}>
          <span aria-hidden="true">{signs[outcome]}</span> {outcome}
        </span>{' '}
        {method ? <small>{method}</small> : null}
      </td>
      <td>
        {code ? <code>{code}</code> : null} {code ? <small>{meaningOf(code)}</small> : null}
      </td>
      <td>{rule ? <code>{rule}</code> : null}</td>
      <td data-label={rows === undefined ? undefined : 'Rows'}>{rows}</td>
    </tr>
  );
}
