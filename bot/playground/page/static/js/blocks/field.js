/** input blocks: an element with its label, hint and error. */

import { h } from '../dom.js';
import { withEmoji } from '../emoji.js';
import { w } from '../words.js';
import { element } from './elements.js';
import { text } from './text.js';

/** Draw an input block. */
export function inputBlock(block, on) {
  const error = on.error(block);
  const inside = element(block, block.element, on);
  const field = inside.matches('input, textarea, select') ? inside : inside.querySelector('input, textarea, select');
  const ids = { hint: `hint-${block.block_id}`, error: `error-${block.block_id}` };
  if (field && !field.id) field.id = `input-${block.block_id}`;
  field?.setAttribute('aria-describedby', `${ids.hint} ${ids.error}`);
  if (error) field?.setAttribute('aria-invalid', 'true');
  const mended = (event) => event.currentTarget.classList.remove('wrong');
  const grouped = ['checkboxes', 'radio_buttons'].includes(block.element.type);
  return h(grouped ? 'fieldset' : 'div', { class: error ? 'input wrong' : 'input', oninput: mended },
    h(grouped ? 'legend' : 'label', grouped ? {} : { htmlFor: field?.id ?? '' }, withEmoji(block.label.text), block.optional && h('small', {}, ` ${w('optional')}`)),
    inside,
    block.hint && h('p', { class: 'hint', id: ids.hint }, text(block.hint)),
    error && h('p', { class: 'error', id: ids.error, role: 'alert' }, error),
  );
}
