/** The page's state. Only this module changes it; other modules subscribe to changes by topic. */

import { act, becomes, listen } from './connection.js';

const WORKING_MS = 20_000;
const MOST_TRAFFIC = 300;
const remembered = 'kotae-place';

export const state = {
  connected: false,
  me: '',
  bot: '',
  name: '',
  people: new Map(),
  groups: new Map(),
  channels: new Map(),
  messages: new Map(),
  views: new Map(),
  unread: new Set(),
  working: new Map(),
  traffic: new Map(),
  connections: 0,
  commands: [],
  features: {},
  questions: {},
  knowledge: {},
  explains: false,
  standing: [],
  place: '',
  tab: 'messages',
  thread: '',
};

const listeners = new Map();

/** Call `heard` when one of these topics changes: all, message, channels, place, thread, views, traffic, … */
export function on(topics, heard) {
  for (const topic of topics.split(' ')) listeners.set(topic, [...(listeners.get(topic) ?? []), heard]);
}

function changed(topic, value) {
  for (const heard of listeners.get(topic) ?? []) heard(value);
}

// -- Queries ---------------------------------------------------------------------------------------------

export const me = () => state.people.get(state.me);
export const bot = () => state.people.get(state.bot);
export const place = () => state.channels.get(state.place);
export const language = () => me()?.language ?? (navigator.language.startsWith('ja') ? 'ja' : 'en');
export const author = (message) => state.people.get(message.user);
export const home = () => [...state.views.values()].find((view) => view.type === 'home');
export const modal = () => [...state.views.values()].filter((view) => view.type === 'modal').at(-1);
export const isReply = (message) => Boolean(message.thread_ts) && message.thread_ts !== message.ts;

/** Return the messages of a channel, oldest first, with replies. */
export function messagesOf(channel) {
  return [...(state.messages.get(channel)?.values() ?? [])].sort((one, other) => Number(one.ts) - Number(other.ts));
}

/** Return the messages of a channel outside threads. */
export const timeline = (channel) => messagesOf(channel).filter((each) => !isReply(each) || each.broadcast);

/** Return a message and its replies. */
export const threadOf = (channel, ts) => messagesOf(channel).filter((each) => each.ts === ts || each.thread_ts === ts);

export const messageAt = (channel, ts) => state.messages.get(channel)?.get(ts);

// -- Events ----------------------------------------------------------------------------------------------

const heard = {
  snapshot(told) {
    const stays = state.me === told.me;
    becomes(told.me);
    Object.assign(state, {
      connected: true,
      me: told.me,
      bot: told.bot,
      name: told.name,
      connections: told.connections,
      commands: told.commands,
      features: told.features,
      questions: told.questions,
      knowledge: told.knowledge,
      explains: told.explains,
      standing: told.standing,
      people: byId(told.people),
      groups: byId(told.groups),
      channels: byId(told.channels),
      views: byId(told.views),
      traffic: byId(told.traffic),
      messages: new Map(),
    });
    told.messages.forEach(put);
    if (!stays) forget();
    if (!state.channels.has(state.place)) state.place = firstPlace();
    if (!stays) arrive();
    changed('all');
    show();
  },
  message({ message }) {
    const known = messageAt(message.channel, message.ts);
    put(message);
    if (message.user === state.bot) settled(message);
    if (!known && message.user !== state.me && message.channel !== state.place) {
      state.unread.add(message.channel);
      changed('channels');
    }
    changed('message', message);
  },
  deleted({ deleted }) {
    const gone = messageAt(deleted.channel, deleted.ts);
    state.messages.get(deleted.channel)?.delete(deleted.ts);
    if (gone) changed('message', gone);
  },
  view({ view }) {
    if (view.open) state.views.set(view.id, view);
    else state.views.delete(view.id);
    if (view.type === 'modal') settled({ channel: state.place });
    changed('views', view);
  },
  channels({ channels }) {
    state.channels = byId(channels);
    changed('channels');
  },
  status({ status }) {
    if (status.status) begins(status.channel, status.thread_ts, status.status);
    else settled(status);
  },
  traffic({ traffic }) {
    state.traffic.set(traffic.id, traffic);
    if (state.traffic.size > MOST_TRAFFIC) state.traffic.delete(state.traffic.keys().next().value);
    changed('traffic', traffic);
  },
  connections({ connections }) {
    state.connections = connections;
    changed('connections');
  },
  failed({ failed }) {
    settled({ channel: state.place });
    changed('failed', failed);
  },
  shown({ shown }) {
    wanted = shown;
    if (shown.as === state.me) show();
    else become(shown.as);
  },
  note({ note }) {
    changed('note', note);
  },
  standing({ standing }) {
    state.standing = standing;
    changed('standing');
  },
};

let wanted = null;

/** Go to the place that a running script shows. */
function show() {
  if (wanted?.as !== state.me) return;
  Object.assign(state, { place: wanted.channel, thread: wanted.thread_ts, tab: wanted.tab });
  wanted = null;
  changed('place');
}

function byId(things) {
  return new Map(things.map((thing) => [thing.id, thing]));
}

function put(message) {
  if (!state.messages.has(message.channel)) state.messages.set(message.channel, new Map());
  state.messages.get(message.channel).set(message.ts, message);
}

function forget() {
  Object.assign(state, { thread: '', tab: 'messages', unread: new Set(), working: new Map() });
}

function firstPlace() {
  const wanted = sessionStorage.getItem(remembered);
  const channels = [...state.channels.values()];
  const found = channels.find((each) => each.id === wanted) ?? channels.find((each) => each.kind === 'im');
  return (found ?? channels[0]).id;
}

// -- Working state ---------------------------------------------------------------------------------------

/** Mark the bot as working there, until it answers or the time is up. */
export function begins(channel, thread, words = '') {
  const key = `${channel} ${thread ?? ''}`;
  clearTimeout(state.working.get(key)?.timer);
  const timer = setTimeout(() => settled({ channel, thread_ts: thread }), WORKING_MS);
  state.working.set(key, { channel, thread: thread ?? '', words, timer });
  changed('working');
}

function settled({ channel }) {
  for (const [key, each] of state.working) {
    if (each.channel !== channel) continue;
    clearTimeout(each.timer);
    state.working.delete(key);
  }
  changed('working');
}

// -- Navigation -------------------------------------------------------------------------------------------

/** Become a person, by id or key; "" for one with the browser's language. */
export function become(person) {
  listen(
    person,
    (told) => heard[told.type]?.(told),
    (reason) => {
      state.connected = false;
      changed('lost', reason);
    },
  );
}

/** Go to a channel or to the direct messages. */
export function go(channel) {
  Object.assign(state, { place: channel, thread: '', tab: 'messages' });
  state.unread.delete(channel);
  sessionStorage.setItem(remembered, channel);
  arrive();
  changed('place');
}

/** Tell the app that its direct messages or its Home tab were opened. */
function arrive() {
  if (place()?.kind === 'im') act('visit', { tab: state.tab });
}

/** Open the Home or the Messages tab of the bot. */
export function openTab(tab) {
  state.tab = tab;
  arrive();
  changed('place');
}

/** Open a thread beside the channel; "" closes it. */
export function openThread(ts) {
  state.thread = ts;
  changed('thread');
}

/** Show a notice of Slack's own, in the channel, to this person. */
export function notice(text, thread = '') {
  const ts = (Date.now() / 1000).toFixed(6);
  const message = { channel: state.place, ts, user: 'USLACKBOT', text, ephemeral: true, local: true, files: [], state: {} };
  put(thread ? { ...message, thread_ts: thread } : message);
  changed('message', message);
}
