/** One message: author, time, content, and its tools. */

import { avatar } from './avatar.js';
import { render } from './blocks/index.js';
import { isPicture, ofFile } from './blocks/pictures.js';
import { ofMessage } from './blocks/surface.js';
import { completing } from './completion.js';
import { sure } from './confirm.js';
import { act, fileAddress } from './connection.js';
import { h, icon } from './dom.js';
import { EMOJI, OFFERED, withEmoji } from './emoji.js';
import { explainMessage } from './inspector.js';
import { openAt, openMenu } from './menu.js';
import { asTyped, mrkdwn } from './mrkdwn.js';
import { reason } from './reasons.js';
import { author, isReply, openThread, state, threadOf } from './store.js';
import { toast } from './toast.js';
import { clock, w } from './words.js';

/** Draw a message. `compact` omits avatar and name, `inThread` the link to the thread. */
export function messageNode(message, { compact = false, inThread = false } = {}) {
  if (message.subtype === 'channel_join') return joinNode(message);
  const classes = ['message', compact && 'compact', message.ephemeral && 'ephemeral'].filter(Boolean).join(' ');
  const time = h('time', { class: 'time', dateTime: new Date(message.ts * 1000).toISOString() }, clock(message.ts));
  return h('article', { class: classes, tabIndex: -1, data: { ts: message.ts }, 'aria-label': `${nameOf(message)}, ${clock(message.ts)}` },
    h('div', { class: 'gutter' }, compact ? time : avatar(author(message))),
    h('div', { class: 'content' },
      !compact && h('div', { class: 'byline' }, h('strong', {}, nameOf(message)), badge(message), time),
      message.ephemeral && h('p', { class: 'note' }, icon('eye'), w('onlyYou')),
      message.broadcast && !inThread && h('button', { type: 'button', class: 'note link', onclick: () => openThread(message.thread_ts) }, w('repliedIn')),
      body(message),
      message.edited && h('span', { class: 'edited' }, w('edited')),
      files(message),
      reactions(message),
      !inThread && threadLink(message)),
    tools(message, inThread));
}

function nameOf(message) {
  return author(message)?.name ?? message.username ?? 'Slack';
}

function badge(message) {
  const isApp = message.bot_id || message.user === 'USLACKBOT';
  return isApp && h('span', { class: 'badge' }, w('app'));
}

function joinNode(message) {
  return h('article', { class: 'message join', data: { ts: message.ts } },
    h('div', { class: 'gutter' }), h('p', { class: 'content' }, h('strong', {}, nameOf(message)), ` ${w('joined')}`));
}

function body(message) {
  if (message.subtype === 'tombstone') return h('p', { class: 'tombstone' }, w('tombstone'));
  const attachments = (message.attachments ?? []).map(attachment);
  const words = message.blocks?.length ? render(message.blocks, ofMessage(message)) : message.text && mrkdwn(message.text);
  return h('div', { class: 'body' }, words, attachments);
}

function attachment(it) {
  const words = it.text || it.fallback;
  return h('div', { class: 'attachment' },
    it.title && h('strong', {}, withEmoji(it.title)),
    it.blocks ? render(it.blocks, ofMessage({ state: {} })) : words && words !== it.title && mrkdwn(words));
}

// -- Files ------------------------------------------------------------------------------------------------

function files(message) {
  if (!message.files?.length) return null;
  return h('div', { class: 'files' }, message.files.map((file) => (isPicture(file.name) ? ofFile(file.id, file.title, file.name) : card(file))));
}

function card(file) {
  const size = file.size < 1024 ? `${file.size} B` : `${(file.size / 1024).toFixed(1)} KB`;
  return h('button', { type: 'button', class: 'file', title: w('download'), onclick: () => save(file) },
    icon('file'), h('span', {}, h('strong', {}, file.name), h('small', {}, `${file.filetype.toUpperCase()} · ${size}`)));
}

async function save(file) {
  const address = await fileAddress(file.id, 'application/octet-stream');
  h('a', { href: address, download: file.name }).click();
  URL.revokeObjectURL(address);
}

// -- Reactions and threads --------------------------------------------------------------------------------

