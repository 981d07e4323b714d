// The console, which shows the activity of this pod to operators.

import { chart } from './chart.js';
import { connections } from './connections.js';
import * as extras from './extras.js';
import { fleet } from './fleet.js';
import { bytes, clock, count, duration, many, millis, since } from './format.js';
import { watch } from './stream.js';

const KEPT_MS = 300_000;
const ENDS = 100;
const REFUSALS = {
  401: 'This token is invalid or has expired.',
  403: 'The groups of this token do not contain "operator".',
  404: 'This pod has no console.',
};

/** Ends without a close frame, so without a code. */
const WITHOUT_CODE = new Set(['connection_lost', 'connection_reset', 'send_failed']);

const element = (id) => document.getElementById(id);

let token;
let facts;
let samples = [];
let stop = () => {};

const tiles = [
  {
    title: 'Connections',
    series: [(s) => s.connections],
    format: count,
    now: (s) => count(s.connections),
    more: (s) => `${many(s.users, 'user')}, ${many(s.subscriptions, 'subscription')}${s.unauthenticated ? `, ${count(s.unauthenticated)} not authenticated` : ''}`,
  },
  {
    title: 'Deliveries per second',
    series: [(s) => s.deliveries, (s) => s.publications],
    format: count,
    now: (s) => count(s.deliveries),
    second: (s) => `${count(s.publications)} published`,
  },
  {
    title: 'Delivery latency, median',
    spikes: true,
    series: [(s) => s.latencyMedian, (s) => s.latencyHigh],
    format: millis,
    now: (s) => millis(s.latencyMedian),
    second: (s) => (s.latencyHigh === undefined ? 'nothing delivered' : `p99 ${millis(s.latencyHigh)}`),
  },
  {
    title: 'Waiting in outboxes',
    series: [(s) => s.outboxBytes, (s) => s.backlogBytes],
    format: bytes,
    now: (s) => bytes(s.outboxBytes),
    second: (s) => `${bytes(s.backlogBytes)} not delivered yet`,
    more: (s) => (s.missed ? `${count(s.missed)} missed per second` : ''),
  },
  {
    title: 'Gaps',
    series: [(s) => s.gaps],
    format: count,
    now: (s) => count(s.gaps),
    more: () => lastGap(facts.gap),
  },
  {
    title: 'Resumed',
    series: [(s) => s.resumed, (s) => s.resumesRefused],
    format: count,
    now: (s) => count(s.resumed),
    second: (s) => `${count(s.resumesRefused)} refused`,
    more: (s) => `history: ${duration(s.historySeconds)}, ${bytes(s.historyBytes)}`,
  },
  {
    title: 'Canary to Redis and back, median',
    spikes: true,
    series: [(s) => s.canaryMedian, (s) => s.canaryHigh],
    format: millis,
    now: (s) => millis(s.canaryMedian),
    second: (s) => (s.canaryHigh === undefined ? 'silent' : `p99 ${millis(s.canaryHigh)}`),
  },
  {
    title: 'Memory',
    series: [(s) => s.residentBytes],
    format: bytes,
    now: (s) => (s.residentBytes === undefined ? 'unknown' : bytes(s.residentBytes)),
    more: (s) => (s.memoryLimitBytes === undefined ? '' : `of ${bytes(s.memoryLimitBytes)}`),
  },
].map((tile) => chart(tile, element('tiles')));

const ask = (path, options = {}) => fetch(path, { ...options, headers: { Authorization: `Bearer ${token}` } });
const table = connections(ask);
const pods = fleet(ask);

function lastGap(gap) {
  if (!gap) return 'none since the start';
  if (!gap.until) return `since ${clock(gap.since)}, still open`;
  return `the last at ${clock(gap.since)}, for ${duration(Math.max(1, Math.round((Date.parse(gap.until) - Date.parse(gap.since)) / 1000)))}`;
}

