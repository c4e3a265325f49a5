/** The page: what the node tells by server-sent events, handed to cards, history and charts. */
import { Card } from "./card.js";
import { Health } from "./health.js";
import { eventText, History } from "./history.js";
import { Alerts } from "./alerts.js";
import { locale, say, speak } from "./texts.js";

const ANNOUNCE_MS = 8000; // a screen reader that hears a sentence a second can't be used for anything else

const cards = new Map();
const history = new History();
const health = new Health();
const alerts = new Alerts();
const connection = document.querySelector("#connection");
let announced = -Infinity;
let announcement = "";

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
  if (answer && !answer.ok) tell("failed", true, { reason: (await answer.json()).error });
  return Boolean(answer?.ok);
}

function tell(key, lost, values) {
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
  for (const [name, camera] of Object.entries(cameras)) card(name).set(camera);
  history.setCameras(Object.keys(cameras));
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
    history.load();
  });
  events.addEventListener("error", () => tell("lost", true));
}

/** Begin with what was chosen last, and keep what is chosen now. */
function choose(id, first, apply) {
  const select = document.querySelector(`#${id}`);
  select.value = localStorage.getItem(id) ?? first;
  apply(select.value);
  select.addEventListener("change", () => {
    localStorage.setItem(id, select.value);
    apply(select.value);
  });
}

choose("theme", "", (theme) => (document.documentElement.dataset.theme = theme));
choose("language", navigator.language.startsWith("zh") ? "zh" : "en", (language) => {
  speak(language);
  for (const one of cards.values()) one.translate();
  health.translate();
  history.translate();
  alerts.translate();
});
setInterval(() => cards.forEach((one) => one.showAge()), 500);
document.addEventListener("visibilitychange", () => cards.forEach((one) => one.load()));
listen();
