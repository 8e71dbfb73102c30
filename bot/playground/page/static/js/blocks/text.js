/** Text objects, and what stands for what can't be drawn. */

import { h } from '../dom.js';
import { mrkdwn, plain } from '../mrkdwn.js';
import { w } from '../words.js';

/** A plain_text or mrkdwn object. */
export const text = (given) => (given.type === 'mrkdwn' ? mrkdwn(given.text) : plain(given.text));

/** A block or element that this page has no drawing for. */
export const unknown = (thing) => h('p', { class: 'unknown' }, w('notRendered', thing?.type ?? '?'));
