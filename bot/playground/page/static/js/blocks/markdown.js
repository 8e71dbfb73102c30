/** markdown blocks: the parts of standard Markdown that bots use. */

import { h } from '../dom.js';
import { withEmoji } from '../emoji.js';
import { link } from '../mrkdwn.js';

const SPAN = /`([^`\n]+)`|\[([^\]\n]+)\]\(([^)\s]+)\)|\*\*([^*\n]+)\*\*|__([^_\n]+)__|~~([^~\n]+)~~|(?<![\w*])[*_]([^*_\n]+)[*_](?![\w*])|(https?:\/\/[^\s<>)]+)/g;
const ITEM = /^\s*(?:[-*+]|(\d+)[.)])\s+(?:\[([ xX])\]\s+)?(.*)$/;

/** Draw a markdown text. */
export function markdown(text) {
  const blocks = [];
  const rows = text.split('\n');
  for (let at = 0; at < rows.length; ) at = take(rows, at, blocks);
  return h('div', { class: 'markdown' }, blocks);
}

/** Draw the next part of the text; returns where the one after it begins. */
function take(rows, at, blocks) {
  const row = rows[at];
  if (row.startsWith('```')) return fence(rows, at, blocks);
  const heading = /^(#{1,6})\s+(.*)$/.exec(row);
  if (heading) return blocks.push(h(`h${Math.min(6, heading[1].length + 2)}`, {}, inline(heading[2]))), at + 1;
  if (/^\s*([-*_])(\s*\1){2,}\s*$/.test(row)) return blocks.push(h('hr')), at + 1;
  if (/^>/.test(row)) return gather(rows, at, /^> ?/, (lines) => blocks.push(h('blockquote', {}, lines.map(paragraph))));
  if (ITEM.test(row)) return items(rows, at, blocks);
  if (/^\|.*\|\s*$/.test(row) && /^\|[\s:|-]+\|\s*$/.test(rows[at + 1] ?? '')) return table(rows, at, blocks);
  if (row.trim()) blocks.push(paragraph(row));
  return at + 1;
}

const paragraph = (row) => h('div', { class: 'line' }, inline(row));

function fence(rows, at, blocks) {
  let end = at + 1;
  while (end < rows.length && !rows[end].startsWith('```')) end += 1;
  blocks.push(h('pre', {}, rows.slice(at + 1, end).join('\n')));
  return end + 1;
}

function gather(rows, at, mark, done) {
  let end = at;
  while (end < rows.length && mark.test(rows[end])) end += 1;
  done(rows.slice(at, end).map((row) => row.replace(mark, '')));
  return end;
}

function items(rows, at, blocks) {
  const list = h(ITEM.exec(rows[at])[1] ? 'ol' : 'ul');
  let end = at;
  for (let match; end < rows.length && (match = ITEM.exec(rows[end])); end += 1) {
    const box = match[2] === undefined ? '' : match[2] === ' ' ? '☐ ' : '☑ ';
    list.append(h('li', {}, box, inline(match[3])));
  }
  blocks.push(list);
  return end;
}

function table(rows, at, blocks) {
  const cells = (row) => row.trim().slice(1, -1).split('|').map((cell) => cell.trim());
  let end = at + 2;
  while (end < rows.length && /^\|.*\|\s*$/.test(rows[end])) end += 1;
  const head = h('tr', {}, cells(rows[at]).map((cell) => h('th', {}, inline(cell))));
  const body = rows.slice(at + 2, end).map((row) => h('tr', {}, cells(row).map((cell) => h('td', {}, inline(cell)))));
  blocks.push(h('div', { class: 'table', tabIndex: 0 }, h('table', {}, h('thead', {}, head), h('tbody', {}, body))));
  return end;
}

function inline(text) {
  const nodes = [];
  let end = 0;
  for (const match of text.matchAll(SPAN)) {
    nodes.push(withEmoji(text.slice(end, match.index)));
    end = match.index + match[0].length;
    nodes.push(span(match));
  }
  return [...nodes, withEmoji(text.slice(end))];
}

function span([, code, label, address, bold, other, strike, italic, url]) {
  if (code) return h('code', {}, code);
  if (address) return link(address, label);
  if (bold ?? other) return h('strong', {}, inline(bold ?? other));
  if (strike) return h('s', {}, inline(strike));
  return italic ? h('em', {}, inline(italic)) : link(url);
}
