/** Avatars: initials on a colour; the bot has the app's icon. */

import { h } from './dom.js';

const HUES = [12, 38, 96, 168, 206, 256, 292, 336];

/** Draw a person's avatar; Japanese names are shortened to their first character. */
export function avatar(person, size = '') {
  if (person?.standing === 'bot') return h('img', { class: `avatar ${size}`, src: '/static/kotae.svg', alt: '' });
  const name = person?.name ?? '?';
  const face = h('span', { class: `avatar ${size}`, 'aria-hidden': 'true' }, [...name][0] ?? '?');
  face.style.setProperty('--hue', HUES[[...name].reduce((sum, each) => sum + each.codePointAt(0), 0) % HUES.length]);
  return face;
}
