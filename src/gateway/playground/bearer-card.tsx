import { useEffect, useState } from 'react';
import type { Bearer } from './token';

/** The claims of the token in hand, marked as unverified. */
export function BearerCard({ token, bearer }: { token: string; bearer: Bearer | undefined }) {
  if (token === '') return <p className="quiet">No token. Only what is public answers.</p>;
  if (!bearer) return <p className="notice">This is not a JWT: it has no claims to read.</p>;
  return (
    <>
      <dl>
        <Claim name="Subject" value={bearer.subject} />
        <Claim name="Client" value={bearer.tenant} />
        <Claim name="Roles" value={bearer.roles.join(', ')} />
        <Claim name="Country" value={bearer.country} />
        <Claim name="Purposes" value={bearer.purposes.join(', ')} />
        {bearer.scopes.length > 0 ? <Claim name="Scopes" value={bearer.scopes.join(' ')} /> : null}
        <dt>Expires</dt>
        <dd>{bearer.expiresAt ? <Expiry at={bearer.expiresAt} /> : <i>not said</i>}</dd>
      </dl>
      <small>Read from the token and not verified here. The server verifies it on every request.</small>
    </>
  );
}

function Claim({ name, value }: { name: string; value: string | undefined }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{value || <i>not said</i>}</dd>
    </>
  );
}

function Expiry({ at }: { at: Date }) {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 10_000);
    return () => clearInterval(timer);
  }, []);
  const minutes = Math.round((at.getTime() - now) / 60_000);
  const written = at.toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' });
  if (at.getTime() <= now) return <strong className="expired">expired, {written}</strong>;
  return (
    <>
      {written}
      {minutes < 120 ? `, in ${minutes} min` : ''}
    </>
  );
}
