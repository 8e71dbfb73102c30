/** Modals: the topmost one is shown, with errors at their inputs; typed values survive updates. */

import { render } from './blocks/index.js';
import { forget, ofView } from './blocks/surface.js';
import { act } from './connection.js';
import { h, icon, keepingFocus, reconcile } from './dom.js';
import { withEmoji } from './emoji.js';
import { reason } from './reasons.js';
import { modal, on, state } from './store.js';
import { toast } from './toast.js';
import { w } from './words.js';

let box = null;
let shown = '';

/** Show and close modals as views change. */
export function modals() {
  on('views all', draw);
  on('failed', () => box && (setBusy(false), say(w('formFailed'))));
}

function draw() {
  const view = modal();
  if (!view) return end();
  if (!box) {
    box = h('dialog', { class: 'modal' });
    box.addEventListener('cancel', (event) => {
      event.preventDefault();
      close();
    });
    box.addEventListener('close', (event) => event.target === box && close());
    document.body.append(box);
    box.showModal();
  }
  const other = shown !== view.id;
  shown = view.id;
  box.setAttribute('aria-label', view.title.text);
  keepingFocus(box, () => reconcile(box, content(view)));
  if (other || !box.contains(document.activeElement)) first(box.querySelector('.modal-body'))?.focus();
  return undefined;
}

/** Return where the focus goes: the input that the app names, else the first text input, else the first control. */
const first = (form) => form.querySelector('[autofocus]') ?? form.querySelector('.text-input') ?? form.querySelector('input, select, button');

function end() {
  const ended = box;
  if (!ended) return;
  forget(shown);
  box = null;
  shown = '';
  ended.close();
  ended.remove();
}

function content(view) {
  const on = ofView(view, { enter: () => view.submit && submit(view) });
  const submitButton = view.submit && h('button', { type: 'submit', form: 'modal-form', class: 'button primary', disabled: view.submit_disabled }, withEmoji(view.submit.text));
  return [
    h('header', {},
      h('img', { src: '/static/kotae.svg', alt: '' }),
      h('h2', {}, withEmoji(view.title.text)),
      h('button', { type: 'button', class: 'tool', 'aria-label': w('close'), onclick: close }, icon('close'))),
    h('form', { id: 'modal-form', class: 'modal-body', noValidate: true, onsubmit: (event) => { event.preventDefault(); submit(view); } }, render(view.blocks, on), h('p', { class: 'error', role: 'alert', hidden: true })),
    h('footer', {},
      h('button', { type: 'button', class: 'button', onclick: close }, withEmoji(view.close?.text ?? w(view.submit ? 'cancel' : 'close'))),
      submitButton),
  ];
}

async function submit(view) {
  setBusy(true);
  try {
    const told = await act('submit', { view: view.id, typed: ofView(view).inputs() });
    if (Object.keys(told.errors).length) {
      state.views.set(view.id, { ...state.views.get(view.id), errors: told.errors });
      draw();
      box.querySelector('[aria-invalid]')?.focus();
    }
    if (told.error) say(told.error);
  } catch (error) {
    setBusy(false);
    say(reason(error));
  }
}

async function close() {
  const id = shown;
  try {
    await act('close', { view: id });
  } catch (error) {
    toast(reason(error));
    state.views.delete(id);
    draw();
  }
}

function setBusy(busy) {
  const button = box?.querySelector('footer .primary');
  if (button) button.disabled = busy;
}

function say(text) {
  const line = box?.querySelector('.modal-body > .error');
  if (!line) return;
  line.textContent = text;
  line.hidden = false;
}
