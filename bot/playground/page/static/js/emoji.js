/** Common emoji by Slack's names. Others are shown by name. */

const LIST = `
+1 👍 thumbsup 👍 -1 👎 thumbsdown 👎 ok_hand 👌 pray 🙏 clap 👏 raised_hands 🙌 raising_hand 🙋 wave 👋 muscle 💪
point_right 👉 point_left 👈 point_up 👆 point_down 👇 bow 🙇 eyes 👀 smile 😄 smiley 😃 slightly_smiling_face 🙂 grin 😁
joy 😂 sweat_smile 😅 wink 😉 blush 😊 heart_eyes 😍 thinking_face 🤔 sob 😭 cry 😢 rage 😡 scream 😱 sleeping 😴 sunglasses 😎
upside_down_face 🙃 heart ❤️ sparkles ✨ star ⭐ star2 🌟 tada 🎉 fire 🔥 rocket 🚀 100 💯 zap ⚡ boom 💥 bulb 💡 bell 🔔 no_bell 🔕
mega 📣 loudspeaker 📢 speech_balloon 💬 thought_balloon 💭 question ❓ grey_question ❔ exclamation ❗ grey_exclamation ❕
white_check_mark ✅ heavy_check_mark ✔️ ballot_box_with_check ☑️ x ❌ negative_squared_cross_mark ❎ no_entry ⛔ no_entry_sign 🚫
warning ⚠️ information_source ℹ️ red_circle 🔴 large_yellow_circle 🟡 large_green_circle 🟢 large_blue_circle 🔵 white_circle ⚪
arrow_up ⬆️ arrow_down ⬇️ arrow_left ⬅️ arrow_right ➡️ arrows_counterclockwise 🔄 rewind ⏪ heavy_plus_sign ➕ heavy_minus_sign ➖
mag 🔍 mag_right 🔎 lock 🔒 unlock 🔓 key 🔑 link 🔗 paperclip 📎 pushpin 📌 round_pushpin 📍 memo 📝 pencil 📝 pencil2 ✏️
book 📖 books 📚 bookmark 🔖 file_folder 📁 open_file_folder 📂 page_facing_up 📄 clipboard 📋 calendar 📆 date 📅 chart_with_upwards_trend 📈
chart_with_downwards_trend 📉 bar_chart 📊 inbox_tray 📥 outbox_tray 📤 package 📦 email 📧 envelope ✉️ computer 💻 printer 🖨️ phone ☎️
iphone 📱 gear ⚙️ wrench 🔧 hammer 🔨 hammer_and_wrench 🛠️ shield 🛡️ robot_face 🤖 hourglass ⌛ hourglass_flowing_sand ⏳ clock3 🕒 stopwatch ⏱️
wastebasket 🗑️ house 🏠 office 🏢 globe_with_meridians 🌐 earth_asia 🌏 coffee ☕ sushi 🍣 cherry_blossom 🌸 sunny ☀️ umbrella ☔ snowflake ❄️
jp 🇯🇵 gb 🇬🇧 us 🇺🇸 one 1️⃣ two 2️⃣ three 3️⃣ new 🆕 ok 🆗 sos 🆘 busts_in_silhouette 👥 bust_in_silhouette 👤 seedling 🌱 see_no_evil 🙈
`;

export const EMOJI = new Map();
const words = LIST.trim().split(/\s+/);
for (let at = 0; at < words.length; at += 2) EMOJI.set(words[at], words[at + 1]);

/** Names offered for reactions. */
export const OFFERED = [
  '+1', '-1', 'white_check_mark', 'x', 'eyes', 'pray', 'heart', 'tada', 'joy', 'thinking_face', 'bow', 'clap',
  'raised_hands', 'fire', 'rocket', 'bulb', 'question', 'memo',
];

/** Replace the known `:names:` in a text. */
export function withEmoji(text) {
  return text.replace(/:([a-z0-9_+'-]+):(?::skin-tone-[2-6]:)?/g, (whole, name) => EMOJI.get(name) ?? whole);
}
