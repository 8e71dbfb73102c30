"""English."""

WORDS = {
    "list.comma": ", ",
    "list.quoted": '"{text}"',
    # Why the system refused
    "os.no_permission": "Permission denied",
    "os.not_permitted": "Operation not permitted",
    "os.no_space": "No space left on device",
    "os.no_quota": "Disk quota exceeded",
    "os.read_only": "Read-only file system",
    "os.input_output": "Input/output error",
    "os.not_there": "No such file or directory",
    "os.is_a_folder": "Is a directory",
    "os.no_folder": "Not a directory",
    "os.name_too_long": "File name too long",
    "os.too_many_open": "Too many open files",
    # Files
    "file.not_a_file": "{file}: not a file; name a CSV file",
    "file.missing": "{file}: there is no such file; was it moved or renamed?",
    "file.no_permission": "{file}: no permission to read it; allow Kotae's user to",
    "file.unreadable": "{file}: can't be read: {reason}",
    "file.no_folder": "{file}: its folder {folder} is gone, so nothing was written. Is the disk mounted?",
    "file.locked": "{file}: another process is writing to it; try again in a moment",
    "file.unwritable": "{file}: can't be written ({reason}); free some space or make its folder writable for "
    "Kotae's user. Nothing was changed",
    "file.stale": "{file}: the file has changed since it was read ({added} added, {changed} changed, {removed} removed); "
    "nothing was written. Reload it, then try again",
    "file.changed": "{file}: the file has changed meanwhile; nothing was written. Look at it again",
    # CSV files that can't be used
    "csv.too_large": "{file}: larger than {megabytes} MB; split it into several knowledge bases",
    "csv.other_kind": '{file}: not a CSV but {kind}; save it as "CSV UTF-8" and try again',
    "csv.web_page": "{file}: not a CSV but a web page; download the file itself and try again",
    "csv.control_character": "{file}:{line}: not plain text: it contains the character {character}; "
    "remove it, or export the file again",
    "csv.damaged": "{file}:{line}: the file is {encoding} but its bytes are damaged here; export it again",
    "csv.unknown_encoding": "{file}: can't be read as text in UTF-8, UTF-16, CP932 (Shift_JIS) or EUC-JP; "
    'save it as "CSV UTF-8" and try again',
    "csv.empty": "{file}: the file is empty; give it a header row first",
    "csv.nul_in_header": '{file}: not plain text: NUL bytes in its header; save it as "CSV UTF-8" and try again',
    "csv.too_many_columns": "{file}: {count} columns, at most {most} are read; is it a CSV?",
    "csv.open_quote": "{file}:{line}: a quotation mark in this row is never closed; "
    'close it, or write "" for a quotation mark inside a cell',
    "csv.no_columns": "{file}: no column to search: the first row has {headers}. Name one column "
    "question (質問, 問い合わせ, タイトル, title, name …) "
    "or answer (回答, 答え, 内容, content, description, body, text …)",
    "csv.header_below": "{error}. Or: line {line} looks like the header: delete the lines above it",
    "csv.same_columns": '{file}: two columns are both named "{column}"; rename or remove one',
    "csv.other_separator": '{file}:{line}: the columns are separated by "{separator}"; '
    "save the file with commas, semicolons or tabs between them",
    "csv.first_row_is_data": '{file}:{line}: the first row looks like data ("{text}"), not like names of columns; '
    "add a first row with the names, such as {names}",
    "csv.header_short": "{file}:{line}: the header names {names} columns, but {count} rows have {fields} cells; "
    "name the other columns, or put quotation marks around cells that contain the delimiter",
    "csv.guessed": 'no column has a known name: "{question}" is taken for the question and "{answer}" for the answer. '
    "The rows are shown to who asks, but never volunteered until you name the columns question and answer, "
    "or choose them in kotae.toml or when uploading",
    "csv.guessed_answer": 'no column has a known name: "{answer}" is taken for the answer. '
    "The rows are shown to who asks, but never volunteered until you name the columns question and answer, "
    "or choose them in kotae.toml or when uploading",
    "csv.chosen_column_missing": 'kotae.toml: knowledge_bases.{name}.columns.{role} = "{column}": {file} has no such '
    "column; its first row has {headers}",
    "csv.western": 'read as Windows-1252 ("{text}"); if that looks wrong, save the file as "CSV UTF-8"',
    "csv.missing_question": 'no column has the questions; name it "{name}". Until then no row is volunteered',
    "csv.missing_answer": 'no column has the answers; name it "{name}". Until then no row is volunteered',
    "csv.misspelt_question": 'no column has the questions: is it "{column}"? Name it "{name}". '
    "Until then no row is volunteered",
    "csv.misspelt_answer": 'no column has the answers: is it "{column}"? Name it "{name}". '
    "Until then no row is volunteered",
    "csv.only_header": "{file}: only a header; add one row per question",
    "csv.no_usable_row": "{file}: no usable row in the file; {file}:{line}: {why}",
    "kind.workbook": "an Excel workbook (.xlsx) or another zip archive",
    "kind.old_workbook": "an old Excel workbook (.xls)",
    "kind.pdf": "a PDF",
    "kind.gzip": "a gzip archive",
    "kind.picture": "a picture",
    "kind.sqlite": "an SQLite database",
    "kind.rich_text": "a Rich Text document",
    # Workbooks
    "workbook.not_one": "{file}: named like a workbook, but not one; give a CSV the ending .csv, "
    "or save it as a workbook again",
    "workbook.damaged": "{file}: the workbook is damaged, or of a kind that can't be read; "
    'save it as .xlsx again, or the sheet as "CSV UTF-8"',
    "workbook.password": "{file}: protected by a password; save it without one",
    "workbook.too_much": "{file}: takes too much memory or time to read. Is there a value far below or far to the right "
    'of the table? Delete it, or save the sheet as "CSV UTF-8"',
    "workbook.is_source": "{file} is a workbook, and stays the source of its knowledge base: Kotae never writes it. Change "
    "it in the knowledge folder, or run `kotae convert {file}` there to go on with a CSV",
    "workbook.no_sheet": "{file}: no sheet to read: every one is hidden, or a chart",
    "workbook.no_such_sheet": "{file}: no sheet is called '{sheet}'; there are: {sheets}",
    "workbook.other_sheets": "{error}. This is the sheet '{sheet}' of {sheets}; another is read if it stands first, "
    "or if kotae.toml names it: [knowledge_bases.{name}] sheet = …",
    # Rows
    "row.place": "{file}:{line}: {why}",
    "row.header_again": "the header again, as in files that were joined",
    "row.every_cell_blank": "every cell is blank",
    "row.both_blank": "question and answer are both blank",
    "row.text_blank": "the text is blank",
    "row.no_answer": "the answer is blank: the row is shown to who asks, but never volunteered",
    "row.placeholder": 'the answer "{text}" says nothing yet: the row is shown to who asks, but never volunteered',
    "row.id_taken": 'id "{id}" is taken by line {line}; give the row its own',
    "row.repeated": "the same question and answer as in line {line}",
    "row.width": "{fields}, the header has {expected}; {why}",
    "row.fields.one": "{count} field",
    "row.fields.other": "{count} fields",
    "row.runs_on": "the row runs to line {line}: is a quotation mark missing?",
    "row.unquoted": "put quotation marks around a cell that contains the delimiter",
    "row.short.one": "this row ends before the last column; its missing cells are blank",
    "row.short.other": "this row and {others} others end before the last column; their missing cells are blank",
    "row.header_short": "name the column that the header lacks",
    "row.private_use": "contains {character}, a character that only some fonts or companies have; others may see a box. Replace it",
    "row.merged": 'no question in {count} row(s) below "{question}" (line {line}), as in cells that were merged: '
    "repeat the question in each row, or put the whole answer into one cell",
    "row.nul": "NUL bytes were removed; is the row complete?",
    "row.cut": '"{column}" has {count:,} characters and was cut after {most:,}; split the row',
    # Writing a row
    "write.no_column": "{file} has no column for {role}",
    "write.too_long": "{file}: {count:,} characters, a cell has room for {most:,}",
    "write.refused_character": "{file} can't hold the character {character}",
    "write.not_encodable": "{file}: its encoding, {encoding}, has no character '{character}'",
    "write.no_such_id": "{file}: no row has the id '{id}' any more",
    "write.unused": "{file}: this row would not be used: {why}",
    "write.unread": "it can't be read again",
    "write.others_differ": "{file}: with this row, others would no longer be read as they are",
    # Synonyms
    "synonyms.no_column": '{file}: no column named "{column}"; the first row must be original,normalized, '
    "each other row a word and what it stands for",
    "synonyms.no_row": "{file}: no usable row; the first row must be original,normalized",
    "synonyms.blank": "original and normalized must both be filled in",
    "synonyms.same": '"{original}" and "{target}" are the same to the search already; the row is not needed',
    "synonyms.repeated": '"{original}" becomes "{target}" already in line {line}; keep one of the two rows',
    "synonyms.too_many": "the rows above have {most:,} characters, as many as are used; "
    "this row and all below it are left out. Keep the words that people really use",
    "synonyms.chained": '"{original}" becomes "{target}" in line {line}, but rows are not chained; '
    'write "{target}" here',
    # Knowledge bases
    "base.unknown": "No knowledge base is called '{name}'; there are: {names}",
    "base.none": "No knowledge base is called '{name}'; there are: none yet",
    "base.failed": "{file}: {kind}; the log has more",
    "base.not_kept": "{name} is in use but could not be kept in {folder} ({reason}); "
    "free some space or make the folder writable, then reload",
    "base.closing": "Kotae is shutting down",
    # Versions and snapshots
    "version.unreadable": "Version {number} of {name} can't be read: {path}: {reason}",
    "version.damaged": "Version {number} of {name} is damaged: {path}",
    "version.file_not_deleted": "{path} can't be deleted ({reason}), so {name} answers as before; make its folder writable",
    "version.not_kept": "This version of {name} can't be kept in {folder} ({reason});"
    " free some space or make the folder writable",
    "snapshot.other_version": "Snapshot {folder} was written by another version of Kotae",
    "snapshot.checksum": "Snapshot {folder} is damaged: {file} does not match its checksum",
    "snapshot.unreadable": "Snapshot {folder} can't be read: {kind}: {reason}",
    "snapshot.count": "{count} vectors for {passages} passages",
    "snapshot.halves": "{count} vectors, {halves} halves for {passages} passages",
    "snapshot.no_index": "{file}: not an index that FAISS can read",
    # Models
    "model.unusable": "The model {model} can't be used: {cause}. {mend}",
    "model.closed": "The model {model} was closed: Kotae is shutting down.",
    "model.failed": "The model failed on a text: {kind}",
    "model.shape": "the model returned an array of shape {shape} for {count} texts",
    "model.length": "the model returned a vector of length {length:.3g} instead of 1",
    "model.in_folder": "{cause} ({folder})",
    "model.no_file": "it has no {file}",
    "model.pickle": "it has no safetensors weights, only a pickle, which Kotae never opens",
    "model.pickle_on_hub": "it has no safetensors weights on the hub, and Kotae never opens pickles",
    "model.no_weights": "it has no safetensors weights",
    "model.no_tokenizer": "it has no tokenizer",
    "model.bad_list": "its list of files can't be read ({reason})",
    "model.offline": "it isn't in the cache ({folder}) and HF_HUB_OFFLINE is set",
    "model.gated": "its owner admits only approved accounts",
    "model.not_on_hub": "there is no such model on the hub (or it is private)",
    "model.no_revision": "it has no revision {revision} on the hub",
    "model.no_name": "it is neither a folder nor a name on the hub",
    "model.status": "{hub} answered with status {status}",
    "model.not_stored": "it can't be stored ({reason}: {path})",
    "model.no_connection": "the connection to {hub} failed ({reason})",
    "model.japanese_tokenizer": "its Japanese tokenizer needs {packages}, not installed here",
    "model.own_code": "it needs Python code from its repository, which Kotae never runs",
    "model.no_onnx_runtime": "ONNX Runtime isn't installed here",
    "model.no_onnx": "it has no ONNX weights ({files})",
    "model.no_onnx_on_hub": "{repository} has no ONNX weights on the hub",
    "model.weights_outside": "{repository} keeps the weights outside of {file}",
    "model.other_part": "it has a part that only sentence-transformers runs ({part})",
    "model.prompt_left_out": "it leaves its prompt out of the vector, which only sentence-transformers does",
    "model.pooling": "its vector is not the mean of its tokens' nor the first one ({modes})",
    "mend.other_model": "Choose another with MODEL_NAME.",
    "mend.other_backend": "Choose another with MODEL_NAME, or set ENCODER_BACKEND=sentence-transformers.",
    "mend.download": "Run `kotae model download {model}` when there is a connection, or set MODEL_NAME to a local folder.",
    "mend.terms": "Accept its terms on the hub and set HF_TOKEN.",
    "mend.name": "Check MODEL_NAME.",
    "mend.revision": "Check the revision.",
    "mend.disk": "Check HF_HOME and the disk.",
    "mend.install": "Run `pip install {packages}`.",
    "mend.files": "Check its files, or choose another with MODEL_NAME.",
    "mend.files_or_backend": "Check its files. Choose another with MODEL_NAME, or set "
    "ENCODER_BACKEND=sentence-transformers.",
    "mend.clear": "If its files are damaged, `kotae model clear {model}` and download it again.",
    # Queries of `kotae eval`
    "queries.unreadable": "{file}: can't be read as UTF-8 text: {reason}",
    "queries.none": "{file}: has no queries",
    "queries.not_json": "{file}:{line}: not JSON: {reason}",
    "queries.no_object": "{file}:{line}: expected an object with query, relevant and kind",
    "queries.no_column": "{file}: no column of queries; it is called one of {names}",
    "queries.blank": "{file}:{line}: query is missing or blank",
    "queries.no_list": "{file}:{line}: relevant must be a list of ids",
    "queries.kind": "{file}:{line}: kind is '{kind}'; it can be answerable, near, far or partial",
    # Why a reply is given unasked, or is not
    "why.given": "Given unasked: the best row says “{title}” with {percent}%, and {asked}% are enough.",
    "why.verbatim": "It is asked there word for word.",
    "why.unsure": "Nothing is given unasked: the best row says “{title}” with {percent}%, and {asked}% are asked for.",
    "why.nothing": "Nothing is given unasked: no row has anything in common with the question.",
    "why.no_words": "Nothing is given unasked: the question has no letters or digits.",
    "why.no_answer": "Nothing is given unasked: the best row says “{title}”, and it has no answer yet.",
    "why.no_question": "Nothing is given unasked: the best row has an answer only, “{title}”, and no question.",
    "why.digits_only": "The question has digits only.",
    "why.other_code": "The question names a code or number, and the row is about another one.",
    "why.twice": "Two rows ask this word for word and answer differently; the other one is “{title}”.",
    "why.votes": "Members rated replies of this knowledge base as wrong; without that it would be {percent}%.",
    "why.close": "Another answer is too close: “{title}”.",
    "why.close_other": "Another answer is too close.",
    "why.lost": "The model doesn't know the words of this knowledge base: asked by them alone, {percent}% aren't found.",
    "why.little": "The row has too little in common with the question.",
    "why.words_only": "Only words were compared, not what they mean: no model is in use.",
}
