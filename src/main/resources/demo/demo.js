// Extends the console in dev mode: provides a token, shows several users, and publishes messages.

import { person } from '/demo/person.js';
import { publishing } from '/demo/publish.js';

const MAX_PEOPLE = 8;

export const mints = true;

/** Returns a token for this page; none if the developer configured a verification key. */
export function token() {
  return mint('console', 'operator').catch(() => undefined);
}

/** @param {HTMLElement} place */
export async function show(place) {
  const answer = await fetch('/demo/demo.html');
  place.innerHTML = await answer.text();
  const people = new Map();

  function add(name) {
    if (people.has(name) || people.size === MAX_PEOPLE) return;
    const one = person(name, () => mint(name), () => remove(name));
    people.set(name, one);
    document.getElementById('people').append(one.element);
  }

  function remove(name) {
    people.get(name).close();
    people.delete(name);
    document.getElementById('name').focus();
  }

  document.getElementById('add').onsubmit = (event) => {
    event.preventDefault();
    add(document.getElementById('name').value.trim());
    event.target.reset();
  };
  publishing(() => mint('publisher', 'publisher'));
  add('alice');
  add('bob');
}

/** @param {string} user @param {string} [role] */
async function mint(user, role) {
  const query = new URLSearchParams(role ? { user, role } : { user });
  const answer = await fetch(`/dev/token?${query}`, { method: 'POST' });
  const text = await answer.text();
  if (!answer.ok) throw new Error(text);
  return text.trim();
}
