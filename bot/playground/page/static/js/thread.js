/** The thread panel beside the channel. */

import { composer } from './composer.js';
import { atTheEnd, h, icon, keepingFocus, reconcile } from './dom.js';
import { messageNode } from './message.js';
import { messageAt, on, openThread, place, state, threadOf } from './store.js';
import { w } from './words.js';
import { workingLine } from './working.js';

/** Render the panel, and update it on changes. */
export function threadPanel(root) {
  let list = null;
  let follow = () => {};
  let drawn = new Map();
  const node = (message) => {
    const version = JSON.stringify(message);
    const before = drawn.get(message.ts);
    if (before?.version === version) return before.node;
    const now = messageNode(message, { inThread: true });
    drawn.set(message.ts, { version, node: now });
    return now;
  };
  const nodes = () => {
    const replies = threadOf(state.place, state.thread).filter((each) => each.ts !== state.thread);
    const first = messageAt(state.place, state.thread);
    const count = h('p', { class: 'day' }, h('span', {}, w('replies', replies.length)));
    return [first ? node(first) : h('p', { class: 'tombstone' }, w('deletedParent')), ...(replies.length ? [count] : []), ...replies.map(node)];
  };
  const update = (message) => {
    if (root.hidden || !list) return;
    const sent = message.user === state.me && !drawn.has(message.ts);
    keepingFocus(list, () => reconcile(list, nodes()));
    follow(sent || undefined);
  };
  const draw = () => {
    root.hidden = !state.thread;
    document.body.classList.toggle('with-thread', Boolean(state.thread));
    if (root.hidden) return;
    drawn = new Map();
    root.setAttribute('aria-label', w('thread'));
    list = h('div', { class: 'messages', role: 'log', 'aria-live': 'polite', tabIndex: 0 });
    reconcile(root, [head(), list, workingLine(state.thread), h('div', { class: 'foot' }, place().member && composer({ thread: state.thread }))]);
    reconcile(list, nodes());
    follow = atTheEnd(list);
    follow(true);
    root.querySelector('.composer-text')?.focus();
  };
  on('all place thread', draw);
  on('message', (message) => message.channel === state.place && update(message));
  root.addEventListener('keydown', (event) => event.key === 'Escape' && !event.isComposing && !event.defaultPrevented && openThread(''));
}

function head() {
  const here = place();
  return h('div', { class: 'head' }, h('h2', {}, w('thread')), h('p', { class: 'topic' }, here.kind === 'im' ? here.name : `# ${here.name}`), h('span', { class: 'space' }),
    h('button', { type: 'button', class: 'tool', 'aria-label': w('close'), onclick: () => openThread('') }, icon('close')));
}
