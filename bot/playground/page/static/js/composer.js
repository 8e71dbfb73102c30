/** The composer: Enter sends, except during IME composition; files can be dropped on it. */

import { act, upload } from './connection.js';
import { completing } from './completion.js';
import { h, icon } from './dom.js';
import { openMenu } from './menu.js';
import { reason } from './reasons.js';
import { begins, bot, notice, place, state } from './store.js';
import { toast } from './toast.js';
import { w } from './words.js';

const drafts = new Map();

/** Create a composer for a channel or a thread. */
export function composer({ thread = '' } = {}) {
  const where = place();
  const name = where.kind === 'im' ? where.name : `#${where.name}`;
  const key = `${state.me} ${where.id} ${thread}`;
  const files = [];
  const label = thread ? w('writeReply') : w('write', name);
  const box = h('textarea', { class: 'composer-text', rows: 1, placeholder: label, 'aria-label': label, value: drafts.get(key) ?? '', data: { key: `composer-${thread}` } });
  const chips = h('div', { class: 'tags' });
  const also = thread && where.kind !== 'im' && h('input', { type: 'checkbox' });
  const picker = h('input', { type: 'file', hidden: true, multiple: true, tabIndex: -1, onchange: () => { take(picker.files); picker.value = ''; } });
  const tool = (sign, words, onclick, more = {}) => h('button', { type: 'button', class: 'tool', 'aria-label': words, title: words, onclick, ...more }, icon(sign));
  const send = tool('send', w('send'), () => submit(), { class: 'tool send' });

  const grow = () => {
    box.style.height = 'auto';
    box.style.height = `${Math.min(box.scrollHeight, 220)}px`;
    send.disabled = !box.value.trim() && !files.length;
  };
  const show = () => {
    chips.replaceChildren(...files.map((file) => h('button', { type: 'button', class: 'tag', onclick: () => { files.splice(files.indexOf(file), 1); show(); } }, `${file.name} ×`)));
    grow();
  };
  const take = (chosen) => {
    files.push(...chosen);
    show();
    box.focus();
  };
  const submit = async () => {
    const text = box.value.trim();
    const sent = files.splice(0);
    if (!text && !sent.length) return;
    box.value = '';
    drafts.delete(key);
    show();
    if (!(await (sent.length ? share(sent, where, thread, text) : write(text, where, thread, Boolean(also && also.checked))))) {
      box.value = box.value || text;
      files.push(...sent);
      show();
    }
    if (also) also.checked = false;
  };

  const whole = h('form', { class: 'composer', onsubmit: (event) => { event.preventDefault(); submit(); } },
    chips, box,
    h('div', { class: 'composer-tools' },
      tool('attach', w('attach'), () => picker.click()),
      tool('bolt', w('shortcuts'), (event) => shortcuts(event.currentTarget)),
      tool('at', w('mention'), () => { insert(box, '@'); }),
      also && h('label', { class: 'tick also' }, also, h('span', {}, w('alsoSend', name))),
      h('span', { class: 'space' }), picker, send));
  const handled = completing(box);
  box.addEventListener('keydown', (event) => {
    if (handled(event) || event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    submit();
  });
  box.addEventListener('input', () => {
    drafts.set(key, box.value);
    grow();
  });
  box.addEventListener('paste', (event) => event.clipboardData.files.length && take(event.clipboardData.files));
  whole.take = take;
  requestAnimationFrame(grow);
  return whole;
}

function insert(box, text) {
  const before = box.value.slice(0, box.selectionStart);
  box.setRangeText(before && !/\s$/.test(before) ? ` ${text}` : text, box.selectionStart, box.selectionEnd, 'end');
  box.focus();
  box.dispatchEvent(new Event('input', { bubbles: true }));
}

function shortcuts(anchor) {
  const global = (state.features.shortcuts ?? []).filter((each) => each.type === 'global');
  const items = global.map((each) => ({ label: each.name, description: each.description, act: () => act('shortcut', { callback_id: each.callback_id }) }));
  openMenu(anchor, items.length ? items : [{ heading: w('noShortcuts') }]);
}

/** Send a message or a command; false when it could not be sent. */
export async function write(text, where, thread = '', broadcast = false) {
  const expects = text.startsWith('/') || where.kind === 'im' || mentions(text);
  try {
    if (expects) begins(where.id, thread);
    const told = await act('write', { channel: where.id, text, thread_ts: thread || null, broadcast });
    if (told.error) notice(w(told.error, `\`${text.split(/\s/)[0]}\``), thread);
    return true;
  } catch (error) {
    toast(reason(error));
    return false;
  }
}

const mentions = (text) => text.toLowerCase().replaceAll('＠', '@').includes(`@${bot().name.toLowerCase()}`);

async function share(files, where, thread, comment) {
  try {
    for (const [at, file] of files.entries()) {
      await upload(file, { channel: where.id, ...(thread ? { thread_ts: thread } : {}), ...(at ? {} : { comment }) });
    }
    return true;
  } catch (error) {
    toast(reason(error));
    return false;
  }
}
