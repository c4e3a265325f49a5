/** Alerts as they fire, until somebody has read them. */
import { locale, say } from "./texts.js";

const SHOWN = 3;

export class Alerts {
  constructor() {
    this.root = document.querySelector("#alerts");
    this.shown = new Map();
  }

  take(record) {
    const item = document.createElement("div");
    item.className = "alert";
    const text = document.createElement("p");
    const close = document.createElement("button");
    close.type = "button";
    close.addEventListener("click", () => this.drop(item));
    item.append(text, close);
    this.shown.set(item, record);
    this.write(item);
    this.root.prepend(item);
    while (this.shown.size > SHOWN) this.drop(this.shown.keys().next().value);
  }

  drop(item) {
    item.remove();
    this.shown.delete(item);
  }

  write(item) {
    const { alert, camera, caption, captured_at } = this.shown.get(item);
    const time = new Date(captured_at * 1000).toLocaleTimeString(locale());
    const [text, close] = item.children;
    text.textContent = say("alert", { alert, camera, caption, time });
    close.textContent = say("dismiss");
    close.setAttribute("aria-label", say("dismiss alert", { alert, camera }));
  }

  translate() {
    for (const item of this.shown.keys()) this.write(item);
  }
}
