// The list of connected users: requested from the pod page by page, and again after changes.

import { count, many, since } from './format.js';

const MIN_BETWEEN_MS = 2_000;
const TYPING_MS = 200;

const element = (id) => document.getElementById(id);

/**
 * @param {(path: string, options?: RequestInit) => Promise<Response>} ask sends a request with the token
 * @returns {{changed: (state: string) => void, clear: () => void}} `changed` reloads the list when the state differs from the last
 */
export function connections(ask) {
  let after = '';
  let known = '';
  let asked = 0;
  let turn = 0;
  let timer;

  async function find() {
    clearTimeout(timer);
    asked = Date.now();
    const mine = ++turn;
    const query = new URLSearchParams({ text: element('text').value.trim(), after });
    const answer = await ask(`/api/console/users?${query}`).catch(() => undefined);
    if (mine !== turn || !answer?.ok) return;
    const { total, users, next } = await answer.json();
    if (mine !== turn) return;
    const searched = query.get('text') !== '';
    element('found').textContent =
      total === 0 ? (searched ? 'No user matches.' : 'No user is connected.') : `${many(total, 'user')}${searched ? (total === 1 ? ' matches' : ' match') : ''}`;
    show(users);
    grow();
    element('first').hidden = after === '';
    element('next').hidden = next === undefined;
    element('next').onclick = () => turnTo(next);
  }

  function turnTo(user) {
    after = user;
    find();
  }

  function later(delay) {
    clearTimeout(timer);
    timer = setTimeout(find, delay);
  }

  async function disconnect(user) {
    element('done').textContent = '';
    const answer = await ask(`/api/users/${encodeURIComponent(user)}/connections`, { method: 'DELETE' }).catch(() => undefined);
    const said = await answer?.json().catch(() => undefined);
    element('done').textContent = !answer?.ok
      ? `${user} was not disconnected: ${said?.detail ?? 'no response'}`
      : said.scope === 'fleet'
        ? `${user} was disconnected: ${many(said.closed, 'connection')}; ${many(said.pods.answered.length, 'pod')} of ${said.receivers} answered`
        : `${user} was disconnected: ${many(said.closed, 'connection')} on this pod`;
    find();
  }

  element('search').onsubmit = (event) => event.preventDefault();
  element('text').oninput = () => {
    after = '';
    later(TYPING_MS);
  };
  element('first').onclick = () => turnTo('');
  element('users').onclick = ({ target }) => {
    if (!target.dataset.user) return;
    element('whom').textContent = target.dataset.user;
    element('disconnect').onclick = () => {
      element('confirm').close();
      disconnect(target.dataset.user);
    };
    element('confirm').showModal();
  };
  element('cancel').onclick = () => element('confirm').close();

  return {
    changed(state) {
      grow();
      if (state === known) return;
      known = state;
      later(Math.max(0, asked + MIN_BETWEEN_MS - Date.now()));
    },
    clear() {
      clearTimeout(timer);
      turn++;
      known = after = element('text').value = element('done').textContent = element('found').textContent = '';
      element('users').replaceChildren();
    },
  };
}

/** Changes as few rows as possible, so that a focused button keeps the focus. */
function show(users) {
  const body = element('users');
  const rows = new Map([...body.rows].map((row) => [row.dataset.user, row]));
  const wanted = new Set(users.map(({ user }) => user));
  rows.forEach((row, user) => wanted.has(user) || row.remove());
  let place = body.firstElementChild;
  for (const one of users) {
    const row = rows.get(one.user) ?? newRow(one.user);
    if (row === place) place = place.nextElementSibling;
    else body.insertBefore(row, place);
    row.dataset.since = one.since;
    row.dataset.about = `${many(one.connections, 'connection')}, ${one.connections === 1 ? 'for' : 'the oldest for'} `;
    const more = one.hears - one.channels.length;
    const channels = more ? [...one.channels, `and ${count(more)} more`] : one.channels;
    if (row.dataset.channels !== channels.join(' ')) {
      row.dataset.channels = channels.join(' ');
      row.cells[1].replaceChildren(...channels.flatMap((name) => [span('channel', name), ' ']));
    }
  }
}

/** Updates the durations. */
function grow() {
  for (const row of element('users').rows) {
    const text = row.dataset.about + since(row.dataset.since);
    if (row.querySelector('.about').textContent !== text) row.querySelector('.about').textContent = text;
  }
}

function newRow(user) {
  const row = document.createElement('tr');
  row.dataset.user = user;
  const name = document.createElement('th');
  name.scope = 'row';
  name.append(user, span('about soft', ''));
  const button = Object.assign(document.createElement('button'), { type: 'button', textContent: 'Disconnect' });
  button.dataset.user = user;
  button.setAttribute('aria-label', `Disconnect ${user}`);
  row.append(name, document.createElement('td'), document.createElement('td'));
  row.cells[2].append(button);
  return row;
}

function span(className, textContent) {
  return Object.assign(document.createElement('span'), { className, textContent });
}
