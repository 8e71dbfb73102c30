/** Text objects, and placeholders for what can't be drawn. */

import { h } from '../dom.js';
import { mrkdwn, plain } from '../mrkdwn.js';
import { w } from '../words.js';

/** Draw a plain_text or mrkdwn object. */
export const text = (given) => (given.type === 'mrkdwn' ? mrkdwn(given.text) : plain(given.text));

/** Draw a placeholder for an unsupported block or element. */
export const unknown = (thing) => h('p', { class: 'unknown' }, w('notRendered', thing?.type ?? '?'));
