/** The newest captions and events, and a search over them. */
import { locale, say } from "./texts.js";

const SHOWN = 200;
const PAUSE_MS = 200;

export class History {
  constructor() {
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
    const asked = new URLSearchParams(this.wanted);
    const answer = await fetch(`/api/history?${asked}`);
    if (!answer.ok || String(asked) !== String(new URLSearchParams(this.wanted))) return;
    this.list.replaceChildren(...(await answer.json()).map(line));
    this.count();
  }

  /** Add a record that has just come, where it is one of those asked for. */
  add(record) {
    const { q, camera } = this.wanted;
    const text = (record.caption ?? record.reason).toLowerCase();
    if ((camera && camera !== record.camera) || !q.toLowerCase().split(/\s+/).every((word) => text.includes(word))) return;
    if (this.list.querySelector(`[data-id="${CSS.escape(record.id)}"]`)) return;
    this.list.prepend(line(record));
    while (this.list.children.length > SHOWN) this.list.lastChild.remove();
    this.count();
  }

  count() {
    const text = say(this.wanted.q ? "found" : "newest", { count: this.list.children.length });
    const found = document.querySelector("#found");
    if (found.textContent !== text) found.textContent = text;
  }

  setCameras(names) {
    const select = this.form.elements.camera;
    const missing = names.filter((name) => ![...select.options].some((option) => option.value === name));
    select.append(...missing.map((name) => new Option(name, name)));
  }
}

function line(record) {
  const item = document.createElement("li");
  item.dataset.id = record.id;
  item.className = record.event_type === "caption" ? "caption" : "event";
  const when = new Date(record.captured_at * 1000);
  const time = part("time", "", when.toLocaleTimeString(locale()));
  time.dateTime = when.toISOString();
  const what = part("span", "what", record.caption ?? `${record.event_type}: ${record.reason}`);
  if (record.language) what.lang = record.language;
  item.append(time, part("span", "who", record.camera), what);
  if (record.caption) item.append(part("span", "who", `${Math.round(record.confidence * 100)}%`));
  return item;
}

function part(tag, name, text) {
  const made = document.createElement(tag);
  if (name) made.className = name;
  made.textContent = text;
  return made;
}
