/** Popup menus: with arrow keys and Escape; a click elsewhere closes them. */

import { h } from './dom.js';

const GAP = 6;

/** Open a menu of {label, description, act, chosen} at `anchor`. */
export function openMenu(anchor, items) {
  const menu = h('div', { class: 'menu', role: 'menu', popover: 'auto' }, items.map(row));
  openAt(anchor, menu);
  menu.addEventListener('keydown', steps);
  menu.querySelector('[role^=menuitem]')?.focus();
}

/** Open a popup at `anchor` until the next click elsewhere. */
export function openAt(anchor, box) {
  box.addEventListener('toggle', (event) => {
    if (event.newState !== 'closed') return;
    if (box.contains(document.activeElement)) anchor.focus();
    box.remove();
  });
  (anchor.closest('dialog') ?? document.body).append(box);
  box.showPopover();
  place(anchor, box);
}

function place(anchor, box) {
  const at = anchor.getBoundingClientRect();
  const { width, height } = box.getBoundingClientRect();
  const below = at.bottom + GAP + height < innerHeight || at.top < height + GAP;
  box.style.left = `${Math.max(GAP, Math.min(at.left, innerWidth - width - GAP))}px`;
  box.style.top = `${below ? Math.min(at.bottom + GAP, innerHeight - height - GAP) : at.top - GAP - height}px`;
}

function row(item) {
  if (item.heading) return h('p', { class: 'menu-heading' }, item.heading);
  const act = (event) => {
    event.currentTarget.closest('[popover]').hidePopover();
    item.act();
  };
  const kind = item.chosen === undefined ? {} : { 'aria-checked': String(item.chosen) };
  const role = item.chosen === undefined ? 'menuitem' : 'menuitemradio';
  return h('button', { type: 'button', class: `menu-item ${item.danger ? 'danger' : ''}`, role, tabIndex: -1, onclick: act, ...kind },
    item.before, h('span', { class: 'menu-words' }, item.label, item.description && h('small', {}, item.description)), item.after);
}

function steps(event) {
  const items = [...event.currentTarget.querySelectorAll('[role^=menuitem]')];
  const at = items.indexOf(document.activeElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  items[(to + items.length) % items.length].focus();
}
