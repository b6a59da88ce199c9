import { GraphiQL, type GraphiQLProps } from 'graphiql';
import { parse } from 'graphql';
import { useEffect, useMemo, useRef, useState } from 'react';
import { AccessPanel } from './access-panel';
import type { Decision } from './decision';
import { DecisionPane } from './decision-pane';
import type { Purpose } from './purposes';
import { keepEditor, keepPurpose, keepToken, type Session } from './session';
import { useSignIn } from './sign-in';
import { createFetcher, explain } from './transport';

const settleMilliseconds = 250;

/** The whole page: access on the left, GraphiQL in the middle, the decision by its result. */
export function App({ session }: { session: Session }) {
  const [token, setToken] = useState(session.token);
  const [purpose, setPurpose] = useState(session.purpose);
  const [decision, setDecision] = useState<Decision | null>();
  const tokenNow = useRef(token);
  const purposeNow = useRef(purpose);
  const editorNow = useRef(session.editor);

  // A new fetcher makes GraphiQL introspect again: each role sees its own contract. What runs takes the token as it is
  // now, settled or not.
  const settledToken = useSettled(token);
  const fetcher = useMemo(() => {
    const callerNow = () => ({ token: tokenNow.current, purpose: purposeNow.current });
    return createFetcher(settledToken, callerNow, setDecision);
  }, [settledToken]);

  const changeToken = (next: string) => {
    keepToken(next);
    tokenNow.current = next;
    setToken(next);
  };
  const signIn = useSignIn(changeToken);
  const changePurpose = (next: Purpose | undefined) => {
    keepPurpose(next);
    purposeNow.current = next;
    setPurpose(next);
  };
  const changeTab: GraphiQLProps['onTabChange'] = ({ tabs, activeTabIndex }) => {
    const tab = tabs[activeTabIndex];
    if (!tab) return;
    editorNow.current = {
      query: tab.query ?? '',
      variables: tab.variables ?? '',
      operationName: tab.operationName ?? undefined,
    };
    keepEditor(editorNow.current);
  };
  const explainNow = () => {
    if (purpose === undefined) return;
    setDecision(null);
    void explain(token, purpose, { ...editorNow.current, operationName: chosenOperation(editorNow.current) }).then(
      setDecision,
    );
  };

  return (
    <div className="playground">
      <AccessPanel token={token} purpose={purpose} onToken={changeToken} onPurpose={changePurpose} signIn={signIn} />
      <main>
        <GraphiQL
          fetcher={fetcher}
          storage={sessionStorage}
          initialQuery={session.editor.query}
          initialVariables={session.editor.variables}
          onTabChange={changeTab}
          isHeadersEditorEnabled={false}
          showPersistHeadersSettings={false}
          shouldPersistHeaders={false}
        >
          <GraphiQL.Logo>
            <span />
          </GraphiQL.Logo>
        </GraphiQL>
        <DecisionPane decision={decision} canExplain={purpose !== undefined} onExplain={explainNow} />
      </main>
    </div>
  );
}

/** The operation the editor would run: the one last chosen, else the document's first. */
function chosenOperation({ query, operationName }: Session['editor']): string | undefined {
  if (operationName !== undefined) return operationName;
  try {
    const first = parse(query).definitions.find((definition) => definition.kind === 'OperationDefinition');
    return first?.name?.value;
  } catch {
    return undefined;
  }
}

/** `value` once it has rested: a token typed by hand is not introspected letter by letter. */
function useSettled(value: string): string {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), settleMilliseconds);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}
