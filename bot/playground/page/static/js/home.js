/** The bot's Home tab. */

import { render } from './blocks/index.js';
import { ofView } from './blocks/surface.js';
import { h, keepingFocus, reconcile } from './dom.js';
import { bot, home, on } from './store.js';
import { w } from './words.js';

let shown = null;
on('views', () => shown?.isConnected && keepingFocus(shown, draw));

/** Draw the tab; it is updated when the app publishes. */
export function homeTab() {
  shown = h('div', { class: 'home', role: 'tabpanel', 'aria-label': w('home'), tabIndex: 0 });
  draw();
  return shown;
}

function draw() {
  const view = home();
  reconcile(shown, view ? render(view.blocks, ofView(view)) : [h('p', { class: 'empty' }, w('noHome', bot().name))]);
}