function say(name, text) {
  element('state').dataset.state = name;
  if (element('state').textContent !== text) element('state').textContent = text;
  element('console').classList.toggle('stale', name !== 'live' && name !== 'unsubscribed');
}

function heard(update) {
  facts = update.facts;
  const from = update.samples[0]?.at ?? Infinity;
  // The first update of a connection has all samples of the pod; keep only older ones, for example
  // of an earlier pod.
  if (update.first) samples = samples.filter(({ at }) => at < from);
  samples.push(...update.samples);
  const latest = samples.at(-1);
  samples = samples.filter(({ at }) => at > latest.at - KEPT_MS);
  say(facts.live ? 'live' : 'unsubscribed', facts.live ? 'live' : 'live, but the pod has no Redis subscription');
  showFacts();
  showEnds(update.ends, update.first);
  if (latest) {
    tiles.forEach((draw) => draw(samples));
    element('legend').hidden = samples.every(({ live }) => live);
    pods.changed();
    table.changed(`${facts.since} ${latest.connections} ${latest.disconnects} ${latest.subscriptions}`);
  }
}

function showFacts() {
  document.title = `Sluice · ${facts.pod}`;
  element('pod').textContent = `${facts.pod}, version ${facts.version}`;
  element('up').textContent = since(facts.since);
  element('redis').textContent = facts.redis;
  element('live').textContent = facts.live ? since(facts.live) : 'not live';
}

function showEnds(ends, all) {
  const body = element('ends');
  if (all) body.replaceChildren();
  for (const end of ends) {
    const row = body.insertRow(0);
    const code = WITHOUT_CODE.has(end.reason) ? '' : ` (${end.code})`;
    const cells = [clock(end.at), end.user, `${end.reason.replaceAll('_', ' ')}${code}`, duration(end.seconds)];
    cells.forEach((text) => (row.insertCell().textContent = text));
  }
  while (body.rows.length > ENDS) body.deleteRow(-1);
  element('ends-table').hidden = body.rows.length === 0;
  element('no-ends').hidden = body.rows.length > 0;
}

function start() {
  element('sign-in').hidden = true;
  stop = watch('/api/console/updates', token, heard, (state) => {
    if (state.name === 'live') show(true);
    if (state.name === 'connecting' && samples.length === 0) say('connecting', 'connecting');
    if (state.name === 'waiting') say('lost', 'connection lost, reconnecting');
    if (state.name === 'refused') refused(refusal(state));
  });
}

/** Says why a token was refused: the pod says what is wrong with an invalid one. */
function refusal({ status, reason }) {
  return status === 401 && reason ? `${reason}.` : REFUSALS[status];
}

/**
 * Requests a new token where dev mode provides one, unless the pod refused the last one
 * immediately.
 */
async function refused(why) {
  const wasAccepted = samples.length > 0;
  token = undefined;
  forget();
  if (wasAccepted) await signIn(why);
  else askForToken(why);
}

function show(shown) {
  for (const id of ['console', 'facts', 'leave']) element(id).hidden = !shown;
}

function forget() {
  stop();
  show(false);
  table.clear();
  pods.clear();
  samples = [];
  element('ends').replaceChildren();
}

function askForToken(why = '') {
  say('out', 'signed out');
  element('sign-in').hidden = false;
  element('refusal').textContent = why;
  element('token').focus();
}

async function signIn(why) {
  token = await extras.token();
  if (token) start();
  else askForToken(why);
}

element('sign-in').onsubmit = (event) => {
  event.preventDefault();
  token = element('token').value.trim();
  event.target.reset();
  element('refusal').textContent = '';
  start();
};
element('again').hidden = !extras.mints;
element('again').onclick = () => signIn('Dev mode gave no token: it mints none if a verification key is configured.');
element('leave').onclick = () => {
  token = undefined;
  forget();
  askForToken();
};

extras.show(element('extras'));
signIn();
element('unloaded').remove();
