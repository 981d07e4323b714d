// The page of dev mode: one WebSocket, the uploads and notifications that come over it.

const user = new URLSearchParams(location.search).get('user') || 'alice';
const element = id => document.getElementById(id);
const WIRE_LINES = 100;
const CARDS = 30;
const NOTES = 20;
// The client's own mistake, or an operator's word: coming back would not help.
const FINAL = new Set([4001, 4002, 4004, 4503]);

const other = user === 'bob' ? 'alice' : 'bob';
const followed = new Set((new URLSearchParams(location.search).get('follow') || '').split(',').filter(Boolean));
let socket;
let attempts = 0;
let live = false;

function show(state, text) {
  element('state').dataset.state = state;
  element('state').textContent = text;
  element('start').disabled = state !== 'live';
  element('follow').querySelector('button').disabled = state !== 'live';
}

function line(direction, text) {
  const item = document.createElement('li');
  item.className = direction;
  item.textContent = `${direction === 'out' ? '→' : '←'} ${text.slice(0, 400)}`;
  const wire = element('wire');
  wire.prepend(item);
  while (wire.children.length > WIRE_LINES) wire.lastChild.remove();
}

function send(message) {
  const { token, ...shown } = message;
  line('out', JSON.stringify(token ? { ...shown, token: '…' } : shown));
  socket.send(JSON.stringify(message));
}

async function connect() {
  show('connecting', 'connecting');
  let token;
  try {
    // A token for each attempt: the one before may have expired, or the key may be new.
    const answer = await fetch(`/dev/token?user=${encodeURIComponent(user)}`, { method: 'POST' });
    if (answer.status >= 400 && answer.status < 500) {
      show('stopped', await answer.text());
      return;
    }
    if (!answer.ok) throw new Error(answer.statusText);
    token = await answer.text();
  } catch {
    later();
    return;
  }
  socket = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/ws`, 'sluice.v1');
  socket.onopen = () => {
    send({ type: 'auth', token });
    if (followed.size) send({ action: 'subscribe', channels: [...followed].map(id => `upload:${id}`) });
  };
  socket.onmessage = ({ data }) => {
    if (typeof data !== 'string') return line('in', `${data.size} bytes, binary`);
    line('in', data);
    let message;
    try {
      message = JSON.parse(data);
    } catch {
      return note(data || 'an empty message');
    }
    received(message);
  };
  socket.onclose = ({ code, reason }) => {
    live = false;
    line('in', `closed with ${code} ${reason}`);
    if (FINAL.has(code)) show('stopped', `closed: ${reason || code}`);
    else later();
  };
}

/** Says so when Redis is away: the connection stays, but nothing can come. */
async function watch() {
  while (live) {
    const ready = await fetch('/q/health/ready').then(answer => answer.ok, () => false);
    if (!live) break;
    if (ready) show('live', 'live');
    else show('connecting', 'Redis is away');
    await new Promise(resolve => setTimeout(resolve, 2000));
  }
}

function later() {
  const ceiling = Math.min(10_000, 500 * 2 ** attempts++);
  const delay = Math.random() * ceiling;
  show('connecting', 'connection lost, reconnecting');
  setTimeout(connect, delay);
}

function received(message) {
  switch (message?.action) {
    case 'auth_success':
      attempts = 0;
      live = true;
      watch();
      break;
    case 'auth_error':
    case 'subscribed':
    case 'unsubscribed':
    case 'error':
      break;
    case 'ping':
      send({ action: 'pong' });
      break;
    case 'upload_progress': {
      const { upload_id, progress_percent, message: text, status } = message.payload ?? {};
      if (upload_id) update(upload_id, progress_percent, text, status);
      break;
    }
    case 'upload_completed':
      update(message.upload_id, 100, 'completed', 'completed');
      break;
    case 'upload_failed':
      update(message.upload_id, undefined, message.error_message, 'failed');
      break;
    default:
      // Anything may be published; what has a text for people is shown to them, all is shown on the wire.
      if (typeof message?.text === 'string') note(message.text);
  }
}

function card(id) {
  let item = document.querySelector(`#uploads > [data-id="${CSS.escape(id)}"]`);
  if (!item) {
    item = element('card').content.firstElementChild.cloneNode(true);
    item.dataset.id = id;
    item.querySelector('.id').textContent = id;
    item.querySelector('progress').setAttribute('aria-label', `Upload ${id}`);
    const link = item.querySelector('.other');
    link.textContent = `follow as ${other}`;
    link.href = `/?user=${other}&follow=${encodeURIComponent(id)}`;
    element('uploads').prepend(item);
    while (element('uploads').children.length > CARDS) element('uploads').lastElementChild.remove();
  }
  return item;
}

function update(id, percent, text, status) {
  const item = card(String(id));
  if (percent !== undefined) {
    item.querySelector('progress').value = percent;
    item.querySelector('.percent').textContent = `${percent} %`;
  }
  item.querySelector('.message').textContent = text ?? '';
  item.classList.toggle('done', status === 'completed');
  item.classList.toggle('failed', status === 'failed');
}

function note(text) {
  const item = document.createElement('li');
  const time = document.createElement('time');
  time.textContent = new Date().toLocaleTimeString();
  item.append(time, text.slice(0, 400));
  element('notifications').prepend(item);
  while (element('notifications').children.length > NOTES) element('notifications').lastChild.remove();
}

function follow(ids) {
  ids.forEach(id => {
    followed.add(id);
    update(id, 0, 'waiting for news', 'pending');
  });
  if (socket?.readyState === WebSocket.OPEN) {
    send({ action: 'subscribe', channels: ids.map(id => `upload:${id}`) });
  }
}

element('start').onclick = async () => {
  const uploads = Array.from({ length: 3 }, () => Math.random().toString(36).slice(2, 8));
  // First listen, then let the work begin: what is published before is gone.
  follow(uploads);
  await fetch('/dev/uploads', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ user, uploads }),
  });
};

element('follow').onsubmit = event => {
  event.preventDefault();
  const id = element('upload').value.trim();
  if (id) follow([id]);
  event.target.reset();
};

element('me').textContent = user;
element('mine').textContent = `user:${user}`;
element('other').textContent = other;
element('other').href = `/?user=${other}`;
document.title = `Sluice · ${user}`;
followed.forEach(id => update(id, 0, 'waiting for news', 'pending'));
connect();
