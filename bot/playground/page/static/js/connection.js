/** The connection to the server: a stream of events, and a request for each action. */

const kept = 'kotae-token';

/** The token from the URL's fragment or an earlier load of this tab; it is removed from the address bar. */
function takeToken() {
  const given = location.hash.slice(1);
  if (given) {
    sessionStorage.setItem(kept, given);
    history.replaceState(null, '', location.pathname);
  }
  return sessionStorage.getItem(kept) ?? '';
}

const token = takeToken();
let me = '';
let socket = null;
let retry = 0;

/** Set the current person, as whom all later requests act. */
export function becomes(person) {
  me = person;
}

/** Subscribe to everything that `person` sees: `heard(told)` for each event, `lost(reason)` when the connection ends. */
export function listen(person, heard, lost) {
  clearTimeout(retry);
  const mine = new WebSocket(`ws://${location.host}/page/events`);
  const earlier = socket;
  socket = mine;
  earlier?.close();
  mine.addEventListener('open', () => mine.send(JSON.stringify({ token, as: person, language: navigator.language })));
  mine.addEventListener('message', (event) => socket === mine && heard(JSON.parse(event.data)));
  mine.addEventListener('close', (event) => {
    if (socket !== mine) return;
    lost(event.code === 4403 ? 'token' : 'gone');
    if (event.code !== 4403) retry = setTimeout(() => listen(me || person, heard, lost), 1000);
  });
}

/** Perform an action; returns the response, or throws an Error whose message may be shown. */
export function act(name, args = {}) {
  return post(`/page/actions/${name}`, JSON.stringify({ as: me, ...args }), 'application/json');
}

/** Request the explanation of an answer. */
export function explain(content) {
  return post('/page/explain', JSON.stringify(content), 'application/json');
}

/** Ask for a new trial with a new copy. */
export function startAfresh() {
  return post('/page/afresh', '{}', 'application/json');
}

/** Share a file, or attach it to a modal's input when `where` names a view. */
export function upload(file, where) {
  const path = where.view ? '/page/attach' : '/page/upload';
  const query = new URLSearchParams({ as: me, name: file.name, ...where });
  return post(`${path}?${query}`, file, 'application/octet-stream');
}

async function post(path, body, type) {
  const response = await fetch(path, { method: 'POST', body, headers: { 'X-Kotae-Token': token, 'Content-Type': type } });
  if (response.ok) return response.json();
  const told = await response.text();
  throw new Error(response.status === 409 ? JSON.parse(told).reason : told);
}

/** Return a file as a blob URL. */
export async function fileAddress(id, type) {
  const response = await fetch(`/page/files/${id}`, { headers: { 'X-Kotae-Token': token } });
  if (!response.ok) throw new Error(`${response.status}`);
  return URL.createObjectURL(new Blob([await response.arrayBuffer()], { type }));
}
