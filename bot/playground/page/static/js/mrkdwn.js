/** Slack's mrkdwn and plain text as DOM nodes. */

import { h } from './dom.js';
import { withEmoji } from './emoji.js';
import { state } from './store.js';
import { clock } from './words.js';

const WORD = '[\\p{L}\\p{N}_]';
const SPAN = new RegExp(
  [
    '`(?<code>[^`\\n]+)`',
    '<(?<reference>[^<>\\n]+)>',
    `(?<!${WORD}|\\*)\\*(?<bold>[^\\s*]|[^\\s*][^*\\n]*[^\\s*])\\*(?!${WORD}|\\*)`,
    `(?<!${WORD})_(?<italic>[^\\s_]|[^\\s_][^_\\n]*[^\\s_])_(?!${WORD})`,
    `(?<!${WORD}|~)~(?<strike>[^\\s~]|[^\\s~][^~\\n]*[^\\s~])~(?!${WORD}|~)`,
  ].join('|'),
  'gu',
);
const FENCE = /```\n?([\s\S]+?)\n?```/g;
const TAGS = { bold: 'strong', italic: 'em', strike: 's' };
const SAFE = /^(https?:|mailto:)/i;

export const unescaped = (text) => text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');

/** Draw a plain_text object: only emoji names are replaced. */
export const plain = (text) => h('span', { class: 'plain' }, withEmoji(text));

/** Draw escaped mrkdwn: styles, quotes, code, links, and the names of mentions. */
export function mrkdwn(text) {
  const parts = String(text).split(FENCE);
  const nodes = parts.map((part, at) => (at % 2 ? h('pre', {}, unescaped(part)) : lines(trimmed(part, parts.length))));
  return h('div', { class: 'mrkdwn' }, nodes);
}

const trimmed = (part, count) => (count > 1 ? part.replace(/^\n|\n$/g, '') : part);

function lines(text) {
  const nodes = [];
  let quote = null;
  let rest = false;
  if (!text) return nodes;
  for (const line of text.split('\n')) {
    const all = line.match(/^(?:&gt;|>){3} ?/);
    const mark = all ?? line.match(/^(?:&gt;|>) ?/);
    rest ||= all !== null;
    if (mark || rest) {
      if (!quote) nodes.push((quote = h('blockquote')));
      quote.append(row(line.slice(mark?.[0].length ?? 0)));
    } else {
      quote = null;
      nodes.push(row(line));
    }
  }
  return nodes;
}

function row(line) {
  const bullet = /^\s*(•|◦|▪︎|‣)\s/.test(line) || /^\s*\d{1,2}[.)]\s/.test(line);
  return h('div', { class: bullet ? 'line bullet' : 'line' }, line ? inline(line) : h('br'));
}

function inline(text) {
  const nodes = [];
  let end = 0;
  for (const match of text.matchAll(SPAN)) {
    nodes.push(unescaped(withEmoji(text.slice(end, match.index))));
    end = match.index + match[0].length;
    const [kind, inside] = Object.entries(match.groups).find(([, found]) => found !== undefined);
    if (kind === 'code') nodes.push(h('code', {}, ...coded(inside)));
    else if (kind === 'reference') nodes.push(reference(inside));
    else nodes.push(h(TAGS[kind], {}, inline(inside)));
  }
  nodes.push(unescaped(withEmoji(text.slice(end))));
  return nodes.filter((node) => node !== '');
}

/** Draw code, in which only links and mentions are parsed. */
function coded(text) {
  return text.split(/<([^<>\n]+)>/).map((part, at) => (at % 2 ? reference(part) : unescaped(part)));
}

function reference(inside) {
  const [target, label = ''] = split(inside);
  if (target.startsWith('!date^')) return dated(target, unescaped(label));
  if ('@#!'.includes(target[0])) return mention(target, unescaped(label));
  return link(unescaped(target), unescaped(label));
}

function split(inside) {
  const bar = inside.indexOf('|');
  return bar < 0 ? [inside] : [inside.slice(0, bar), inside.slice(bar + 1)];
}

function dated(target, fallback) {
  const seconds = Number(target.split('^')[1]);
  return h('time', {}, fallback || `${new Date(seconds * 1000).toLocaleDateString()} ${clock(seconds)}`);
}

/** Draw a link that opens in a new tab; addresses other than web and mail are shown as text. */
export function link(address, label = '') {
  if (!SAFE.test(address)) return label || address;
  return h('a', { href: address, target: '_blank', rel: 'noopener noreferrer' }, withEmoji(label || address.replace(/^mailto:/, '')));
}

/** Draw a mention, given as `@id`, `#id`, `!channel` or `!subteam^id`. */
export function mention(target, label = '') {
  const id = target.slice(1);
  const mine = id === state.me || ['channel', 'here', 'everyone'].includes(id);
  return h('span', { class: mine ? 'mention mine' : 'mention' }, named(target, id, label));
}

function named(target, id, label) {
  if (target[0] === '@') return `@${state.people.get(id)?.name ?? (label || id)}`;
  if (target[0] === '#') return `#${state.channels.get(id)?.name ?? (label || id)}`;
  if (target.startsWith('!subteam^')) return `@${state.groups.get(target.slice(9))?.handle ?? (label || 'group')}`;
  return `@${id}`;
}

/** Return stored text as a person types it, for editing. */
export function asTyped(text) {
  const names = text.replace(/<([^<>\n]+)>/g, (whole, inside) => {
    const [target, label = ''] = split(inside);
    if (target[0] === '@') return `@${state.people.get(target.slice(1))?.handle ?? label}`;
    if ('#!'.includes(target[0])) return named(target, target.slice(1), label);
    return target.replace(/^mailto:/, '');
  });
  return unescaped(names);
}
