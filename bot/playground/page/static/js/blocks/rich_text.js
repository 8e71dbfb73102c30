/** rich_text blocks: sections, lists, quotes, code, and inline elements. */

import { h } from '../dom.js';
import { EMOJI, withEmoji } from '../emoji.js';
import { link, mention } from '../mrkdwn.js';
import { w } from '../words.js';

const PARTS = {
  rich_text_section: (part) => h('div', { class: 'line' }, words(part.elements)),
  rich_text_quote: (part) => h('blockquote', {}, words(part.elements)),
  rich_text_preformatted: (part) => h('pre', {}, words(part.elements)),
  rich_text_list: list,
};

const WORDS = {
  text: (word) => withEmoji(word.text),
  link: (word) => link(word.url, word.text),
  emoji: (word) => EMOJI.get(word.name) ?? `:${word.name}:`,
  user: (word) => mention(`@${word.user_id}`),
  channel: (word) => mention(`#${word.channel_id}`),
  usergroup: (word) => mention(`!subteam^${word.usergroup_id}`),
  broadcast: (word) => mention(`!${word.range}`),
  date: (word) => h('time', {}, word.fallback ?? new Date(word.timestamp * 1000).toLocaleString()),
  color: (word) => h('code', {}, word.value),
};
const STYLES = { bold: 'strong', italic: 'em', strike: 's', code: 'code', underline: 'u', highlight: 'mark' };

/** Draw a rich_text block. */
export function richText(block) {
  const parts = block.elements.map((part) => (PARTS[part.type] ? PARTS[part.type](part) : w('notRendered', part.type)));
  return h('div', { class: 'rich' }, parts);
}

function list(part) {
  const tag = part.style === 'ordered' ? 'ol' : 'ul';
  const items = part.elements.map((item) => h('li', {}, words(item.elements)));
  return h(tag, { class: `indent-${part.indent ?? 0}`, ...(part.offset ? { start: part.offset + 1 } : {}) }, items);
}

const words = (elements) => elements.map((word) => styled(word, (WORDS[word.type] ?? unknownWord)(word)));
const unknownWord = (word) => w('notRendered', word.type);

function styled(word, inside) {
  const styles = Object.keys(word.style ?? {}).filter((name) => word.style[name] && STYLES[name]);
  return styles.reduce((node, name) => h(STYLES[name], {}, node), inside);
}
