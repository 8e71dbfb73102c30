/** Buttons, menus and boxes; text inputs are in inputs.js. */

import { confirmed } from '../confirm.js';
import { h, icon } from '../dom.js';
import { withEmoji } from '../emoji.js';
import { openMenu } from '../menu.js';
import { w } from '../words.js';
import { ELEMENTS as INPUTS } from './inputs.js';
import { ELEMENTS as MENUS } from './menus.js';
import { picture } from './pictures.js';
import { unknown } from './text.js';

const ELEMENTS = {
  button(block, it, on) {
    const look = { class: `button ${it.style ?? ''}`, 'aria-label': it.accessibility_label, data: key(block, it) };
    const words = withEmoji(it.text.text);
    if (it.url) return h('a', { ...look, href: it.url, target: '_blank', rel: 'noopener noreferrer', onclick: press(block, it, on) }, words);
    return h('button', { ...look, type: 'button', onclick: press(block, it, on) }, words);
  },
  overflow(block, it, on) {
    const open = (event) => openMenu(event.currentTarget, it.options.map((option) => choice(block, it, option, on)));
    return h('button', { class: 'button overflow', type: 'button', 'aria-label': w('more'), 'aria-haspopup': 'menu', data: key(block, it), onclick: open }, icon('more'));
  },
  feedback_buttons(block, it, on) {
    const one = (option, sign, name) =>
      h('button', {
        class: 'button feedback',
        type: 'button',
        title: option.text.text,
        'aria-label': option.accessibility_label ?? option.text.text,
        data: { key: `${block.block_id}/${it.action_id}/${name}` },
        onclick: press(block, it, on, option.value),
      }, sign);
    return h('span', { class: 'feedback-pair' }, one(it.positive_button, '👍', 'positive'), one(it.negative_button, '👎', 'negative'));
  },
  icon_button(block, it, on) {
    const look = { class: 'button feedback', type: 'button', title: it.text.text, 'aria-label': it.accessibility_label ?? it.text.text };
    return h('button', { ...look, data: key(block, it), onclick: press(block, it, on) }, icon('trash'));
  },
  image: (block, it) => picture(it),
  ...MENUS,
  ...INPUTS,
};

/** Draw an element of a block. */
export const element = (block, it, on) => (ELEMENTS[it.type] ?? ((_, given) => unknown(given)))(block, it, on);

/** Draw all elements of a block. */
export const controls = (block, on) => block.elements.map((each) => element(block, each, on));

export const key = (block, it) => ({ key: `${block.block_id}/${it.action_id}` });

/** Create a listener that uses an element, after its confirmation dialog if it has one. */
export const press = (block, it, on, value) => async () => {
  if (!it.confirm || (await confirmed(it.confirm))) on.press(block, it, value);
};

function choice(block, it, option, on) {
  const pressed = press(block, it, on, option.value);
  const chosen = () => {
    if (option.url) window.open(option.url, '_blank', 'noopener,noreferrer');
    return pressed();
  };
  return { label: withEmoji(option.text.text), description: option.description?.text, act: chosen };
}
