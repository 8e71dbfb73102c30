"""English."""

WORDS = {
    "entries.one": "{count} entry",
    "entries.other": "{count} entries",
    # An answer
    "answer.asked": ":mag: {question}",
    "answer.strong": "Strong match ({percent}%)",
    "answer.possible": "Possible match ({percent}%)",
    "answer.uncertain": "I found nothing certain. The closest are:",
    "answer.nothing": "I found nothing about this. Try other words, or ask a colleague.",
    "answer.others": "Also close:",
    "answer.gone": "_This entry has been changed or removed since._",
    "answer.automatic": "Automatic answer",
    "answer.folded": "Folded away: {title}",
    "answer.source": "from {name}",
    "answer.updated": "updated {date}",
    "answer.owner": "owner: {owner}",
    "answer.link": "link",
    "button.show": "Show",
    "button.helpful": "👍 Helpful",
    "button.unhelpful": "👎 Not helpful",
    "button.right": "✅ This answers it",
    "button.wrong": "❌ Not what I asked",
    "button.show_again": "Show again",
    "vote.helpful": "Thank you. Noted as helpful.",
    "vote.unhelpful": "Thank you. Noted as not helpful.",
    "vote.right": "Thank you. Noted that this answers it.",
    "vote.wrong": "Sorry about that. I have folded the answer away.",
    # Asking
    "search.usage": "Ask in your own words: `{command} how do I reset my password?`",
    "search.public": "Mention {bot} in a channel to have the answer in the thread, or send me a direct message.",
    "search.knows": "*What this channel can ask about*",
    "search.knows_one": "• *{name}*: {records}{topics}",
    "search.topics": " ({topics})",
    "search.knows_nothing": "No knowledge base is connected to this channel yet. An admin can add one: "
    "a CSV file in the knowledge folder that has the channel's name.",
    "search.empty": "There were no words in that that I could search for.",
    "search.busy": "Many questions are coming in just now. Please ask again in a moment.",
    "search.starting": "I have just started and am still reading the knowledge bases. Please ask again in a moment.",
    "mention.hello": "Hello! I answer from this team's knowledge bases. Mention me with a question, "
    "or mention me in a thread to have its first message looked up.",
    "dm.hello": "Hello! Just ask. I search the knowledge bases of the channels you are in.",
    "dm.nothing": "None of your channels has a knowledge base that I may show you.",
    "intro": "Hello, I am {bot}. I answer questions from this team's own knowledge bases. "
    "Mention me with a question, or type `{command} your question` to be answered privately.",
    # Who may
    "access.guest": "Sorry, I answer only full members of this workspace.",
    "access.external": "Sorry, I can't show this organisation's internal answers in a channel shared with another one. "
    "Use `{command}` to be answered privately.",
    "access.unknown": "I couldn't check with Slack who you are, so I can't answer now. Please try again in a minute.",
    "access.admins": "Only workspace admins can do that.",
    # Admin commands
    "kb.help": "*{command} reload [name|all]*: read a CSV again\n"
    "*{command} status*: what is loaded, and how I am\n"
    "*{command} auto-reply on|shadow|off*: answer in this channel without being asked; "
    "shadow only tells you what I would have answered\n"
    "*{command} threshold 0.80*: how sure I must be in this channel before I answer unasked\n"
    "*{command} channels*: which channel searches which knowledge base\n"
    "*{command} help*: this list",
    "kb.unknown": "I don't know `{action}`.",
    "kb.reloading": "Reading {names} again …",
    "kb.reloaded": ":white_check_mark: *{name}*: {records}. Added {added}, changed {changed}, removed {removed}, "
    "skipped {skipped}. Encoded {encoded}, re-used {reused}; {seconds} s.",
    "kb.failed": ":warning: *{name}* was not reloaded and nothing has changed.\n{error}",
    "kb.problem": "line {line}: {message}",
    "kb.more_problems": "… and {count} more",
    "kb.nothing_to_reload": "This channel has no knowledge base of its own. "
    "Name one, or reload everything: `{command} reload all`",
    "kb.status.title": "*Knowledge bases*",
    "kb.status.one": "*{name}*: {records}, {encoder}, snapshot {age}",
    "kb.status.no_snapshot": "none",
    "kb.status.changed": "the file has changed since; reload it",
    "kb.status.in": "searched in {channels}",
    "kb.status.everywhere": "every channel",
    "kb.status.lexical": "words only",
    "kb.status.no_model": ":warning: The model {model} isn't available: {reason}\nI search by words only until it is.",
    "kb.status.loading_model": ":hourglass_flowing_sand: The model {model} is being loaded; until then I search by words only.",
    "kb.status.process": "Socket: last pong {pong} s ago · queue {queue} · memory {memory} MB · up {uptime}",
    "kb.status.database": ":warning: The state database can't be used ({trouble}): "
    "answers go on, but nothing new is remembered.",
    "kb.age.minutes": "{count} min old",
    "kb.age.hours": "{count} h old",
    "kb.age.days": "{count} days old",
    "kb.auto_reply.on": "I now answer in this channel without being asked when I am at least {percent}% sure.",
    "kb.auto_reply.shadow": "Shadow mode: I answer nothing here unasked, but tell you in a direct message what I would have answered.",
    "kb.auto_reply.off": "I now answer in this channel only when asked.",
    "kb.auto_reply.not_here": ":warning: I am not in this channel yet, so I hear nothing: `/invite` {bot}",
    "kb.auto_reply.usage": "Say which: `{command} auto-reply on`, `shadow` or `off`. Here it is *{mode}*.",
    "kb.auto_reply.no_knowledge": "This channel has no knowledge base, so there is nothing to answer from.",
    "kb.threshold.set": "I now answer unasked in this channel when I am at least {percent}% sure.",
    "kb.threshold.usage": "Give a number from 0 to 1, such as `{command} threshold 0.80`. Here it is *{threshold}*.",
    "kb.channels.title": "*Channels*",
    "kb.channels.one": "• {channel}: {names} · auto-reply {mode}{mode_by} · threshold {threshold}{threshold_by}",
    "kb.channels.by": " (set by {user})",
    "kb.channels.none": "No channel has a knowledge base of its own.",
    "kb.channels.shared": "Every channel: {names}",
    "shadow.report": "Shadow mode in {channel}: I would have answered <{link}|this message> ({percent}% sure).",
    # Home
    "home.title": "Ask the team's knowledge",
    "home.ask": "Your question",
    "home.placeholder": "How do I reset my password?",
    "home.knows": "*What I know in your channels*",
    "home.knows_nothing": "None of your channels has a knowledge base yet.",
    "home.most_asked": "*Asked most in the last 30 days*",
    "home.hint": "Privately anywhere: `{command}` · In a thread: mention {bot} · Or just write to me under Messages.",
    # Trouble
    "error.apology": "Sorry, something went wrong on my side. It is in the log as `{reference}`; please tell an admin.",
}