function reactions(message) {
  if (!message.reactions?.length) return null;
  const pill = (each) => {
    const names = each.users.map((id) => state.people.get(id)?.name).join(', ');
    const mine = each.users.includes(state.me);
    return h('button', { type: 'button', class: 'reaction', 'aria-pressed': String(mine), title: `${names} · :${each.name}:`, onclick: () => react(message, each.name) },
      EMOJI.get(each.name) ?? `:${each.name}:`, h('span', {}, each.count));
  };
  return h('div', { class: 'reactions' }, message.reactions.map(pill));
}

const react = (message, name) => doing(act('react', { ...where(message), name }));
const where = ({ channel, ts }) => ({ channel, ts });

async function doing(promise) {
  try {
    const told = await promise;
    if (told.error) toast(w('failed', told.error));
  } catch (error) {
    toast(reason(error));
  }
}

function threadLink(message) {
  if (isReply(message)) return null;
  const replies = threadOf(message.channel, message.ts).filter((each) => each.ts !== message.ts);
  if (!replies.length) return null;
  const faces = [...new Set(replies.map((each) => each.user))].slice(0, 4).map((id) => avatar(state.people.get(id), 'tiny'));
  return h('button', { type: 'button', class: 'thread-link', data: { key: `thread-${message.ts}` }, onclick: () => openThread(message.ts) },
    faces, h('span', {}, w('replies', replies.length)), h('small', {}, `${w('newReplies')} ${clock(replies.at(-1).ts)}`));
}

// -- Tools -----------------------------------------------------------------------------------------------

function tools(message, inThread) {
  if (message.subtype === 'tombstone') return null;
  const tool = (name, label, onclick) => h('button', { type: 'button', class: 'tool', 'aria-label': label, title: label, onclick }, icon(name));
  const more = (event) => openMenu(event.currentTarget, choices(message));
  const items = message.ephemeral
    ? [state.explains && message.user === state.bot && tool('more', w('more'), more), tool('close', w('dismiss'), () => dismiss(message))]
    : [
        tool('smile', w('react'), (event) => pick(event.currentTarget, message)),
        !inThread && tool('reply', w('reply'), () => openThread(isReply(message) ? message.thread_ts : message.ts)),
        tool('more', w('more'), more),
      ];
  return h('div', { class: 'tools', role: 'toolbar' }, items);
}

function dismiss(message) {
  if (!message.local) return doing(act('delete', where(message)));
  state.messages.get(message.channel).delete(message.ts);
  return document.querySelector(`[data-ts="${message.ts}"]`)?.remove();
}

function choices(message) {
  const shortcuts = message.ephemeral ? [] : (state.features.shortcuts ?? []).filter((each) => each.type === 'message');
  const mine = message.user === state.me && !message.bot_id;
  return [
    ...shortcuts.map((each) => ({ label: each.name, description: each.description, act: () => doing(act('shortcut', { ...where(message), callback_id: each.callback_id })) })),
    state.explains && { label: w(message.user === state.bot ? 'explain' : 'explainSilence'), act: () => explainMessage(message) },
    mine && { label: w('edit'), act: () => startEditing(message) },
    mine && { label: w('delete'), danger: true, act: async () => (await sure(w('reallyDelete'), w('delete'))) && doing(act('delete', where(message))) },
  ].filter(Boolean);
}

function pick(anchor, message) {
  const box = h('div', { class: 'menu picker', popover: 'auto' });
  box.append(...OFFERED.map((name) =>
    h('button', { type: 'button', title: `:${name}:`, 'aria-label': name, onclick: () => { box.hidePopover(); react(message, name); } }, EMOJI.get(name))));
  openAt(anchor, box);
  box.querySelector('button').focus();
}

function startEditing(message) {
  for (const node of document.querySelectorAll(`article[data-ts="${message.ts}"]`)) edit(node, message);
}

function edit(node, message) {
  const box = h('textarea', { class: 'text-input', rows: 2, 'aria-label': w('edit'), value: asTyped(message.text) });
  const words = node.querySelector('.body');
  const end = () => form.replaceWith(words);
  const save = async () => {
    end();
    await doing(act('edit', { ...where(message), text: box.value.trim() }));
  };
  const form = h('div', { class: 'editing' }, box, h('div', { class: 'actions' },
    h('button', { type: 'button', class: 'button', onclick: end }, w('cancel')),
    h('button', { type: 'button', class: 'button primary', onclick: save }, w('save'))));
  box.addEventListener('keydown', (event) => {
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === 'Escape') end();
    else if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault();
      save();
    }
  });
  words.replaceWith(form);
  completing(box);
  box.focus();
}
