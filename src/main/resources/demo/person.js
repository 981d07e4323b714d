// One user: the connection, the followed uploads and the received messages.

import { Sluice } from '/console/client/sluice.js';
import { clock } from '/console/format.js';

const MESSAGES = 50;
const UPLOADS = 12;

/**
 * @param {string} name
 * @param {() => Promise<string>} token
 * @param {() => void} remove
 * @returns {{element: HTMLElement, close: () => void}}
 */
export function person(name, token, remove) {
  const element = document.getElementById('person').content.firstElementChild.cloneNode(true);
  const find = (selector) => element.querySelector(selector);
  const uploads = new Map();
  let sluice;

  function connect() {
    sluice = new Sluice('/ws', { token, onMessage: heard, onGap: gap, onMissed: missed, onState: state, onError: refused, onSubscribed: subscribed });
    uploads.forEach((upload, channel) => (upload.end = sluice.subscribe(channel)));
  }

  function state(now) {
    const live = now.name === 'open';
    find('.state').dataset.state = live ? 'live' : now.name === 'closed' ? 'out' : 'lost';
    find('.state').textContent = live
      ? 'live'
      : now.name === 'closed'
        ? `closed: ${now.reason || now.code}`
        : now.name === 'waiting'
          ? `${now.reason.startsWith('no token') ? now.reason : 'connection lost'}, reconnecting`
          : 'connecting';
    find('.again').hidden = now.name !== 'closed';
    find('.start').disabled = !live;
  }

  function gap({ since, until }) {
    find('.gap').hidden = false;
    find('.gap').classList.toggle('over', until !== null);
    find('.gap').textContent = until
      ? `Publications between ${clock(since)} and ${clock(until)} may be lost.`
      : `No subscription to Redis since ${clock(since)}: publications may be lost.`;
  }

  function missed({ channel, count }) {
    line(`${count} publications of ${channel} were skipped: the connection is too slow`);
  }

  function refused({ message, channel }) {
    line(`${channel ?? ''} ${message}`);
  }

  function subscribed({ channel, retained }) {
    line(`subscribed to ${channel}${retained ? ', with a retained publication' : ''}`);
  }

  function heard(data, { channel }) {
    line(typeof data === 'string' ? data : `${data.byteLength} bytes, binary`, channel);
    const message = parse(data);
    switch (message?.action) {
      case 'upload_progress': {
        const { upload_id, progress_percent, message: text, status } = message.payload ?? {};
        return update(`upload:${upload_id}`, progress_percent, text, status);
      }
      case 'upload_completed':
        return update(`upload:${message.upload_id}`, 100, 'completed', 'completed');
      case 'upload_failed':
        return update(`upload:${message.upload_id}`, undefined, message.error_message, 'failed');
      default:
        if (channel !== undefined) update(channel, message?.progress_percent, message?.text ?? 'published');
        if (typeof message?.text === 'string') find('.note').textContent = message.text.slice(0, 200);
    }
  }

  function line(text, channel) {
    const item = document.createElement('li');
    item.append(part('time', clock(Date.now())), ' ');
    if (channel !== undefined) item.append(part('from', channel), ' ');
    const whole = part('text', '');
    // JSON without spaces breaks after commas instead of within words.
    const shown = text.length > 400 ? `${text.slice(0, 400)}…` : text;
    whole.append(...shown.split(/(?<=,)/).flatMap((piece) => [piece, document.createElement('wbr')]));
    item.append(whole);
    find('.messages').prepend(item);
    while (find('.messages').children.length > MESSAGES) find('.messages').lastChild.remove();
  }

  function follow(text) {
    const channel = text.includes(':') ? text : `upload:${text}`;
    if (uploads.has(channel)) return;
    const item = document.getElementById('upload').content.firstElementChild.cloneNode(true);
    item.querySelector('.id').textContent = text;
    item.querySelector('progress').setAttribute('aria-label', `Upload ${text} of ${name}`);
    find('.uploads').prepend(item);
    uploads.set(channel, { item, end: sluice.subscribe(channel) });
    suggest(channel);
    if (uploads.size > UPLOADS) {
      const [oldest, upload] = uploads.entries().next().value;
      upload.end();
      upload.item.remove();
      uploads.delete(oldest);
    }
  }

  function update(channel, percent, text, status) {
    const item = uploads.get(channel)?.item;
    if (!item) return;
    if (Number.isFinite(percent)) {
      item.querySelector('progress').value = percent;
      item.querySelector('.percent').textContent = `${percent} %`;
    }
    item.querySelector('.stage').textContent = text ?? '';
    item.classList.toggle('done', status === 'completed');
    item.classList.toggle('failed', status === 'failed');
  }

  async function work() {
    const ids = Array.from({ length: 3 }, () => Math.random().toString(36).slice(2, 8));
    // Subscribe before the work starts, because each step is published once.
    ids.forEach(follow);
    const answer = await fetch('/dev/uploads', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ user: name, uploads: ids }),
    }).catch(() => undefined);
    if (!answer?.ok) line('the worker was not reached');
  }

  find('h3').textContent = name;
  find('h3').id = `person-${name}`;
  element.setAttribute('aria-labelledby', `person-${name}`);
  find('.messages').setAttribute('aria-label', `Messages of ${name}, newest first`);
  find('.follow input').setAttribute('aria-label', `Id of an upload, or channel, for ${name} to follow`);
  find('.remove').setAttribute('aria-label', `Remove ${name}`);
  find('.remove').onclick = remove;
  find('.again').onclick = connect;
  find('.start').onclick = work;
  find('.follow').onsubmit = (event) => {
    event.preventDefault();
    follow(find('.follow input').value.trim());
    event.target.reset();
  };
  suggest(`user:${name}`);
  connect();
  return {
    element,
    close() {
      sluice.close();
      element.remove();
    },
  };
}

/** @param {string} className @param {string} textContent */
function part(className, textContent) {
  return Object.assign(document.createElement('span'), { className, textContent });
}

/** @param {string} channel offered in the form for publishing */
function suggest(channel) {
  document.getElementById('channels').prepend(Object.assign(document.createElement('option'), { value: channel }));
}

/** @param {string | ArrayBuffer} data */
function parse(data) {
  try {
    return JSON.parse(data);
  } catch {
    return undefined;
  }
}
