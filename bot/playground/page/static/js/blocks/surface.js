/** Surfaces of blocks, a message or a view: the values of inputs, and the effect of using elements. */

import { act } from '../connection.js';
import { reason } from '../reasons.js';
import { toast } from '../toast.js';
import { w } from '../words.js';

const HELD = {
  static_select: (it) => it.selected_option?.value,
  external_select: (it) => it.selected_option,
  radio_buttons: (it) => it.selected_option?.value,
  checkboxes: (it) => it.selected_options?.map((each) => each.value),
  multi_static_select: (it) => it.selected_options?.map((each) => each.value),
  multi_external_select: (it) => it.selected_options,
  users_select: (it) => it.selected_user,
  channels_select: (it) => it.selected_channel,
  conversations_select: (it) => it.selected_conversation,
  multi_users_select: (it) => it.selected_users,
  multi_channels_select: (it) => it.selected_channels,
  multi_conversations_select: (it) => it.selected_conversations,
  datepicker: (it) => it.selected_date,
  timepicker: (it) => it.selected_time,
  datetimepicker: (it) => it.selected_date_time,
  file_input: (it) => it.files,
};

/** Return an element's initial value, in the form of later values. */
const begun = (it) => ({
  selected_option: it.initial_option,
  selected_options: it.initial_options,
  selected_user: it.initial_user,
  selected_channel: it.initial_channel,
  selected_conversation: it.initial_conversation,
  selected_users: it.initial_users,
  selected_channels: it.initial_channels,
  selected_conversations: it.initial_conversations,
  selected_date: it.initial_date,
  selected_time: it.initial_time,
  selected_date_time: it.initial_date_time,
  value: it.initial_value,
});

function surface(values, drafts, where, more) {
  const at = (block, it) => `${block.block_id}/${it.action_id}`;
  const on = {
    error: () => '',
    label: (block, it) => block.label?.text ?? it.placeholder?.text ?? it.action_id,
    value(block, it) {
      if (drafts.has(at(block, it))) return drafts.get(at(block, it)).value;
      const held = values[block.block_id]?.[it.action_id] ?? begun(it);
      return (HELD[it.type] ?? ((each) => each.value))(held);
    },
    typed: (block, it, value) => drafts.set(at(block, it), { block_id: block.block_id, action_id: it.action_id, value }),
    use(block, it, value) {
      on.typed(block, it, value);
      if (block.type !== 'input' || block.dispatch_action) on.press(block, it, value);
    },
    press: (block, it, value) => used('press', { ...where, block_id: block.block_id, action_id: it.action_id, value, typed: on.inputs?.() ?? [] }),
    suggest: (block, it, text) => used('suggest', { ...where, block_id: block.block_id, action_id: it.action_id, text }),
    ...more,
  };
  return on;
}

async function used(name, args) {
  try {
    const told = await act(name, args);
    if (told.error) toast(w('failed', told.error));
    return told;
  } catch (error) {
    toast(reason(error));
    return {};
  }
}

/** Create the surface of a message. */
export const ofMessage = (message) => surface(message.state ?? {}, new Map(), { channel: message.channel, ts: message.ts }, {});

const kept = new Map();

/** Create the surface of a view; typed values survive its updates. */
export function ofView(view, more = {}) {
  if (!kept.has(view.id)) kept.set(view.id, new Map());
  const drafts = kept.get(view.id);
  const wanted = new Set(view.blocks.flatMap((block) => parts(block).map((it) => `${block.block_id}/${it.action_id}`)));
  for (const name of drafts.keys()) if (!wanted.has(name)) drafts.delete(name);
  const plainInputs = new Set(view.blocks.filter((each) => each.type === 'input' && !each.dispatch_action).map((each) => each.block_id));
  return surface(view.state.values, drafts, { view: view.id }, {
    view: view.id,
    inputs: () => [...drafts.values()].filter((each) => plainInputs.has(each.block_id)),
    error: (block) => view.errors?.[block.block_id] ?? '',
    ...more,
  });
}

/** Drop the values of a closed view. */
export const forget = (id) => kept.delete(id);

const parts = (block) => [block.element, block.accessory, ...(block.elements ?? [])].filter(Boolean);
