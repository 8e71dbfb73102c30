/** Helpers for DOM nodes. Text becomes text nodes: no text of a person or a CSV is ever markup. */

const NEAR = 80;
const READ_ONLY = new Set(['form', 'list', 'popover']);

/** Create an element: `on…` are listeners, `class`, `aria-…` and the like attributes, everything else properties. */
export function h(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) set(node, name, value);
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

function set(node, name, value) {
  if (value === undefined || value === null || value === false) return;
  if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
  else if (name === 'data') Object.assign(node.dataset, value);
  else if (name in node && !READ_ONLY.has(name)) node[name] = value;
  else node.setAttribute(name, value === true ? '' : value);
}

/** Make these nodes the children of `parent`, moving as few as possible. */
export function reconcile(parent, nodes) {
  const kept = new Set(nodes);
  for (const child of [...parent.childNodes]) if (!kept.has(child)) child.remove();
  let at = parent.firstChild;
  for (const node of nodes) {
    if (node === at) at = at.nextSibling;
    else parent.insertBefore(node, at);
  }
}

/** Change nodes inside `root`, and keep the focus on the element with the same `data-key`, or on the same message. */
export function keepingFocus(root, change) {
  const before = document.activeElement;
  const inside = root.contains(before);
  const key = inside && before.dataset?.key;
  const ts = inside && before.closest('[data-ts]')?.dataset.ts;
  const caret = key && 'selectionStart' in before ? [before.selectionStart, before.selectionEnd] : null;
  change();
  if (!inside || before.isConnected) return;
  const now = (key && find(root, 'key', key)) || (ts && find(root, 'ts', ts));
  now?.focus({ preventScroll: true });
  if (caret && now?.setSelectionRange && now.type !== 'number') now.setSelectionRange(...caret);
}

/**
 * Keep a list scrolled to its end while it grows, unless the user scrolled up. Returns a function to call after changes:
 * without an argument it does that, with `true` it always scrolls to the end, with `false` to the beginning.
 */
export function atTheEnd(list) {
  let pinned = true;
  const follow = (how) => {
    if (typeof how === 'boolean') pinned = how;
    if (pinned) list.scrollTop = list.scrollHeight;
    else if (how === false) list.scrollTop = 0;
  };
  list.addEventListener('scroll', () => (pinned = list.scrollHeight - list.scrollTop - list.clientHeight < NEAR));
  list.addEventListener('load', () => follow(), true);
  new ResizeObserver(() => follow()).observe(list);
  return follow;
}

function find(root, name, value) {
  return [...root.querySelectorAll(`[data-${name}]`)].find((node) => node.dataset[name] === value);
}

/** Create one of the page's icons. */
export function icon(name) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  path.setAttribute('d', ICONS[name]);
  svg.append(path);
  return svg;
}

const ICONS = {
  menu: 'M4 7h16M4 12h16M4 17h16',
  close: 'M6 6l12 12M18 6L6 18',
  send: 'M4 12l16-7-6 16-3-7z',
  attach: 'M19 11l-7.500 7.500a4.500 4.500 0 0 1-6.400-6.400l8-8a3 3 0 0 1 4.300 4.300l-7.800 7.800a1.500 1.500 0 0 1-2.200-2.200l7-7',
  bolt: 'M13 3L5 14h6l-1 7 8-11h-6z',
  at: 'M12 15.500a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7zM15.500 12v1.500a2.500 2.500 0 0 0 5 0V12a8.500 8.500 0 1 0-3.500 6.900',
  more: 'M5 12h.01M12 12h.01M19 12h.01',
  reply: 'M20 12a8 8 0 0 1-11.500 7.200L4 20l.900-4A8 8 0 1 1 20 12z',
  smile: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM8.500 14.500a4.500 4.500 0 0 0 7 0M9 9.500h.01M15 9.500h.01',
  edit: 'M4 20h4L19 9l-4-4L4 16z',
  trash: 'M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13',
  lock: 'M7 11V8a5 5 0 0 1 10 0v3M5.500 11h13v9h-13z',
  sun: 'M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM12 2v2M12 20v2M4.900 4.900l1.400 1.400M17.700 17.700l1.400 1.400M2 12h2M20 12h2M4.900 19.100l1.400-1.400M17.700 6.300l1.400-1.400',
  moon: 'M20 14.500A8.500 8.500 0 0 1 9.500 4 8.500 8.500 0 1 0 20 14.500z',
  pulse: 'M3 12h4l3-8 4 16 3-8h4',
  file: 'M6 3h8l4 4v14H6zM14 3v4h4M9 13h6M9 17h6',
  down: 'M12 5v14M6 13l6 6 6-6',
  up: 'M12 19V5M6 11l6-6 6 6',
  warn: 'M12 4l9 16H3zM12 10v4M12 17h.01',
  chevron: 'M6 9l6 6 6-6',
  eye: 'M2.500 12S6 5.500 12 5.500 21.500 12 21.500 12 18 18.500 12 18.500 2.500 12 2.500 12zM12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6z',
};
