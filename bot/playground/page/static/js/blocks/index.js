/** Block Kit as DOM. Unsupported blocks get a placeholder. */

import { h } from '../dom.js';
import { controls, element } from './elements.js';
import { inputBlock } from './field.js';
import { markdown } from './markdown.js';
import { image, picture } from './pictures.js';
import { richText } from './rich_text.js';
import { text, unknown } from './text.js';

const BLOCKS = {
  section(block, on) {
    const words = [block.text && text(block.text), block.fields && h('div', { class: 'fields' }, block.fields.map(text))];
    const beside = block.accessory && h('div', { class: `accessory of-${block.accessory.type}` }, element(block, block.accessory, on));
    return h('div', { class: 'section' }, h('div', { class: 'words' }, words), beside);
  },
  header: (block) => h('h3', {}, text(block.text)),
  divider: () => h('hr'),
  context(block) {
    const parts = block.elements.map((each) => (each.type === 'image' ? picture(each) : text(each)));
    return h('div', { class: 'context' }, parts);
  },
  image,
  actions: (block, on) => h('div', { class: 'actions' }, controls(block, on)),
  context_actions: (block, on) => h('div', { class: 'actions small' }, controls(block, on)),
  input: inputBlock,
  rich_text: (block) => richText(block),
  markdown: (block) => markdown(block.text),
  table: (block) => table(block),
};

/**
 * Draw blocks. `on` is their surface: `press(block, element, value)` is called when an element is used,
 * `typed(block, element, value)` when an input changes, `value(block, element)` returns its value,
 * `error(block)` its error.
 */
export function render(blocks, on) {
  return blocks.map((block) => h('div', { class: `block block-${block.type}` }, (BLOCKS[block.type] ?? unknown)(block, on)));
}

function table(block) {
  const settings = block.column_settings ?? [];
  const cell = (tag) => (given, at) => {
    const align = settings[at]?.align ?? 'left';
    const inside = given.type === 'raw_text' ? given.text : richText(given);
    return h(tag, { class: `align-${align}${settings[at]?.is_wrapped ? ' wrapped' : ''}` }, inside);
  };
  const [head = [], ...rows] = block.rows;
  const body = rows.map((row) => h('tr', {}, row.map(cell('td'))));
  return h('div', { class: 'table', tabIndex: 0 }, h('table', {}, h('thead', {}, h('tr', {}, head.map(cell('th')))), h('tbody', {}, body)));
}
