/** A short notice at the bottom that disappears by itself. */

import { h } from './dom.js';

const SHOWN_MS = 5000;

/** Show a notice; screen readers announce it. */
export function toast(text) {
  const line = h('p', { class: 'toast' }, text);
  document.getElementById('toasts').append(line);
  setTimeout(() => line.remove(), SHOWN_MS);
}
