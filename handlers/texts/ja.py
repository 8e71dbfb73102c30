"""Japanese."""

WORDS = {
    "entries.one": "{count}件",
    "entries.other": "{count}件",
    # 回答
    "answer.asked": ":mag: {question}",
    "answer.strong": "確かな一致（{percent}%）",
    "answer.possible": "近いもの（{percent}%）",
    "answer.uncertain": "確かな答えは見つかりませんでした。近いものはこちらです。",
    "answer.nothing": "該当する内容が見つかりませんでした。別の言い方で試すか、担当の方に聞いてみてください。",
    "answer.others": "ほかに近いもの:",
    "answer.gone": "_この項目はその後、変更または削除されました。_",
    "answer.automatic": "自動回答",
    "answer.folded": "折りたたみました: {title}",
    "answer.source": "出典: {name}",
    "answer.updated": "更新日 {date}",
    "answer.owner": "担当: {owner}",
    "answer.link": "リンク",
    "button.show": "表示",
    "button.helpful": "👍 役に立った",
    "button.unhelpful": "👎 役に立たなかった",
    "button.right": "✅ 解決した",
    "button.wrong": "❌ 聞きたいことと違う",
    "button.show_again": "もう一度表示",
    "vote.helpful": "ありがとうございます。「役に立った」と記録しました。",
    "vote.unhelpful": "ありがとうございます。「役に立たなかった」と記録しました。",
    "vote.right": "ありがとうございます。「解決した」と記録しました。",
    "vote.wrong": "失礼しました。回答を折りたたみました。",
    # 質問
    "search.usage": "ふだんの言葉で質問してください。例: `{command} パスワードを忘れました`",
    "search.public": "チャンネルで {bot} にメンションするとスレッドで回答します。ダイレクトメッセージでも質問できます。",
    "search.knows": "*このチャンネルで質問できること*",
    "search.knows_one": "• *{name}*: {records}{topics}",
    "search.topics": "（{topics}）",
    "search.knows_nothing": "このチャンネルにはまだナレッジベースがありません。"
    "管理者の方は、チャンネルと同じ名前の CSV ファイルを knowledge フォルダーに置いてください。",
    "search.empty": "検索できる言葉がありませんでした。",
    "search.busy": "ただいま質問が集中しています。少し待ってから、もう一度質問してください。",
    "search.starting": "起動したばかりで、ナレッジベースを読み込んでいます。少し待ってから、もう一度質問してください。",
    "mention.hello": "こんにちは。チームのナレッジベースからお答えします。質問を添えてメンションしてください。"
    "スレッドの中でメンションすると、スレッドの最初のメッセージについて調べます。",
    "dm.hello": "こんにちは。そのまま質問を書いてください。参加しているチャンネルのナレッジベースから探します。",
    "dm.nothing": "参加しているチャンネルの中に、お見せできるナレッジベースがありません。",
    "intro": "はじめまして、{bot} です。チームのナレッジベースから質問にお答えします。"
    "質問を添えてメンションするか、`{command} 質問` と入力すると自分だけに回答が表示されます。",
    # 権限
    "access.guest": "申し訳ありませんが、ワークスペースの正式なメンバーの方にだけお答えしています。",
    "access.external": "ほかの組織と共有しているチャンネルでは、社内向けの回答を表示できません。"
    "`{command}` を使うと自分だけに回答が表示されます。",
    "access.unknown": "Slack でご本人の確認ができなかったため、いまはお答えできません。少し待ってからもう一度お試しください。",
    "access.admins": "この操作はワークスペースの管理者だけが行えます。",
    # 管理コマンド
    "kb.help": "*{command} reload [名前|all]*: CSV を読み直します\n"
    "*{command} status*: 読み込み状況と動作状況を表示します\n"
    "*{command} auto-reply on|shadow|off*: このチャンネルの自動回答を切り替えます。"
    "shadow では投稿せず、回答するはずだった内容を DM でお知らせします\n"
    "*{command} threshold 0.80*: このチャンネルで自動回答に必要な確信度を決めます\n"
    "*{command} channels*: チャンネルとナレッジベースの対応を表示します\n"
    "*{command} help*: この一覧を表示します",
    "kb.unknown": "`{action}` というコマンドはありません。",
    "kb.reloading": "{names} を読み直しています…",
    "kb.reloaded": ":white_check_mark: *{name}*: {records}（追加 {added}、変更 {changed}、削除 {removed}、スキップ {skipped}）。"
    "新しくエンコード {encoded}件、再利用 {reused}件、{seconds}秒。",
    "kb.failed": ":warning: *{name}* は読み直せませんでした。これまでの内容のまま動いています。\n{error}",
    "kb.problem": "{line}行目: {message}",
    "kb.more_problems": "…ほか{count}件",
    "kb.nothing_to_reload": "このチャンネル専用のナレッジベースはありません。"
    "名前を指定するか、すべて読み直してください: `{command} reload all`",
    "kb.status.title": "*ナレッジベース*",
    "kb.status.one": "*{name}*: {records}、{encoder}、スナップショット: {age}",
    "kb.status.no_snapshot": "なし",
    "kb.status.changed": "ファイルが更新されています。読み直してください",
    "kb.status.in": "対象: {channels}",
    "kb.status.everywhere": "すべてのチャンネル",
    "kb.status.lexical": "言葉の一致のみ",
    "kb.status.no_model": ":warning: モデル {model} を使えません: {reason}\n使えるようになるまで、言葉の一致だけで検索します。",
    "kb.status.loading_model": ":hourglass_flowing_sand: モデル {model} を読み込んでいます。完了するまで、言葉の一致だけで検索します。",
    "kb.status.process": "ソケット: 最後の応答 {pong}秒前 · 待ち {queue}件 · メモリー {memory} MB · 稼働 {uptime}",
    "kb.status.database": ":warning: 状態データベースを使えません（{trouble}）。回答は続けますが、新しいことは記録されません。",
    "kb.age.minutes": "{count}分前",
    "kb.age.hours": "{count}時間前",
    "kb.age.days": "{count}日前",
    "kb.auto_reply.on": "確信度が {percent}% 以上のとき、このチャンネルで自動回答します。",
    "kb.auto_reply.shadow": "シャドーモードにしました。自動回答は投稿せず、回答するはずだった内容を DM でお知らせします。",
    "kb.auto_reply.off": "このチャンネルでは、質問されたときだけ回答します。",
    "kb.auto_reply.not_here": ":warning: まだこのチャンネルに参加していないため、投稿を読めません。`/invite` {bot} で招待してください",
    "kb.auto_reply.usage": "`{command} auto-reply on`、`shadow`、`off` のどれかを指定してください。現在は *{mode}* です。",
    "kb.auto_reply.no_knowledge": "このチャンネルにはナレッジベースがないため、回答できる内容がありません。",
    "kb.threshold.set": "確信度が {percent}% 以上のとき、このチャンネルで自動回答します。",
    "kb.threshold.usage": "0 から 1 の数を指定してください。例: `{command} threshold 0.80`。現在は *{threshold}* です。",
    "kb.channels.title": "*チャンネル*",
    "kb.channels.one": "• {channel}: {names} · 自動回答 {mode}{mode_by} · 確信度 {threshold}{threshold_by}",
    "kb.channels.by": "（{user} が設定）",
    "kb.channels.none": "専用のナレッジベースを持つチャンネルはありません。",
    "kb.channels.shared": "すべてのチャンネル: {names}",
    "shadow.report": "シャドーモード（{channel}）: <{link}|このメッセージ> に次のように回答するところでした（確信度 {percent}%）。",
    # ホーム
    "home.title": "チームのナレッジに質問する",
    "home.ask": "質問",
    "home.placeholder": "例: パスワードを忘れました",
    "home.knows": "*参加チャンネルで質問できること*",
    "home.knows_nothing": "参加しているチャンネルには、まだナレッジベースがありません。",
    "home.most_asked": "*この30日間によく聞かれたこと*",
    "home.hint": "自分だけに表示: `{command}` · スレッドで回答: {bot} にメンション · 「メッセージ」タブでもそのまま質問できます。",
    # 不具合
    "error.apology": "申し訳ありません、こちらで問題が起きました。ログの番号は `{reference}` です。管理者にお知らせください。",
}
