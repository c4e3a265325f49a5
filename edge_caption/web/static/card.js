/** One camera: its newest picture, the sentence over it, and where the captioner looked when it said each word. */
import { Masks } from "./masks.js";
import { say, translate } from "./texts.js";

const REMEMBERED = 8; // records whose picture may still come
const PATIENCE_MS = 8000; // for a picture, before another is asked for

export class Card {
  constructor(name, ask) {
    this.name = name;
    this.ask = ask;
    this.records = new Map();
    this.enabled = true;
    this.element = document.querySelector("#card").content.cloneNode(true).firstElementChild;
    this.find = (selector) => this.element.querySelector(selector);
    this.find("h3").textContent = name;
    this.find(".pause").addEventListener("click", () => ask(name, "enabled", !this.enabled));
    this.find(".trigger").addEventListener("click", () => ask(name, "trigger"));
    this.masks = new Masks(this, ask);
    this.listen(this.find(".words"));
    this.translate();
  }

  listen(words) {
    const indexOf = (event) => [...words.children].indexOf(event.target.closest("button"));
    words.addEventListener("mouseover", (event) => this.look(indexOf(event)));
    words.addEventListener("mouseleave", () => this.look(this.pinned ?? -1));
    words.addEventListener("focusin", (event) => this.look(indexOf(event)));
    words.addEventListener("focusout", (event) => words.contains(event.relatedTarget) || this.look(this.pinned ?? -1));
    words.addEventListener("click", (event) => this.pin(indexOf(event)));
    words.addEventListener("keydown", (event) => this.move(event));
  }

  /** A caption has come; its picture is fetched. */
  take(record) {
    this.records.set(record.id, { ...record, arrived: performance.now() });
    if (this.records.size > REMEMBERED) this.records.delete(this.records.keys().next().value);
    this.load();
  }

  /** Fetch the newest picture, one at a time; nobody needs one of a page that is in the background. */
  async load() {
    if (document.hidden) return;
    if (this.loading) return void (this.again = true);
    this.loading = true;
    this.again = false;
    try {
      const signal = AbortSignal.timeout(PATIENCE_MS);
      const answer = await fetch(`/api/cameras/${encodeURIComponent(this.name)}/frame`, { signal });
      if (answer.ok) this.waiting = { id: answer.headers.get("Record-Id"), picture: await answer.blob() };
    } catch {
      // The connection is lost, and the page says so already; or the answer was, with a network that has gone away.
    }
    this.loading = false;
    this.showNewest();
    if (this.again) this.load();
  }

  /** Show what has come last, unless somebody looks at a word: then it waits. */
  showNewest() {
    const record = this.waiting && this.records.get(this.waiting.id);
    if (!record || this.looking >= 0) return;
    const image = this.find("img");
    URL.revokeObjectURL(image.src);
    image.src = URL.createObjectURL(this.waiting.picture);
    this.waiting = undefined;
    this.find(".picture").classList.add("has");
    this.show(record);
  }

  show(record) {
    this.shown = record;
    this.pinned = undefined;
    this.find("img").alt = say("picture", { camera: this.name, caption: record.caption });
    const sure = `${Math.round(record.confidence * 100)}%`;
    this.find(".confidence").textContent = record.doubtful ? say("doubtful", { sure }) : sure;
    this.find(".words").classList.toggle("doubtful", record.doubtful);
    this.find(".latency").textContent = `${Math.round(latency(record))} ms`;
    this.find(".dropped").textContent = record.dropped_since_last;
    this.find(".words").replaceChildren(...record.words.map((word, index) => button(word.text, index)));
    this.find(".words").lang = record.language;
    this.showAge();
  }

  showAge() {
    if (!this.shown) return;
    const seconds = (this.shown.age_ms + performance.now() - this.shown.arrived) / 1000;
    this.find(".age").textContent = seconds < 10 ? `${seconds.toFixed(1)} s` : `${Math.round(seconds)} s`;
  }

