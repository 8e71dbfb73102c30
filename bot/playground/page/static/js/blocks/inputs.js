/** Text inputs, checkboxes, radio buttons, dates, times and files. */

import { upload } from '../connection.js';
import { h } from '../dom.js';
import { reason } from '../reasons.js';
import { toast } from '../toast.js';
import { w } from '../words.js';
import { text } from './text.js';

/** Draw a text input; `dispatch_action_config` decides when it sends its value. */
const typed = (kind) => (block, it, on) => {
  const many = it.multiline;
  const when = it.dispatch_action_config?.trigger_actions_on ?? ['on_enter_pressed'];
  const box = h(many ? 'textarea' : 'input', {
    ...(many ? { rows: 5 } : { type: kind }),
    class: 'text-input',
    value: on.value(block, it) ?? '',
    placeholder: it.placeholder?.text ?? '',
    minLength: it.min_length,
    maxLength: it.max_length,
    min: it.min_value,
    max: it.max_value,
    step: kind === 'number' && it.is_decimal_allowed ? 'any' : undefined,
    autocomplete: 'off',
    'aria-label': block.type === 'input' ? undefined : on.label(block, it),
    autofocus: it.focus_on_load,
    data: { key: `${block.block_id}/${it.action_id}` },
  });
  const dispatches = (name) => block.dispatch_action && when.includes(name);
  box.addEventListener('input', (event) => {
    on.typed(block, it, box.value);
    if (!event.isComposing && dispatches('on_character_entered')) on.press(block, it, box.value);
  });
  box.addEventListener('keydown', (event) => {
    const entered = event.key === 'Enter' && !event.isComposing && event.keyCode !== 229 && !many;
    if (!entered) return;
    event.preventDefault();
    if (dispatches('on_enter_pressed')) on.press(block, it, box.value);
    else on.enter?.();
  });
  if (!dispatches('on_enter_pressed')) return box;
  const send = h('button', { type: 'button', class: 'button enter', 'aria-label': w('pressEnter'), title: w('pressEnter'), onclick: () => on.press(block, it, box.value) }, '↵');
  return h('div', { class: 'with-enter' }, box, send);
};

const dated = (kind) => (block, it, on) => {
  const value = on.value(block, it);
  const shown = kind === 'datetime-local' && value ? local(value) : value;
  const box = h('input', { type: kind, class: 'text-input', value: shown ?? '', 'aria-label': on.label(block, it), data: { key: `${block.block_id}/${it.action_id}` } });
  const told = () => (kind === 'datetime-local' ? Math.floor(new Date(box.value).getTime() / 1000) : box.value);
  box.addEventListener('change', () => on.use(block, it, box.value ? told() : null));
  return box;
};

function local(seconds) {
  const then = new Date(seconds * 1000);
  return new Date(then.getTime() - then.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** Draw checkboxes or radio buttons. */
const ticked = (kind) => (block, it, on) => {
  const held = on.value(block, it);
  const isChosen = (value) => (kind === 'checkbox' ? (held ?? []).includes(value) : held === value);
  const name = `${block.block_id}-${it.action_id}`;
  const group = h('div', { class: 'ticks', role: kind === 'radio' ? 'radiogroup' : 'group', 'aria-label': on.label(block, it) });
  const one = (option, at) => {
    const box = h('input', { type: kind, name, value: option.value, checked: isChosen(option.value), data: { key: `${block.block_id}/${it.action_id}/${at}` } });
    box.addEventListener('change', () => {
      const values = [...group.querySelectorAll('input:checked')].map((each) => each.value);
      on.use(block, it, kind === 'radio' ? values[0] : values);
    });
    return h('label', { class: 'tick' }, box, h('span', {}, text(option.text), option.description && h('small', {}, text(option.description))));
  };
  group.append(...it.options.map(one));
  return group;
};

/** Draw a file input; files are uploaded at once, and belong to the form on submission. */
function files(block, it, on) {
  const list = h('ul', { class: 'chosen-files' });
  const held = [...(on.value(block, it) ?? [])];
  const show = () => list.replaceChildren(...held.map((file) => h('li', {}, file.name)));
  const accept = it.filetypes?.map((kind) => `.${kind}`).join(',');
  const most = it.max_files ?? 10;
  const box = h('input', { type: 'file', accept: accept ?? '', multiple: most > 1, data: { key: `${block.block_id}/${it.action_id}` } });
  box.addEventListener('change', async () => {
    for (const file of box.files) {
      try {
        held.push((await upload(file, { view: on.view, block_id: block.block_id })).file);
      } catch (error) {
        toast(reason(error));
      }
    }
    held.splice(0, Math.max(0, held.length - most));
    box.value = '';
    show();
  });
  show();
  return h('div', { class: 'file-input' }, box, list);
}

export const ELEMENTS = {
  plain_text_input: typed('text'),
  email_text_input: typed('email'),
  url_text_input: typed('url'),
  number_input: typed('number'),
  datepicker: dated('date'),
  timepicker: dated('time'),
  datetimepicker: dated('datetime-local'),
  checkboxes: ticked('checkbox'),
  radio_buttons: ticked('radio'),
  file_input: files,
};
