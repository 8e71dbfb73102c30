/** A line at the bottom that goes away by itself. */

import { h } from './dom.js';

const SHOWN_MS = 5000;

/** Say something in passing; screen readers say it too. */
export function toast(text) {
  const line = h('p', { class: 'toast' }, text);
  document.getElementById('toasts').append(line);
  setTimeout(() => line.remove(), SHOWN_MS);
}