  /** Take what the node says of the camera. */
  set({ enabled, state, reason, masks, region }) {
    Object.assign(this, { enabled, state, reason });
    this.masks.take(masks, region);
    this.showState();
  }

  /** What is the matter with the camera, as a key of the texts; undefined where nothing is. */
  get trouble() {
    if (!this.enabled) return "off";
    if (this.state === "obstructed") return "obstructed";
    if (this.state === "offline") return this.reason || this.shown ? "offline" : "starting";
    return undefined;
  }

  showState() {
    const { trouble } = this;
    const covered = ["offline", "obstructed"].includes(trouble);
    this.find(".state").textContent = covered ? "" : say(trouble ?? "on");
    this.find(".state").classList.toggle("off", Boolean(trouble));
    this.find(".pause").textContent = say(this.enabled ? "pause" : "resume");
    const line = this.find(".trouble");
    line.hidden = !covered;
    line.textContent = covered ? `${say(trouble)}${this.reason ? `: ${this.reason}` : ""}` : "";
    this.element.classList.toggle("troubled", covered);
  }

  /** Show where a word was seen; -1 for none. */
  look(index) {
    const word = this.shown?.words[index];
    this.looking = word ? index : -1;
    [...this.find(".words").children].forEach((child, at) => child.setAttribute("aria-pressed", at === this.looking));
    this.find(".picture").classList.toggle("looking", Boolean(word?.attention));
    this.find(".box").hidden = this.find(".held").hidden = !word;
    this.showState();
    if (!word) return this.showNewest();
    place(this.find(".box"), word.box);
    if (word.attention) paint(this.find("canvas"), word.attention);
  }

  /** Keep looking at a word, or stop; a tap does this. */
  pin(index) {
    this.pinned = this.pinned === index || index < 0 ? undefined : index;
    this.look(this.pinned ?? -1);
  }

  move(event) {
    const words = [...this.find(".words").children];
    const now = words.indexOf(document.activeElement);
    const to = { ArrowRight: now + 1, ArrowLeft: now - 1, Home: 0, End: words.length - 1 }[event.key];
    if (event.key === "Escape") return this.letGo();
    if (to === undefined || !words[to]) return;
    event.preventDefault();
    words.forEach((word, at) => (word.tabIndex = at === to ? 0 : -1));
    words[to].focus();
  }

  /** Stop looking, but stay here: the words are about to be replaced, and with the focus on one of them it would be lost. */
  letGo() {
    this.find(".words").focus();
    this.pin(-1);
  }

  translate() {
    translate(this.element);
    this.masks.translate();
    this.find(".words").setAttribute("aria-label", say("words", { camera: this.name }));
    if (this.shown) this.find("img").alt = say("picture", { camera: this.name, caption: this.shown.caption });
    this.showState();
  }
}

/** Milliseconds from a frame to its caption. */
export function latency(record) {
  return Object.values(record.stages_ms).reduce((sum, spent) => sum + spent, 0);
}

function button(text, index) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  made.tabIndex = index === 0 ? 0 : -1;
  made.setAttribute("aria-pressed", false);
  return made;
}

function place(box, [left, top, right, bottom]) {
  Object.assign(box.style, {
    left: `${left * 100}%`, top: `${top * 100}%`, width: `${(right - left) * 100}%`, height: `${(bottom - top) * 100}%`,
  });
}

/** Paint one pixel a region, dark where the captioner did not look; the browser smooths them over the picture. */
function paint(canvas, rows) {
  [canvas.height, canvas.width] = [rows.length, rows[0].length];
  const strongest = Math.max(...rows.flat());
  const context = canvas.getContext("2d");
  rows.forEach((row, y) =>
    row.forEach((weight, x) => {
      context.fillStyle = `rgb(0 10 30 / ${0.75 * (1 - weight / strongest)})`;
      context.fillRect(x, y, 1, 1);
    }),
  );
}
