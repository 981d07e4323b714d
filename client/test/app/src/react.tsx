import { StrictMode, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { usePresence, useSluice } from 'sluice-client/react';
import { query, sluice } from './connection';

function Upload({ id }: { id: string }) {
  const { data, state } = useSluice(sluice, `upload:${id}`);
  const percent: number = typeof data === 'string' ? JSON.parse(data).progress_percent : 0;
  return (
    <p className="upload" title={state.name}>
      {id}: {percent} %
    </p>
  );
}

function Present({ id }: { id: string }) {
  return <em>{usePresence(sluice, `upload:${id}`)?.users.join(', ') ?? 'unknown'}</em>;
}

function Notes({ user }: { user: string }) {
  const [notes, setNotes] = useState<string[]>([]);
  const [gaps, setGaps] = useState(0);
  useSluice(sluice, `user:${user}`, {
    own: true,
    onMessage: (data) => setNotes((before) => [...before, String(data)]),
    onGap: () => setGaps((before) => before + 1),
  });
  return (
    <>
      <ul>
        {notes.map((note, i) => (
          <li key={i}>{note}</li>
        ))}
      </ul>
      <output>{gaps} gaps</output>
    </>
  );
}

function App() {
  const [id, setId] = useState(query.get('upload') ?? '');
  const [more, setMore] = useState(false);
  return (
    <>
      <Upload id={id} />
      {more && <Upload id={id} />}
      <Present id={id} />
      <Notes user={query.get('user') ?? ''} />
      <button onClick={() => setMore(true)}>More</button>
      <button onClick={() => setId(query.get('next') ?? '')}>Next</button>
    </>
  );
}

createRoot(document.getElementById('app')!).render(
  <StrictMode>
    <App />
  </StrictMode>,
);

// Compiled, not run: the types reject these.
export function Mistakes() {
  // @ts-expect-error a channel must be text
  useSluice(sluice, 42);
  // @ts-expect-error no such option
  const { data } = useSluice(sluice, 'upload:42', { onmessage: () => {} });
  // @ts-expect-error the server may not have told yet
  usePresence(sluice, 'upload:42').users;
  // @ts-expect-error there may be no publication yet
  return <p>{data.length}</p>;
}
