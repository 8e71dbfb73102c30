/** The top bar: name, current person, theme, inspector. */

import { avatar } from './avatar.js';
import { h, icon, reconcile } from './dom.js';
import { openMenu } from './menu.js';
import { become, me, on, state } from './store.js';
import { w } from './words.js';

const kept = 'kotae-theme';
const LANGUAGES = { ja: '日本語', en: 'English' };

/** Render the bar, and update it on changes. `toggleInspector` opens and closes the panel. */
export function top(root, toggleInspector) {
  const tool = (sign, label, onclick) => h('button', { type: 'button', class: 'tool', 'aria-label': label, title: label, onclick }, icon(sign));
  const draw = () =>
    reconcile(root, [
      h('button', { type: 'button', class: 'tool menu-button', 'aria-label': w('menu'), onclick: () => document.body.classList.toggle('menu-open') }, icon('menu')),
      h('img', { src: '/static/kotae.svg', alt: '', class: 'logo' }),
      h('h1', {}, 'Kotae', h('small', {}, w('workspace'))),
      h('span', { class: 'space' }),
      tool('pulse', w('inspector'), () => {
        toggleInspector();
        draw();
      }),
      tool(isDark() ? 'sun' : 'moon', w('theme'), () => {
        setTheme(isDark() ? 'light' : 'dark');
        draw();
      }),
      who(),
    ]);
  setTheme(localStorage.getItem(kept) ?? 'auto');
  on('all', draw);
}

function who() {
  const mine = me();
  return h('button', { type: 'button', class: 'who', 'aria-label': `${mine.name}. ${w('switch')}`, 'aria-haspopup': 'menu', title: w('switch'), onclick: (event) => openMenu(event.currentTarget, people()) },
    avatar(mine, 'small'), h('span', { class: 'who-words' }, mine.name, h('small', {}, about(mine))), icon('chevron'));
}

const about = (person) => `${w(`standing_${person.standing}`)} · ${LANGUAGES[person.language]}`;

function people() {
  const all = [...state.people.values()].filter((each) => !['bot', 'gone'].includes(each.standing));
  return [
    { heading: w('switch') },
    ...all.map((each) => ({ label: each.name, description: about(each), before: avatar(each, 'small'), chosen: each.id === state.me, act: () => become(each.id) })),
  ];
}

const isDark = () => {
  const theme = document.documentElement.dataset.theme;
  return theme === 'dark' || (theme === 'auto' && matchMedia('(prefers-color-scheme: dark)').matches);
};

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  if (theme !== 'auto') localStorage.setItem(kept, theme);
}
