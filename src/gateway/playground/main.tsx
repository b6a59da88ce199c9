import 'graphiql/setup-workers/vite';
import 'graphiql/style.css';
import './playground.css';
import { createRoot } from 'react-dom/client';
import { App } from './app';
import { holdsHandOver, openSession } from './session';

const root = document.getElementById('root');
if (!root) throw new Error('index.html has no #root to render into');
createRoot(root).render(<App session={openSession()} />);

// A second link pasted into the same tab changes only the fragment: start again, and read it as the first was read.
window.addEventListener('hashchange', () => {
  if (holdsHandOver(location.hash)) location.reload();
});
