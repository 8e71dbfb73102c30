/** Why something was not possible, in the current person's language: the server says it in English. */

import { language } from './store.js';

const JAPANESE = [
  [/^there is nothing to send$/, () => '送信する内容がありません。'],
  [/^the message was deleted$/, () => 'このメッセージは削除されています。'],
  [/^that message is somebody else's$/, () => 'ほかの人のメッセージです。'],
  [/^the view is closed$/, () => 'このフォームは閉じられています。'],
  [/^that is not there any more$/, () => '画面が変わったため、その項目はもうありません。'],
  [/^there is no such message to reply to$/, () => '返信先のメッセージがありません。'],
  [/^there are no shortcuts on that message$/, () => 'このメッセージではショートカットを使えません。'],
  [/^there is no fault (.+), only (.+)$/, (name) => `${name} という障害はありません。`],
  [/^(.+) doesn't see that message$/, (who) => `${who} さんには見えないメッセージです。`],
  [/^that view is not (.+)'s$/, (who) => `${who} さんのフォームではありません。`],
  [/^(.+) has its own choices, nothing is asked for$/, () => 'この欄は候補を取得しません。'],
  [/^(.+) asks from (.+) characters on$/, (what, least) => `${least} 文字以上入力してください。`],
  [/^(.+) was not offered that choice$/, () => '候補にない選択です。もう一度選んでください。'],
  [/^(.+) takes no files$/, (what) => `「${what}」にはファイルを付けられません。`],
  [/^(.+) takes (.+) only, not (.+)$/, (what, kinds, name) => `「${what}」に付けられるのは ${kinds} だけです（${name}）。`],
  [/^(.+) is deactivated$/, (who) => `${who} さんは無効になっています。`],
  [/^#(.+) is archived$/, (name) => `#${name} はアーカイブされています。`],
  [/^(.+) is not a member of #(.+)$/, (who, name) => `${who} さんは #${name} に参加していません。`],
  [/^(.+) is a guest$/, (who) => `${who} さんはゲストです。`],
  [/^(.+) can't be the name of a channel$/, (name) => `${name} はチャンネル名に使えません。`],
  [/^#(.+) is taken$/, (name) => `#${name} はすでにあります。`],
];

/** Return the reason of an error that `connection.js` throws, as a sentence. */
export function reason(error) {
  if (language() === 'ja') {
    for (const [pattern, said] of JAPANESE) {
      const found = pattern.exec(error.message);
      if (found) return said(...found.slice(1));
    }
  }
  return error.message;
}
