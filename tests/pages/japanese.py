"""Japanese words for what the code says in English only. A test fails for whatever is missing here."""

from collections.abc import Mapping

ENVIRONMENT: Mapping[tuple[str, ...], str] = {
    ("SLACK_BOT_TOKEN",): "Bot User OAuth Token（OAuth & Permissions、xoxb- で始まる）",
    ("SLACK_APP_TOKEN",): "`connections:write` 付きのアプリレベルトークン（Basic Information、xapp- で始まる）",
    (
        "SLACK_CONFIG_TOKEN",
    ): "`kotae connect` をスクリプトで使うときのアプリ設定トークン（xoxe.xoxp-）。なければ尋ねます。有効期間は12時間なので、"
    "ここに残さず環境変数で渡してください",
    ("SLACK_API_URL",): "プロキシなど、別の Slack に接続する場合。既定は https://slack.com/api/",
    (
        "SEARCH_COMMAND",
        "ADMIN_COMMAND",
    ): "2つのスラッシュコマンド（マニフェストと同じもの）。`/search` は Slack に拒否されることがあり、`kotae connect` は"
    "その場合 `/kb-search` にしてここに書きます",
    (
        "ADMIN_USERS",
        "ADMIN_USERGROUP",
    ): "ワークスペースの管理者とオーナーのほかに管理者とする人の ID（カンマ区切り）と、ユーザーグループの ID。管理者の判断を待つものは"
    "この人たちに DM で知らせます",
    (
        "KNOWLEDGE_DIR",
    ): "CSV のフォルダー。`it-help.csv` は `#it-help` に、`_shared.csv` は全チャンネルに答え、`_synonyms.csv` は同義語です。起動時と `/kb reload` で読み、"
    "`kotae.toml` で `watch = true` にすると変更のたびに読み直します",
    (
        "DATA_DIR",
    ): "インデックスのスナップショット、変換済みモデル（ダウンロードしたモデルと同じ大きさ）、CSV の過去の版、確認待ちのファイル、状態データベース。1つにつき"
    "ボットは1つです",
    (
        "DATABASE_URL",
    ): "状態データベース。SQLite か、追加パッケージ `postgres` を入れて PostgreSQL（`postgresql+psycopg://user:password@host/name`）。既定は "
    "`sqlite:///<DATA_DIR>/state.db`",
    (
        "INDEX_BACKEND",
    ): "インデックスの場所。faiss（プロセスごとに `DATA_DIR` に持つ）か、pgvector（`DATABASE_URL` の PostgreSQL に置き、全レプリカが検索する。拡張 vector が必要）",
    (
        "CONTRACTS_URL",
        "CONTRACTS_HEADER",
    ): "外部から取得するナレッジベースの秘密のアドレスとヘッダー。変数の名前は kotae.toml の url_env と header_env に書きます"
    "（docs/sources.ja.md）",
    ("MODEL_NAME",): "sentence-transformers のモデル。Hugging Face の名前か、フォルダー",
    (
        "ENCODER_BACKEND",
    ): "auto（最初は sentence-transformers。バックグラウンドで一度変換し、その後は torch を使わない）、sentence-transformers（常に torch）、"
    "fastembed（公開されている ONNX 形式）、lexical（言葉の一致だけで、モデルを読み込まない）",
    (
        "ENCODER_PRECISION",
    ): "auto（登録済みの内容から作った300件の質問で結果が変わらず、速くなるなら8ビット）、int8（速さを問わず同様）、float32（8ビットにしない）。測定結果は "
    "`/kb status` に出ます",
    ("HF_HOME",): "Hugging Face がモデルを置く場所。既定は `~/.cache/huggingface`",
    (
        "API_BIND",
    ): "`POST /v1/search` などをこのアドレスで開きます（[プログラムから使う](api.ja.md)）。追加パッケージ `api` が必要で、既定では開きません。プログラムにはトークン（`kotae token create`）が"
    "必要で、なければ `public = true` のナレッジベースだけを検索できます。127.0.0.1 と [::1] 以外は、TLS を担うプロキシの後ろで使うためのものです（Kotae 自身は HTTP です）",
    (
        "API_HOSTS",
    ): "プロキシ経由で呼ばれるときの名前（kotae.example.com など）。IP アドレスと localhost はいつでも使えます",
    (
        "API_PROXIES",
    ): "`X-Forwarded-For` を信用するプロキシのアドレスかネットワーク。なければ、トークンのない呼び出しは1つの制限を共有します",
    (
        "KOTAE_TOKEN",
    ): "`kotae mcp` が使うトークン（[ほかのエージェントから使う](mcp.ja.md)）。普通はエージェント側で設定します。ここに書くと、このフォルダーで `kotae mcp` を起動するすべてのエージェントが使います",
    ("LOG_LEVEL",): "DEBUG、INFO、WARNING、ERROR。出力先は標準エラー出力。質問とトークンは記録しません",
}
"""What a variable of `.env.example` is for, by the names that one comment describes there."""

