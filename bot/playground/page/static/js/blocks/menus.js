/** Select menus: static options, people and channels, or external options. */

import { confirmed } from '../confirm.js';
import { h } from '../dom.js';
import { withEmoji } from '../emoji.js';
import { bot, state } from '../store.js';
import { w } from '../words.js';

const label = (option) => withEmoji(option.text.text);

/** Return the options as {value, label, description, group}. */
const SOURCES = {
  static: (it) => groupsOf(it).flatMap(({ name, options }) =>
    options.map((each) => ({ value: each.value, label: label(each), description: each.description?.text, group: name }))),
  users: () => [...state.people.values()].filter((each) => each.standing !== 'gone').map((each) => ({ value: each.id, label: each.name })),
  channels: () => places((each) => each.kind === 'channel'),
  conversations: (it) => places((each) => !it.filter?.include || it.filter.include.includes(KINDS[each.kind])),
};
const KINDS = { channel: 'public', group: 'private', im: 'im' };

const groupsOf = (it) =>
  it.option_groups?.map((group) => ({ name: label({ text: group.label }), options: group.options })) ?? [{ name: '', options: it.options ?? [] }];

function places(wanted) {
  return [...state.channels.values()].filter(wanted).map((each) => ({ value: each.id, label: each.kind === 'im' ? bot().name : `#${each.name}` }));
}

/** Draw a single-select menu. */
const single = (source) => (block, it, on) => {
  const choices = SOURCES[source](it);
  const value = on.value(block, it) ?? '';
  const menu = h('select', {
    class: 'select',
    'aria-label': on.label(block, it),
    data: { key: `${block.block_id}/${it.action_id}` },
  }, h('option', { value: '', hidden: !block.optional }, it.placeholder?.text ?? w('choose')), grouped(choices));
  menu.value = value;
  menu.addEventListener('change', async () => {
    if (it.confirm && !(await confirmed(it.confirm))) menu.value = value;
    else on.use(block, it, menu.value || null);
  });
  return menu;
};

function grouped(choices) {
  const groups = Map.groupBy ? Map.groupBy(choices, (each) => each.group ?? '') : byGroup(choices);
  return [...groups].map(([name, members]) => {
    const options = members.map((each) => h('option', { value: each.value }, each.label));
    return name ? h('optgroup', { label: name }, options) : options;
  });
}

function byGroup(choices) {
  const groups = new Map();
  for (const each of choices) groups.set(each.group ?? '', [...(groups.get(each.group ?? '') ?? []), each]);
  return groups;
}

/** Draw a multi-select menu, which unfolds into checkboxes. */
const several = (source) => (block, it, on) => {
  const choices = SOURCES[source](it);
  const chosen = new Set(on.value(block, it) ?? []);
  const summary = h('summary', { class: 'select', data: { key: `${block.block_id}/${it.action_id}` } });
  const say = () => {
    const names = choices.filter((each) => chosen.has(each.value)).map((each) => each.label);
    summary.textContent = names.join('、') || it.placeholder?.text || w('choose');
  };
  const tick = (each) => {
    const box = h('input', { type: 'checkbox', checked: chosen.has(each.value) });
    box.addEventListener('change', () => {
      if (box.checked && chosen.size >= (it.max_selected_items ?? Infinity)) box.checked = false;
      else chosen[box.checked ? 'add' : 'delete'](each.value);
      say();
      on.use(block, it, choices.map((one) => one.value).filter((one) => chosen.has(one)));
    });
    return h('label', { class: 'tick' }, box, h('span', {}, each.label));
  };
  say();
  return h('details', { class: 'several' }, summary, h('div', { class: 'ticks', role: 'group', 'aria-label': on.label(block, it) }, choices.map(tick)));
};

// -- External options ------------------------------------------------------------------------------------

/** Draw a menu with external options, which the app returns for the text typed. */
function outside(many) {
  return (block, it, on) => {
    const least = it.min_query_length ?? 3;
    const held = on.value(block, it);
    const chosen = many ? [...(held ?? [])] : [];
    const list = h('div', { class: 'offers', role: 'listbox', id: `offers-${block.block_id}-${it.action_id}`, hidden: true });
    const box = h('input', {
      type: 'text',
      class: 'text-input',
      role: 'combobox',
      autocomplete: 'off',
      value: many || !held ? '' : label(held),
      placeholder: it.placeholder?.text ?? w('choose'),
      'aria-label': on.label(block, it),
      'aria-expanded': 'false',
      'aria-controls': list.id,
      data: { key: `${block.block_id}/${it.action_id}` },
    });
    const tags = h('div', { class: 'tags' });
    const show = (nodes) => {
      list.replaceChildren(...nodes);
      list.hidden = nodes.length === 0;
      box.setAttribute('aria-expanded', String(!list.hidden));
    };
    const pick = (option) => {
      if (many && !chosen.some((each) => each.value === option.value)) chosen.push(option);
      box.value = many ? '' : label(option);
      show([]);
      tell();
      on.use(block, it, many ? chosen : option);
    };
    const tell = () => tags.replaceChildren(...chosen.map((option) =>
      h('button', { type: 'button', class: 'tag', onclick: () => { chosen.splice(chosen.indexOf(option), 1); tell(); on.use(block, it, chosen); } }, label(option), ' ×')));
    const offer = (option) =>
      h('button', { type: 'button', class: 'offer', role: 'option', tabIndex: -1, onclick: () => pick(option) },
        h('span', {}, label(option)), option.description && h('small', {}, withEmoji(option.description.text)));
    let latest = 0;
    const ask = async () => {
      const text = box.value;
      const turn = ++latest;
      if (text.length < least) return show([h('p', { class: 'hint' }, w('typeMore', least))]);
      const told = await on.suggest(block, it, text);
      if (turn !== latest) return undefined;
      const groups = told.option_groups?.length ? told.option_groups : [{ options: told.options ?? [] }];
      const nodes = groups.flatMap((group) => [group.label && h('p', { class: 'hint' }, label({ text: group.label })), ...group.options.map(offer)]);
      return show(nodes.filter(Boolean).length ? nodes.filter(Boolean) : [h('p', { class: 'hint' }, w('noChoices'))]);
    };
    let soon = 0;
    box.addEventListener('input', () => {
      if (!many && !box.value) on.use(block, it, null);
      clearTimeout(soon);
      soon = setTimeout(ask, 150);
    });
    box.addEventListener('focus', () => (!many && held && box.value === label(held)) || ask());
    box.addEventListener('keydown', (event) => arrows(event, box, list, show));
    list.addEventListener('keydown', (event) => arrows(event, box, list, show));
    const whole = h('div', { class: 'outside' }, tags, box, list);
    whole.addEventListener('focusout', (event) => whole.contains(event.relatedTarget) || show([]));
    tell();
    return whole;
  };
}

/** Handle the arrow keys and Escape in the list of options. */
function arrows(event, box, list, show) {
  const offers = [box, ...list.querySelectorAll('.offer')];
  const at = offers.indexOf(document.activeElement);
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (event.isComposing || list.hidden) return;
  if (step) offers[(at + step + offers.length) % offers.length].focus();
  else if (event.key === 'Escape') show([]);
  else return;
  event.preventDefault();
  event.stopPropagation();
}

export const ELEMENTS = {
  static_select: single('static'),
  users_select: single('users'),
  channels_select: single('channels'),
  conversations_select: single('conversations'),
  external_select: outside(false),
  multi_static_select: several('static'),
  multi_users_select: several('users'),
  multi_channels_select: several('channels'),
  multi_conversations_select: several('conversations'),
  multi_external_select: outside(true),
};
