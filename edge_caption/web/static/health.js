/** Charts of how the node and its captions do. */
import { latency } from "./card.js";
import { say } from "./texts.js";

const POINTS = 240;
const SVG = "http://www.w3.org/2000/svg";

export class Health {
  constructor() {
    this.charts = new Map();
    this.last = new Map();
    this.root = document.querySelector("#charts");
  }

  /** A connection begins: the node tells all that it remembers. */
  begin() {
    for (const chart of this.charts.values()) if (!chart.about.camera) chart.values = [];
  }

  /** Take away the charts of cameras that are no more. */
  setCameras(names) {
    for (const [key, { about, figure }] of this.charts) {
      if (!about.camera || names.includes(about.camera)) continue;
      figure.remove();
      this.charts.delete(key);
    }
  }

  takeCaption(record) {
    const camera = record.camera;
    if (this.last.get(camera) === record.id) return; // it was there before the connection was lost
    this.last.set(camera, record.id);
    this.add(`latency ${camera}`, "latency of", { camera }, latency(record), (value) => `${Math.round(value)} ms`);
    this.add(`confidence ${camera}`, "confidence of", { camera }, record.confidence, (value) => `${Math.round(value * 100)}%`);
  }

  takeHealth(health) {
    this.add("rate", "rate", {}, health.fps, (value) => value.toFixed(1));
    this.add("memory", "memory", {}, health.rss_mb, (value) => `${Math.round(value)} MB`);
    this.add("waiting", "waiting", {}, health.outbox_depth, String);
    if (health.cpu_percent != null) this.add("processor", "processor", {}, health.cpu_percent, (value) => `${Math.round(value)}%`);
    if (health.temperature_c != null) this.add("temperature", "temperature", {}, health.temperature_c, (value) => `${Math.round(value)} °C`);
  }

  add(key, name, about, value, format) {
    if (!this.charts.has(key)) this.charts.set(key, new Chart(this.root, name, about, format));
    this.charts.get(key).add(value);
  }

  translate() {
    for (const chart of this.charts.values()) chart.draw();
  }
}

class Chart {
  constructor(root, name, about, format) {
    Object.assign(this, { name, about, format, values: [] });
    this.figure = document.createElement("figure");
    this.figure.className = "chart";
    this.label = document.createElement("span");
    this.now = document.createElement("b");
    const caption = document.createElement("figcaption");
    caption.append(this.label, this.now);
    this.svg = document.createElementNS(SVG, "svg");
    this.svg.setAttribute("viewBox", "0 0 100 40");
    this.svg.setAttribute("preserveAspectRatio", "none");
    this.svg.setAttribute("role", "img");
    this.line = this.svg.appendChild(document.createElementNS(SVG, "polyline"));
    this.figure.append(caption, this.svg);
    root.append(this.figure);
  }

  add(value) {
    this.values.push(value);
    if (this.values.length > POINTS) this.values.shift();
    this.draw();
  }

  draw() {
    const { values, format } = this;
    if (!values.length) return;
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const name = say(this.name, this.about);
    this.label.textContent = name;
    this.now.textContent = format(values.at(-1));
    this.svg.setAttribute(
      "aria-label", say("chart", { name, value: format(values.at(-1)), low: format(low), high: format(high) }),
    );
    const x = (at) => (values.length > 1 ? (at / (values.length - 1)) * 100 : 100);
    const y = (value) => (high > low ? 38 - ((value - low) / (high - low)) * 36 : 20);
    const points = values.length > 1 ? values : [values[0], values[0]];
    this.line.setAttribute("points", points.map((value, at) => `${points === values ? x(at) : at * 100},${y(value)}`).join(" "));
  }
}
