/** Confirmation dialogs. */

import { h } from './dom.js';
import { withEmoji } from './emoji.js';
import { text } from './blocks/text.js';
import { w } from './words.js';

/** Show a confirmation dialog object; resolves to whether it was confirmed. */
export const confirmed = (given) =>
  ask(withEmoji(given.title.text), text(given.text), withEmoji(given.confirm.text), withEmoji(given.deny.text), given.style);

/** Show a confirmation dialog of the page's own. */
export const sure = (title, yes) => ask(title, '', yes, w('cancel'), 'danger');

function ask(title, body, yes, no, style = 'primary') {
  return new Promise((resolve) => {
    const end = (answer) => () => {
      box.close();
      resolve(answer);
    };
    const box = h('dialog', { class: 'modal confirm', 'aria-label': title },
      h('header', {}, h('h2', {}, title)),
      body && h('div', { class: 'modal-body' }, body),
      h('footer', {},
        h('button', { type: 'button', class: 'button', onclick: end(false) }, no),
        h('button', { type: 'button', class: `button ${style}`, onclick: end(true), autofocus: true }, yes)),
    );
    box.addEventListener('cancel', () => resolve(false));
    box.addEventListener('close', () => box.remove());
    document.body.append(box);
    box.showModal();
  });
}
