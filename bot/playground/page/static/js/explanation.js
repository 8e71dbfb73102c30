/** The explanation of a hit and its confidence, as a drawing; `kotae search --explain` prints the same. */

import { h } from './dom.js';
import { language } from './store.js';
import { w } from './words.js';

/** Draw why there is an answer or none, in the person's language. */
export function reasons(why) {
  return h('ul', { class: 'why' }, why.map((each) => h('li', {}, each[language()])));
}

/** Draw the explanation of a hit. */
export function explanation(it) {
  return h('section', { class: 'hit' },
    h('h3', {}, it.title),
    h('p', { class: 'source' }, it.knowledge_base),
    meter(w('confidence'), it.confidence.value),
    it.dense && meter(`${w('byMeaning')} × ${it.dense.weight.toFixed(1)}`, Math.max(...it.dense.passages.map((each) => each.cosine))),
    meter(`${w('byWords')} × ${it.lexical.weight.toFixed(1)}`, it.lexical.total),
    terms(w('sharedWords'), it.lexical.matched),
    terms(w('missingWords'), it.lexical.missing),
    h('h4', {}, w('whyConfident')),
    h('ul', { class: 'bars' }, Object.entries(it.confidence.terms).map(bar)));
}

function meter(label, value) {
  const gauge = h('meter', { min: 0, max: 1, low: 0.4, high: 0.8, optimum: 1, value, 'aria-label': label });
  return h('div', { class: 'meter' }, h('span', {}, label), gauge, h('strong', {}, value.toFixed(2)));
}

function terms(label, found) {
  if (!found.length) return null;
  return h('p', { class: 'terms' }, h('small', {}, label), found.map((each) => h('code', { title: `idf ${each.idf.toFixed(1)}` }, each.term)));
}

function bar([name, value]) {
  const line = h('span', { class: value < 0 ? 'bar minus' : 'bar' });
  line.style.setProperty('--size', Math.min(1, Math.abs(value) / 6));
  return h('li', {}, h('span', {}, name), h('span', { class: 'track' }, line), h('strong', {}, value.toFixed(2)));
}
