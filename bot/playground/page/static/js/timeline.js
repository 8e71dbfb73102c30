/** The main panel: a channel with its messages, or the bot's Home tab, and the composer. */

import { composer, write } from './composer.js';
import { act } from './connection.js';
import { atTheEnd, h, icon, keepingFocus, reconcile } from './dom.js';
import { homeTab } from './home.js';
import { messageNode } from './message.js';
import { reason } from './reasons.js';
import { standing } from './standing.js';
import { bot, language, on, openTab, place, state, timeline } from './store.js';
import { toast } from './toast.js';
import { day, w } from './words.js';
import { workingLine } from './working.js';

const TOGETHER = 5 * 60;

/** Render the main panel, and update it on changes. */
export function middle(root) {
  let list = null;
  let follow = () => {};
  let drawn = new Map();

  const update = (message) => {
    if (!list?.isConnected) return;
    const sent = message.user === state.me && !drawn.has(message.ts);
    keepingFocus(list, () => reconcile(list, messageNodes(drawn)));
    settle(sent || undefined);
  };
  const settle = (how) => follow(list.querySelector('.welcome') ? false : how);
  const draw = () => {
    drawn = new Map();
    const here = place();
    const home = state.tab === 'home' && here.kind === 'im';
    list = home ? null : h('div', { class: 'messages', role: 'log', 'aria-live': 'polite', 'aria-label': here.name, tabIndex: 0 });
    reconcile(root, [head(here), standing(), ...(home ? [homeTab()] : [list, workingLine(''), foot(here)])]);
    if (!list) return;
    reconcile(list, messageNodes(drawn));
    follow = atTheEnd(list);
    settle(true);
    if (matchMedia('(hover: hover)').matches) root.querySelector('.composer-text')?.focus();
  };

  on('all place', draw);
  on('standing', () => root.querySelector('.standing')?.replaceWith(standing()));
  on('message', (message) => message.channel === state.place && update(message));
  on('channels', () => {
    root.querySelector('.head')?.replaceWith(head(place()));
    if (list?.isConnected && root.querySelector('.foot')?.dataset.kind !== kindOfFoot(place())) root.querySelector('.foot').replaceWith(foot(place()));
  });
  dropping(root);
}

// -- Head and foot ----------------------------------------------------------------------------------------

function head(here) {
  const direct = here.kind === 'im';
  const tab = (name) => h('button', { type: 'button', role: 'tab', class: 'tab', 'aria-selected': String(state.tab === name), onclick: () => openTab(name) }, w(name));
  return h('div', { class: 'head' },
    h('h2', {}, direct ? here.name : [here.kind === 'group' ? icon('lock') : '# ', here.name]),
    direct && h('div', { role: 'tablist', class: 'tabs' }, tab('home'), tab('messages')),
    !direct && h('p', { class: 'topic' }, here.topic, here.shared && h('span', { class: 'badge' }, w('shared'))),
    h('span', { class: 'space' }),
    !direct && h('p', { class: 'members' }, w('members', here.members)));
}

const kindOfFoot = (here) => (here.archived ? 'archived' : here.member ? (here.hasBot ? 'write' : 'invite') : 'join');

function foot(here) {
  const kind = kindOfFoot(here);
  const button = (words, name) => h('button', { type: 'button', class: 'button primary', onclick: () => act(name, { channel: here.id }).catch((error) => toast(reason(error))) }, words);
  const notes = {
    archived: [w('archived')],
    join: [w('joinFirst', here.name), button(w('join'), 'join')],
    invite: [w('withoutBot', bot().name), button(w('invite', bot().name), 'invite')],
  };
  const note = notes[kind] && h('p', { class: 'foot-note' }, notes[kind]);
  return h('div', { class: 'foot', data: { kind } }, note, ['write', 'invite'].includes(kind) && composer());
}

// -- Messages ---------------------------------------------------------------------------------------------

/** Return the nodes of the timeline; unchanged messages keep theirs. */
function messageNodes(drawn) {
  const messages = timeline(state.place);
  const nodes = [];
  let above = null;
  for (const message of messages) {
    const newDay = !above || day(above.ts) !== day(message.ts);
    if (newDay) nodes.push(kept(drawn, `day ${day(message.ts)}`, '', () => h('p', { class: 'day' }, h('span', {}, day(message.ts)))));
    const compact = !newDay && goesWith(message, above);
    const replies = message.reply_count ?? 0;
    const version = [JSON.stringify(message), compact, replies, repliesTo(message)].join();
    nodes.push(kept(drawn, message.ts, version, () => messageNode(message, { compact })));
    above = message;
  }
  const spoken = messages.some((each) => each.subtype !== 'channel_join' && (each.user !== state.bot || each.ephemeral));
  return spoken ? nodes : [kept(drawn, 'welcome', language(), welcome), ...nodes];
}

function repliesTo(message) {
  const all = [...(state.messages.get(message.channel)?.values() ?? [])].filter((each) => each.thread_ts === message.ts);
  return all.map((each) => each.ts).join();
}

function goesWith(message, above) {
  const same = above.user === message.user && above.username === message.username && !above.ephemeral;
  return same && !message.ephemeral && above.subtype !== 'channel_join' && !message.broadcast && message.ts - above.ts < TOGETHER;
}

function kept(drawn, key, version, make) {
  const before = drawn.get(key);
  if (before?.version === version) return before.node;
  const node = make();
  drawn.set(key, { version, node });
  return node;
}

const MOST_TRIES = 3;
const isJapanese = (text) => /[ぁ-んァ-ヶ一-龠]/.test(text);

/** Return suggested questions in Japanese and in English: the channel's own, or of all channels. */
function suggestions(here) {
  const all = state.questions[here.name] ?? Object.values(state.questions).flat();
  const both = [all.filter(isJapanese), all.filter((each) => !isJapanese(each))];
  return both.map((each) => each.slice(0, MOST_TRIES)).filter((each) => each.length);
}

/** Draw suggestions in both languages. */
function welcome() {
  const here = place();
  const direct = here.kind === 'im';
  const name = bot().name;
  const ask = (text) => h('button', { type: 'button', class: 'try', lang: isJapanese(text) ? 'ja' : 'en', onclick: () => write(text, here) }, text);
  const form = (question, at) => (direct ? question : at % 2 ? `${state.commands[0]} ${question}` : `@${name} ${question}`);
  const columns = suggestions(here).map((questions) => h('div', { class: 'tries' }, questions.map((each, at) => ask(form(each, at)))));
  const can = here.member && here.hasBot;
  return h('div', { class: 'welcome' },
    h('img', { src: '/static/kotae.svg', alt: '' }),
    h('h3', {}, direct ? w('tryTitle', name) : w('channelStart', here.name)),
    can && h('p', {}, direct ? w('tryDirect') : w('tryChannel', name)),
    can && h('div', { class: 'tries-by-language' }, columns));
}

// -- Dropping files ---------------------------------------------------------------------------------------

function dropping(root) {
  const over = (shown) => (event) => {
    if (!event.dataTransfer?.types.includes('Files') || !root.querySelector('.composer')) return;
    event.preventDefault();
    root.classList.toggle('dropping', shown);
    root.dataset.drop = w('dropFile');
    if (event.type === 'drop') root.querySelector('.composer').take(event.dataTransfer.files);
  };
  root.addEventListener('dragover', over(true));
  root.addEventListener('dragleave', (event) => root.contains(event.relatedTarget) || over(false)(event));
  root.addEventListener('drop', over(false));
}
