/** The newest captions and events, and a search over them. */
import { locale, say } from "./texts.js";

const SHOWN = 200;
const PAUSE_MS = 200;
const AGAIN_MS = 2000;

export class History {
  constructor() {
    this.records = [];
    this.form = document.querySelector("#search");
    this.list = document.querySelector("#records");
    this.form.addEventListener("input", () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.load(), PAUSE_MS);
    });
    this.form.addEventListener("submit", (event) => event.preventDefault());
  }

  get wanted() {
    return Object.fromEntries(new FormData(this.form));
  }

  async load() {
    const came = (this.came = []); // while the answer is on its way: it may not have them
    const found = await ask(this.wanted);
    if (this.came !== came) return; // a later question has begun
    this.came = undefined;
    if (!found) return;
    Object.assign(this, found);
    this.list.replaceChildren(...this.records.map(line));
    came.forEach((record) => this.add(record));
    this.count();
  }

  /** Add a record that has just come, where it is one of those asked for. */
  add(record) {
    this.came?.push(record);
    const { q, camera } = this.wanted;
    if (q && this.kept) return this.loadSoon(); // the index finds words in other forms, too
    const text = `${record.alert ?? ""} ${record.caption ?? record.reason}`.toLowerCase();
    if ((camera && camera !== record.camera) || !q.toLowerCase().split(/\s+/).every((word) => text.includes(word))) return;
    if (this.list.querySelector(`[data-id="${CSS.escape(record.id)}"]`)) return;
    this.records.unshift(record);
    this.records.length = Math.min(this.records.length, SHOWN);
    this.list.prepend(line(record));
    while (this.list.children.length > SHOWN) this.list.lastChild.remove();
    this.count();
  }

  /** Search again, at most every other second. */
  loadSoon() {
    this.soon ??= setTimeout(() => {
      this.soon = undefined;
      this.load();
    }, AGAIN_MS);
  }

  count() {
    const count = say(this.wanted.q ? "found" : "newest", { count: this.list.children.length });
    write("#found", `${count} ${say(this.kept ? "kept" : "not kept")}`);
    const problem = document.querySelector("#problem");
    problem.hidden = !this.problem;
    write("#problem", this.problem ?? "");
  }

  translate() {
    this.list.replaceChildren(...this.records.map(line));
    this.count();
  }

  setCameras(names) {
    const select = this.form.elements.camera;
    for (const option of [...select.options]) {
      if (option.value && !names.includes(option.value) && !option.selected) option.remove();
    }
    const missing = names.filter((name) => ![...select.options].some((option) => option.value === name));
    select.append(...missing.map((name) => new Option(name, name)));
  }
}

async function ask(wanted) {
  const answer = await fetch(`/api/history?${new URLSearchParams(wanted)}`).catch(() => null);
  return answer?.ok ? answer.json().catch(() => null) : null;
}

function line(record) {
  const item = document.createElement("li");
  item.dataset.id = record.id;
  item.className = record.event_type === "caption" ? "caption" : "event";
  const text = record.event_type === "caption" ? record.caption : eventText(record);
  const when = new Date(record.captured_at * 1000);
  const today = when.toDateString() === new Date().toDateString();
  const style = { dateStyle: today ? undefined : "short", timeStyle: "medium" };
  const time = part("time", "", when.toLocaleString(locale(), style));
  time.dateTime = when.toISOString();
  const what = part("span", "what", text);
  if (record.language) what.lang = record.language;
  item.append(time, part("span", "who", record.camera), what);
  if (record.event_type === "caption") item.append(part("span", "who", `${Math.round(record.confidence * 100)}%`));
  return item;
}

/** What an event or an alert says. */
export function eventText(record) {
  if (record.event_type === "alert") return say("alert of", record);
  return `${say(record.event_type)}: ${record.reason}`;
}

/** Only what has changed: a screen reader says it again otherwise. */
function write(selector, text) {
  const line = document.querySelector(selector);
  if (line.textContent !== text) line.textContent = text;
}

function part(tag, name, text) {
  const made = document.createElement(tag);
  if (name) made.className = name;
  made.textContent = text;
  return made;
}
