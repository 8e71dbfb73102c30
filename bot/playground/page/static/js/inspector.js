/** The inspector: traffic between Slack and the app, explanations of answers, and faults. */

import { act, explain } from './connection.js';
import { h, icon, reconcile } from './dom.js';
import { explanation, reasons } from './explanation.js';
import { reason } from './reasons.js';
import { on, state } from './store.js';
import { toast } from './toast.js';
import { w } from './words.js';

const FAULTS = ['duplicate', 'retry', 'late', 'slow', 'limited', 'failing', 'disconnect', 'reset', 'clear'];
const SLOW_ACK = 3;
let panel = null;
let tab = 'traffic';
let onlyProblems = false;
let explained = null;
let rows = new Map();

/** Render the panel, and update it on changes. */
export function inspector(root) {
  panel = root;
  on('all', draw);
  on('traffic', () => tab === 'traffic' && !panel.hidden && showTraffic());
}

/** Open or close it. */
export function toggleInspector() {
  panel.hidden = !panel.hidden;
  document.body.classList.toggle('with-inspector', !panel.hidden);
  draw();
}

/** Show why the bot answered with this message, or what it made of a person's. */
export async function explainMessage(message) {
  if (panel.hidden) toggleInspector();
  tab = 'answer';
  explained = null;
  try {
    explained = (await explain(message)).explained;
  } catch (error) {
    toast(reason(error));
  }
  draw();
}

function draw() {
  if (panel.hidden || !state.me) return;
  panel.setAttribute('aria-label', w('inspector'));
  rows = new Map();
  const one = (name) => h('button', { type: 'button', role: 'tab', class: 'tab', 'aria-selected': String(tab === name), onclick: () => { tab = name; draw(); } }, w(name));
  const content = { traffic, answer, faults }[tab];
  reconcile(panel, [
    h('div', { class: 'head' }, h('h2', {}, w('inspector')), h('div', { role: 'tablist', class: 'tabs' }, one('traffic'), one('answer'), one('faults')), h('span', { class: 'space' }),
      h('button', { type: 'button', class: 'tool', 'aria-label': w('close'), onclick: toggleInspector }, icon('close'))),
    content(),
  ]);
  if (tab === 'traffic') showTraffic();
}

// -- Traffic ----------------------------------------------------------------------------------------------

function traffic() {
  const choose = h('select', { class: 'select', 'aria-label': w('filter'), onchange: () => { onlyProblems = choose.value === 'problems'; showTraffic(); } },
    h('option', { value: 'all' }, w('all')), h('option', { value: 'problems' }, w('problems')));
  choose.value = onlyProblems ? 'problems' : 'all';
  return h('div', { class: 'traffic' }, h('div', { class: 'traffic-tools' }, choose), h('ol', { class: 'entries' }));
}

function showTraffic() {
  const list = panel.querySelector('.entries');
  const wanted = [...state.traffic.values()].filter((each) => !onlyProblems || isProblem(each)).sort((one, other) => other.at - one.at);
  const nodes = wanted.map(row);
  reconcile(list, nodes.length ? nodes : [h('li', { class: 'empty' }, w('trafficEmpty'))]);
}

const isProblem = (it) => it.way === 'warning' || (it.way === 'out' ? !it.ok : isLate(it) || it.attempts > 1);
const isLate = (it) => ['unacked', 'undelivered'].includes(it.outcome) || it.acked > SLOW_ACK;

/** Draw an entry; an unchanged one keeps its node, an unfolded one stays unfolded. */
function row(it) {
  const version = JSON.stringify([it.outcome, it.acked, it.answered, it.attempts, it.status]);
  const before = rows.get(it.id);
  if (before?.version === version) return before.node;
  const sign = { in: 'down', out: 'up', warning: 'warn' }[it.way];
  const node = h('li', {}, h('details', { class: `entry ${it.way} ${isProblem(it) ? 'problem' : ''}`, open: before?.node.firstChild.open },
    h('summary', {}, icon(sign), h('code', {}, it.name), h('span', { class: 'space' }), figures(it)),
    h('time', {}, new Date(it.at * 1000).toLocaleTimeString(undefined, { hour12: false, fractionalSecondDigits: 3 })),
    it.way === 'warning' ? null : [json(it.payload), it.ack && json(it.ack), it.response && json(it.response)]));
  rows.set(it.id, { version, node });
  return node;
}

const json = (value) => h('pre', { tabIndex: 0 }, JSON.stringify(value, null, 2));
const ms = (seconds) => (seconds < 1 ? `${Math.round(seconds * 1000)} ms` : `${seconds.toFixed(1)} s`);

function figures(it) {
  if (it.way === 'warning') return null;
  if (it.way === 'out') return h('small', {}, it.ok ? ms(it.seconds) : it.error || `${it.status}`);
  const parts = [
    it.attempts > 1 && w('attempts', it.attempts),
    it.outcome === 'unacked' && w('notAcked'),
    it.outcome === 'undelivered' && w('undelivered'),
    it.acked !== null && `${w('ack')} ${ms(it.acked)}`,
    it.answered !== null && `${w('answered')} ${ms(it.answered)}`,
  ];
  return h('small', {}, parts.filter(Boolean).join(' · '));
}

// -- Answer and faults ------------------------------------------------------------------------------------

function answer() {
  const words = explained === null ? w('answerEmpty') : w('answerNone');
  return h('div', { class: 'explained' }, explained?.why.length ? [reasons(explained.why), explained.hits.map(explanation)] : h('p', { class: 'empty' }, words));
}

function faults() {
  const one = (name) => h('button', { type: 'button', class: name === 'clear' ? 'button primary' : 'button', onclick: () => injectFault(name) }, w(`fault_${name}`));
  return h('div', { class: 'faults' }, h('p', {}, w('faultsIntro')), FAULTS.map(one));
}

async function injectFault(fault) {
  try {
    await act('inject_fault', { fault });
    toast(`${w(`fault_${fault}`)}: ${w('done')}`);
  } catch (error) {
    toast(reason(error));
  }
}
