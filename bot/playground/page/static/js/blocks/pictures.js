/** Images: those of the workspace are loaded; those of the web are only named, since nothing leaves this machine. */

import { fileAddress } from '../connection.js';
import { h } from '../dom.js';
import { w } from '../words.js';
import { text } from './text.js';

const TYPES = { png: 'image/png', jpg: 'image/jpeg', jpeg: 'image/jpeg', gif: 'image/gif', webp: 'image/webp' };

/** Draw an image block. */
export function image(block) {
  const title = block.title && h('figcaption', {}, text(block.title));
  return h('figure', { class: 'picture' }, title, picture(block));
}

/** Draw an image element. */
export function picture(given) {
  const id = given.slack_file?.id ?? /\b(F0\w+)/.exec(given.slack_file?.url ?? '')?.[1];
  return id ? ofFile(id, given.alt_text) : instead(given.alt_text, w('external'), given.image_url);
}

/** Draw a file of the workspace as an image; its first bytes tell the type. */
export function ofFile(id, alt, name = '') {
  const shown = h('img', { alt, class: 'loading' });
  const type = TYPES[name.split('.').at(-1)?.toLowerCase()] ?? 'image/png';
  shown.addEventListener('load', () => shown.classList.remove('loading'));
  shown.addEventListener('error', () => shown.replaceWith(instead(alt, w('noPicture'))));
  fileAddress(id, type).then((address) => (shown.src = address), () => shown.replaceWith(instead(alt, w('noPicture'))));
  return shown;
}

const instead = (alt, why, address = '') => h('span', { class: 'no-picture', title: `${why} ${address}`.trim() }, `🖼 ${alt || why}`);

export const isPicture = (name) => name.split('.').at(-1)?.toLowerCase() in TYPES;
