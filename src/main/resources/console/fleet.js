// The list of the fleet's pods, as they last told of themselves.

import { count, duration, many, since } from './format.js';

const BETWEEN_MS = 10_000;
// A pod tells of itself every ten seconds.
const SILENT_SECONDS = 30;

const element = (id) => document.getElementById(id);

/**
 * @param {(path: string) => Promise<Response>} ask sends a request with the token
 * @returns {{changed: () => void, clear: () => void}} `changed` reloads the list if it is old
 */
export function fleet(ask) {
  let asked = 0;

  async function load() {
    asked = Date.now();
    const answer = await ask('/api/console/pods').catch(() => undefined);
    if (!asked || !answer?.ok) return;
    show(await answer.json());
  }

  return {
    changed() {
      if (Date.now() - asked >= BETWEEN_MS) load();
    },
    clear() {
      asked = 0;
      element('pods').replaceChildren();
    },
  };
}

function show(pods) {
  element('pods').replaceChildren(...pods.map(row));
  element('alone').hidden = pods.length > 1;
}

function row({ member, silentSeconds }) {
  const row = document.createElement('tr');
  const name = document.createElement('th');
  name.scope = 'row';
  name.textContent = member.pod;
  const connections = `${many(member.connections, 'connection')}, ${many(member.users, 'user')}`;
  row.append(name);
  for (const text of [`${member.version}, for ${since(member.started)}`, connections, count(member.gaps)]) row.insertCell().textContent = text;
  const state = row.insertCell();
  const silent = silentSeconds >= SILENT_SECONDS;
  state.textContent = silent ? `silent for ${duration(silentSeconds)}` : member.live ? 'live' : 'not subscribed';
  state.className = silent || !member.live ? 'bad' : '';
  return row;
}