KEPT: Mapping[str, str] = {
    "the words of questions, who asked, and what was posted": "質問の文、質問した人、投稿したもの",
    "who voted, and who confirmed a phrasing; the votes stay as counts": "評価した人、別の聞き方を確認した人（評価は件数として残る）",
    "the words of open misses": "答えられていない質問の文",
    "how misses were closed; by whom goes with the question": "答えられなかった質問の処理結果（処理した人は質問と一緒に消える）",
    "decided proposals; waiting ones stay": "決定済みの提案（確認待ちのものは残る）",
    "what admins did; the questions quoted in it go with the questions": "管理者の操作履歴（引用した質問は質問と一緒に消える）",
    "replies that were searched again, for the proof": "正しさの確認のために検索し直した回答",
    "proposed synonyms: made anew from the votes of today": "同義語の候補（評価から毎回作り直す）",
    "synonyms that admins dismissed, as digests; after they were last found": "却下された同義語（ハッシュ値。最後に見つかってから）",
    "tokens of programs, as digests; after they expired": "プログラムのトークン（ハッシュ値。期限切れから）",
    "who was asked to check entries in which week": "どの週に誰へ内容の確認をお願いしたか",
    "who said that an entry isn't theirs, as digests of the entry": "「担当ではない」と答えた人（項目はハッシュ値）",
    "events that were seen": "受信済みのイベントの ID",
    "requests that were acked and are not done yet; the inbox itself sweeps them": "受け付けて、まだ終わっていないリクエスト",
    "which replicas run; one that ended goes once its work is taken over": "動作中のレプリカ（停止したものは引き継ぎ後に消える）",
    "how much each person asked in the last minute": "各人の直近1分間の質問数",
    "how often each thing was changed that replicas share": "レプリカが共有するものの変更回数",
    "where and when something was posted, without its words": "投稿した場所と時刻（文は含まない）",
    "a file that waits for an admin's decision": "管理者の決定を待つファイル",
    "the last ten versions of a knowledge base; of a removed one": "ナレッジベースの直近10版（期間は削除したもの）",
    "the same in a shared database; of a removed one": "同上（共有データベース。期間は削除したもの）",
    "vectors in a shared database, a spare one for each text; of models that are not used any more": "共有データベースのベクトル（期間は使わなくなったモデルのもの）",
    "this replica's copy of the knowledge bases in a shared database": "共有データベースのナレッジベースの、このレプリカの複製",
    "vectors: three snapshots of a knowledge base; of other files": "ベクトル（ナレッジベースごとにスナップショット3つ。期間はそれ以外のファイルのもの）",
    "the daily copy of the database, and the one from before an upgrade": "データベースの日次の複製と、更新前の複製",
    "the compiled form of the model; a new one replaces it": "変換済みモデル（新しいものに置き換わる）",
    "a damaged database": "壊れたデータベース",
    "what a restore replaced": "復元で置き換えたもの",
    "a backup that is being put in place; the next start finishes that": "復元中のバックアップ（次の起動で完了する）",
    "the note of a recovery, once it is confirmed": "復旧の記録（確認後）",
    "digests of who was forgotten": "削除した人のハッシュ値",
    "settings, names of channels and files, what is proved, voices under pseudonyms: as long as they hold": "設定、チャンネルとファイルの名前、確認済みの状態、仮名での評価",
    "one row for each person and channel that was greeted": "挨拶した人とチャンネル（1件1行）",
}
"""What is kept, by `Kept.what`."""
