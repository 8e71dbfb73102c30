/** The entry point, which assembles the page. */

import { h } from './dom.js';
import { inspector, toggleInspector } from './inspector.js';
import { modals } from './modal.js';
import { sidebar } from './sidebar.js';
import { become, language, notice, on, state } from './store.js';
import { threadPanel } from './thread.js';
import { middle } from './timeline.js';
import { toast } from './toast.js';
import { top } from './top.js';
import { w } from './words.js';

const kept = 'kotae-person';
const at = (id) => document.getElementById(id);

top(at('top'), toggleInspector);
sidebar(at('sidebar'));
middle(at('main'));
threadPanel(at('thread'));
inspector(at('inspector'));
modals();

let banner = null;

on('all', () => {
  banner?.remove();
  sessionStorage.setItem(kept, state.me);
  const person = state.people.get(state.me);
  document.documentElement.lang = person.language;
  document.title = `${person.name} · Kotae`;
});
on('lost', (reason) => {
  banner?.remove();
  banner = h('p', { class: 'banner', role: 'alert' }, w(reason === 'token' ? 'token' : 'lost'));
  document.body.append(banner);
});
on('failed', ({ kind, error, command }) => {
  if (kind === 'command') notice(w(error, `\`${command}\``));
  else if (kind !== 'view_submission') toast(w('failed', error));
});
on('note', (note) => toast(note[language()]));
at('main').addEventListener('click', () => document.body.classList.remove('menu-open'));

become(sessionStorage.getItem(kept) ?? '');
