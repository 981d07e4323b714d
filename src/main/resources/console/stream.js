// Server-sent events with an Authorization header, which EventSource can't send. Reconnects until
// the server refuses it.

const FIRST_DELAY_MS = 500;
const MAX_DELAY_MS = 10_000;
/** The pod sends an update every second. */
const SILENCE_MS = 5_000;

/**
 * @typedef {{name: 'connecting'} | {name: 'live'} | {name: 'waiting'} | {name: 'refused', status:
 *     number, reason: string | undefined}} State `refused` is final
 */

/**
 * Receives events until the server refuses the request or the caller ends it.
 *
 * @param {string} url
 * @param {string} token
 * @param {(event: any) => void} onEvent the parsed event; `first` marks the first event of a
 *     connection
 * @param {(state: State) => void} onState @returns {() => void} ends the stream
 */
export function watch(url, token, onEvent, onState) {
  let ended = false;
  let current = new AbortController();
  let attempts = 0;

  async function connect() {
    onState({ name: 'connecting' });
    current = new AbortController();
    let silence = setTimeout(() => current.abort(), SILENCE_MS);
    try {
      const answer = await fetch(url, {
        headers: { Authorization: `Bearer ${token}`, Accept: 'text/event-stream' },
        cache: 'no-store',
        signal: current.signal,
      });
      if ([401, 403, 404].includes(answer.status)) {
        const reason = await detail(answer);
        if (ended) return;
        ended = true;
        return onState({ name: 'refused', status: answer.status, reason });
      }
      if (!answer.ok || !answer.body) throw new Error(answer.statusText);
      let rest = '';
      let first = true;
      for await (const text of parts(answer.body)) {
        clearTimeout(silence);
        silence = setTimeout(() => current.abort(), SILENCE_MS);
        const events = (rest + text).split('\n\n');
        rest = events.pop() ?? '';
        for (const event of events.map(data).filter(Boolean)) {
          if (first) onState({ name: 'live' });
          onEvent({ ...JSON.parse(event), first });
          first = false;
          attempts = 0;
        }
      }
    } catch {
      // A broken, silent or failed connection is retried alike.
    } finally {
      clearTimeout(silence);
    }
    if (ended) return;
    onState({ name: 'waiting' });
    setTimeout(() => ended || connect(), Math.random() * Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** attempts++));
  }

  connect();
  return () => {
    ended = true;
    current.abort();
  };
}

/**
 * Returns the detail of a problem, if it can be read.
 *
 * @param {Response} answer @returns {Promise<string | undefined>}
 */
async function detail(answer) {
  try {
    return (await answer.json()).detail;
  } catch {
    return undefined;
  }
}

/** @param {ReadableStream<Uint8Array>} body */
async function* parts(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) yield part.value;
}

/** @param {string} event */
function data(event) {
  return event
    .split('\n')
    .filter((line) => line.startsWith('data:'))
    .map((line) => line.slice(5))
    .join('\n');
}
