/** Completion of commands, people and channels. */

import { avatar } from './avatar.js';
import { h } from './dom.js';
import { state } from './store.js';

const MOST = 8;

/** Offer completions for a textarea. Returns `handled(event)`, which tells whether the list used a key. */
export function completing(box) {
  const list = h('div', { class: 'completion', role: 'listbox', id: `completion-${Math.random().toString(36).slice(2)}`, hidden: true });
  let offers = [];
  let at = 0;

  const close = () => {
    offers = [];
    show();
  };
  const show = () => {
    list.hidden = offers.length === 0;
    list.replaceChildren(...offers.map(row));
    box.setAttribute('aria-expanded', String(!list.hidden));
    box.setAttribute('aria-activedescendant', list.hidden ? '' : `${list.id}-${at}`);
    list.children[at]?.scrollIntoView({ block: 'nearest' });
  };
  const row = (offer, place) =>
    h('button', { type: 'button', class: 'offer', role: 'option', id: `${list.id}-${place}`, tabIndex: -1, 'aria-selected': String(place === at), onmousedown: (event) => { event.preventDefault(); take(offer); } },
      offer.face, h('strong', {}, offer.name), h('small', {}, offer.about));
  const take = (offer) => {
    box.setRangeText(`${offer.insert} `, offer.from, box.selectionStart, 'end');
    close();
    box.dispatchEvent(new Event('input', { bubbles: true }));
    close();
  };
  const find = () => {
    offers = offersFor(box.value, box.selectionStart).slice(0, MOST);
    at = 0;
    show();
  };

  box.setAttribute('role', 'combobox');
  box.setAttribute('aria-autocomplete', 'list');
  box.setAttribute('aria-controls', list.id);
  box.setAttribute('aria-expanded', 'false');
  box.addEventListener('input', find);
  box.addEventListener('blur', close);
  box.before(list);
  return (event) => {
    if (list.hidden || event.isComposing || event.keyCode === 229) return false;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      at = (at + step + offers.length) % offers.length;
      show();
    } else if (event.key === 'Tab' || event.key === 'Enter') take(offers[at]);
    else if (event.key === 'Escape') close();
    else return false;
    event.preventDefault();
    return true;
  };
}

/** Return the completions of the word before the caret. */
export function offersFor(text, caret) {
  const before = text.slice(0, caret);
  if (/^\/\S*$/.test(before)) return commands(before);
  const match = /(?:^|[\s、。（(])([@＠#＃])([\p{L}\p{N}._-]*)$/u.exec(before);
  if (!match) return [];
  const [, sign, typed] = match;
  const from = caret - typed.length - 1;
  return '@＠'.includes(sign) ? people(typed.toLowerCase(), from) : channels(typed.toLowerCase(), from);
}

function commands(typed) {
  const described = new Map((state.features.slash_commands ?? []).map((each) => [each.command, each]));
  const fitting = state.commands.filter((name) => name.startsWith(typed) && name !== typed);
  return fitting.map((name) => ({
    name,
    insert: name,
    from: 0,
    about: [described.get(name)?.usage_hint, described.get(name)?.description].filter(Boolean).join(' · '),
  }));
}

function people(typed, from) {
  const all = [...state.people.values()].filter((each) => each.standing !== 'gone');
  const sorted = [...all.filter((each) => each.id === state.bot), ...all.filter((each) => each.id !== state.bot)];
  return sorted
    .filter((each) => [each.name, each.handle, each.key].some((name) => name.toLowerCase().startsWith(typed)))
    .filter((each) => each.name.toLowerCase() !== typed)
    .map((each) => ({ name: each.name, insert: `@${each.id === state.bot ? each.name : each.handle}`, from, about: each.id === state.bot ? '' : `@${each.handle}`, face: avatar(each, 'tiny') }));
}

function channels(typed, from) {
  return [...state.channels.values()]
    .filter((each) => each.kind !== 'im' && each.name.startsWith(typed) && each.name !== typed)
    .map((each) => ({ name: `#${each.name}`, insert: `#${each.name}`, from, about: each.topic }));
}
