import { BearerCard } from './bearer-card';
import { type Purpose, purposeNamed, purposes } from './purposes';
import { bareToken } from './session';
import type { useSignIn } from './sign-in';
import { type Bearer, readBearer } from './token';

interface AccessPanelProps {
  token: string;
  purpose: Purpose | undefined;
  onToken(token: string): void;
  onPurpose(purpose: Purpose | undefined): void;
  signIn: ReturnType<typeof useSignIn>;
}

/** Beside the editor: why the data is read, and by whom. */
export function AccessPanel({ token, purpose, onToken, onPurpose, signIn }: AccessPanelProps) {
  const bearer = token === '' ? undefined : readBearer(token);
  const carried = purpose === undefined || bearer === undefined || bearer.purposes.includes(purpose);
  return (
    <aside className="access" aria-label="Access">
      <h1>
        Remit <span>playground</span>
      </h1>
      <fieldset>
        <legend>Purpose</legend>
        {[...purposes, { name: '', meaning: 'State none: personal data is refused.' }].map(({ name, meaning }) => (
          <label key={name} className="purpose">
            <input
              type="radio"
              name="purpose"
              value={name}
              checked={name === (purpose ?? '')}
              onChange={() => onPurpose(purposeNamed(name))}
            />
            <span>
              <b>{name || 'None'}</b>
              <small>{meaning}</small>
            </span>
          </label>
        ))}
        {carried ? null : <p className="notice">The token does not carry purpose:{purpose}; expect a refusal.</p>}
      </fieldset>
      {signIn.begin || signIn.fault ? (
        <section className="sign-in">
          {signIn.begin ? (
            <button type="button" onClick={signIn.begin}>
              Sign in at {signIn.issuer}
            </button>
          ) : null}
          {signIn.fault ? <p className="notice">{signIn.fault}</p> : null}
        </section>
      ) : null}
      <details open={isWide()}>
        <summary>{summaryOf(token, bearer)}</summary>
        <div>
          <section>
            <div className="row">
              <label htmlFor="token">Token</label>
              <button type="button" disabled={token === ''} onClick={() => onToken('')}>
                Forget
              </button>
            </div>
            <input
              id="token"
              type="password"
              autoComplete="off"
              spellCheck={false}
              placeholder="Paste a JWT"
              aria-describedby="token-note"
              value={token}
              onChange={(event) => onToken(bareToken(event.target.value))}
            />
            <small id="token-note">Kept in this browser tab until it closes, and nowhere else.</small>
          </section>
          <section aria-labelledby="bearer-title">
            <h2 id="bearer-title">Who the token says you are</h2>
            <BearerCard token={token} bearer={bearer} />
          </section>
        </div>
      </details>
    </aside>
  );
}

/** There is room for the whole panel; `playground.css` has the same width. */
const isWide = (): boolean => matchMedia('(min-width: 1500px)').matches;

function summaryOf(token: string, bearer: Bearer | undefined): string {
  if (token === '') return 'No token';
  if (!bearer) return 'Token: no JWT';
  return ['Token of', bearer.subject ?? 'nobody named', bearer.tenant && `at ${bearer.tenant}`]
    .filter(Boolean)
    .join(' ');
}
