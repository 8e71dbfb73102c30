/** Channels and direct messages. */

import { avatar } from './avatar.js';
import { sure } from './confirm.js';
import { startAfresh } from './connection.js';
import { h, icon, reconcile } from './dom.js';
import { bot, go, on, state } from './store.js';
import { toast } from './toast.js';
import { w } from './words.js';

/** Render the sidebar, and update it on changes. */
export function sidebar(root) {
  const draw = () => {
    const all = [...state.channels.values()];
    root.setAttribute('aria-label', w('menu'));
    reconcile(root, [
      group(w('direct'), all.filter((each) => each.kind === 'im')),
      group(w('channels'), all.filter((each) => each.kind !== 'im' && !each.archived)),
      tried(),
      h('p', { class: 'socket', data: { connected: String(state.connections > 0) } }, `${bot()?.name ?? ''}: ${w(state.connections ? 'connected' : 'disconnected')}`),
    ]);
  };
  on('all channels place', draw);
}

/** Say which files are edited; a copy can be made anew. */
function tried() {
  const { folder, isCopy } = state.knowledge;
  return h('p', { class: 'tried' }, w(isCopy ? 'triesCopy' : 'triesFiles', folder),
    isCopy && h('button', { type: 'button', onclick: afresh }, w('afresh')));
}

async function afresh() {
  if (!(await sure(w('afreshSure'), w('afresh')))) return;
  try {
    await startAfresh();
    on('all', () => location.reload());
  } catch (error) {
    toast(error.message);
  }
}

function group(title, channels) {
  return h('section', {}, h('h2', {}, title), h('ul', {}, channels.map((each) => h('li', {}, row(each)))));
}

function row(channel) {
  const here = channel.id === state.place;
  const unread = state.unread.has(channel.id);
  const sign = channel.kind === 'im' ? avatar(bot(), 'tiny') : h('span', { class: 'sign' }, channel.kind === 'group' ? icon('lock') : '#');
  return h('button', {
    type: 'button',
    class: ['place', unread && 'unread', !channel.member && 'outside'].filter(Boolean).join(' '),
    'aria-current': here ? 'page' : undefined,
    title: channel.topic,
    onclick: () => {
      go(channel.id);
      document.body.classList.remove('menu-open');
    },
  }, sign, h('span', { class: 'place-name' }, channel.name), channel.shared && h('span', { class: 'badge', title: w('shared') }, '⇄'), unread && h('span', { class: 'dot' }));
}
