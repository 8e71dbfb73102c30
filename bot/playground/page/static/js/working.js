/** The indicator that the bot is working. */

import { h } from './dom.js';
import { bot, on, state } from './store.js';
import { w } from './words.js';

const lines = new Set();
on('working all place thread', () => lines.forEach((line) => (line.node.isConnected ? show(line) : lines.delete(line))));

/** Create the indicator for the channel (thread "") or for a thread. */
export function workingLine(thread) {
  const line = { node: h('p', { class: 'working', role: 'status' }), thread };
  lines.add(line);
  show(line);
  return line.node;
}

function show({ node, thread }) {
  const busy = [...state.working.values()].find((each) => each.channel === state.place && (each.thread === thread || (!thread && !state.thread)));
  node.replaceChildren(...(busy ? [h('span', { class: 'dots', 'aria-hidden': 'true' }), busy.words ? `${bot().name} ${busy.words}` : w('working', bot().name)] : []));
}
