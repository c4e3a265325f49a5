/** The page: what the node tells by server-sent events, handed to cards, history and charts. */
import { Card } from "./card.js";
import { Health } from "./health.js";
import { eventText, History } from "./history.js";
import { Alerts } from "./alerts.js";
import { locale, say, speak } from "./texts.js";

const ANNOUNCE_MS = 8000; // a screen reader that hears a sentence a second can't be used for anything else
const FAILED_MS = 8000; // how long it says what did not work
const AGAIN_MS = 5000;

const cards = new Map();
const history = new History();
const health = new Health();
const alerts = new Alerts();
const connection = document.querySelector("#connection");
let announced = -Infinity;
let announcement = "";
let told = ["connecting", false, {}];

function card(name) {
  if (!cards.has(name)) {
    cards.set(name, new Card(name, ask));
    document.querySelector("#grid").append(cards.get(name).element);
    document.querySelector("#none").hidden = true;
  }
  return cards.get(name);
}

/** Ask the node for something about a camera; tell whether it did it. */
async function ask(camera, what, value = null) {
  const place = `/api/cameras/${encodeURIComponent(camera)}/${what}`;
  const answer = await fetch(place, { method: "POST", body: JSON.stringify(value) }).catch(() => null);
  if (answer && !answer.ok) {
    tell("failed", true, { reason: await reasonOf(answer) });
    setTimeout(() => told[0] === "failed" && tell("connected", false), FAILED_MS);
  }
  return Boolean(answer?.ok);
}

/** Why something was refused; a proxy between may say so in its own way. */
async function reasonOf(answer) {
  const said = await answer.json().catch(() => null);
  return said?.error ?? answer.status;
}

function tell(key, lost, values = {}) {
  told = [key, lost, values];
  connection.dataset.say = key;
  connection.textContent = say(key, values);
  connection.classList.toggle("lost", lost);
}

function announce(record) {
  if (performance.now() - announced < ANNOUNCE_MS || record.caption === announcement) return;
  announcement = record.caption;
  pronounce(`${record.camera}: ${record.caption}`, record.language);
}

/** Let a screen reader say something; what it says of captions waits for a while afterwards. */
function pronounce(text, language) {
  announced = performance.now();
  const line = document.querySelector("#announcement");
  line.lang = language;
  line.textContent = text;
}

function takeCaption(record) {
  card(record.camera).take(record);
  health.takeCaption(record);
  history.add(record);
  announce(record);
}

/** Something happened to a camera, or a caption raised an alert. */
function takeEvent(record) {
  history.add(record);
  if (record.event_type === "alert") return alerts.take(record);
  pronounce(`${record.camera}: ${eventText(record)}`, locale());
}

function takeCameras(cameras) {
  if (!Object.keys(cameras).length) return; // the node is starting
  for (const [name, one] of cards) {
    if (name in cameras) continue; // others are of a node that ran before
    one.element.remove();
    cards.delete(name);
  }
  for (const [name, camera] of Object.entries(cameras)) card(name).set(camera);
  history.setCameras(Object.keys(cameras));
  health.setCameras(Object.keys(cameras));
}

function listen() {
  const events = new EventSource("/api/events");
  const on = (kind, take) => events.addEventListener(kind, (event) => take(JSON.parse(event.data)));
  on("caption", takeCaption);
  on("event", takeEvent);
  on("health", (record) => health.takeHealth(record));
  on("cameras", takeCameras);
  events.addEventListener("open", () => {
    tell("connected", false);
    health.begin();
    history.load();
  });
  events.addEventListener("error", () => {
    tell("lost", true);
    if (events.readyState === EventSource.CLOSED) listenAgain();
  });
}

/** A browser tries again by itself where nobody answers, but not where it is refused, by a proxy for one. */
async function listenAgain() {
  const end = new AbortController();
  setTimeout(() => end.abort(), AGAIN_MS);
  const answer = await fetch("/api/events", { signal: end.signal }).catch(() => null);
  if (answer && !answer.ok) tell("refused", true, { reason: await reasonOf(answer) });
  end.abort();
  setTimeout(listen, AGAIN_MS);
}

/** Begin with what was chosen last, and keep what is chosen now. */
function choose(id, first, apply) {
  const select = document.querySelector(`#${id}`);
  select.value = kept(id) ?? first;
  apply(select.value);
  select.addEventListener("change", () => {
    keep(id, select.value);
    apply(select.value);
  });
}

/** Return what was chosen last; a browser may be told to keep nothing. */
function kept(id) {
  try {
    return localStorage.getItem(id);
  } catch {
    return null;
  }
}

function keep(id, value) {
  try {
    localStorage.setItem(id, value);
  } catch {
    // It is chosen until the page is closed.
  }
}

choose("theme", "", (theme) => (document.documentElement.dataset.theme = theme));
choose("language", navigator.language.startsWith("zh") ? "zh" : "en", (language) => {
  speak(language);
  tell(...told);
  for (const one of cards.values()) one.translate();
  health.translate();
  history.translate();
  alerts.translate();
});
setInterval(() => cards.forEach((one) => one.showAge()), 500);
document.addEventListener("visibilitychange", () => cards.forEach((one) => one.load()));
listen();
