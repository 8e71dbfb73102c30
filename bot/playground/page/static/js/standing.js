/** What the trial says for as long as it is so, above the channel: files that can't be used, and the like. */

import { h } from './dom.js';
import { language, state } from './store.js';

/** Draw the notes; an empty box when there are none, so that screen readers hear of later ones. */
export function standing() {
  const line = (note) => h('p', { class: note.is_problem ? 'problem' : '' }, note[language()]);
  return h('div', { class: 'standing', role: 'status' }, state.standing.map(line));
}
