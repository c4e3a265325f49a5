/** Masks of one camera: shown over its picture, drawn with the mouse, a finger or the keyboard. */
import { say } from "./texts.js";

const SVG = "http://www.w3.org/2000/svg";
const DRAG = 6; // pixels from which on a press is a rectangle being drawn
const NEAR = 12; // pixels to the first corner that close a shape
const STEP = 0.02; // of the picture, for an arrow key; with Shift five times as much
const SMALLEST = 0.01; // of the picture's width and height

export class Masks {
  constructor(card, ask) {
    this.card = card;
    this.ask = ask;
    this.masks = [];
    this.region = [0, 0, 1, 1];
    this.corners = [];
    this.find = card.find;
    this.svg = this.find(".masks");
    this.board = this.find(".board");
    this.find(".mask").addEventListener("click", () => this.open(this.find(".masking").hidden));
    this.find(".done").addEventListener("click", () => this.open(false));
    this.find(".clear").addEventListener("click", () => this.save([], "cleared"));
    this.find(".settings").addEventListener("click", () => this.save(null, "as in the settings"));
    this.board.addEventListener("pointerdown", (event) => this.press(event));
    this.board.addEventListener("pointermove", (event) => this.drag(event));
    this.board.addEventListener("pointerup", (event) => this.release(event));
    this.board.addEventListener("pointercancel", () => this.drop());
    this.board.addEventListener("keydown", (event) => this.type(event));
  }

  get drawing() {
    return !this.find(".masking").hidden;
  }

  /** Take what the node says. */
  take(masks, region) {
    this.region = region ?? [0, 0, 1, 1];
    if (JSON.stringify(masks) === JSON.stringify(this.masks)) return;
    this.masks = masks;
    this.list();
    this.paint();
  }

  open(yes) {
    this.find(".masking").hidden = !yes;
    this.board.hidden = !yes;
    this.card.element.classList.toggle("drawing", yes);
    this.cursor = undefined;
    this.drop();
    this.find(".told").textContent = "";
    this.card.look(-1);
    (yes ? this.board : this.find(".mask")).focus();
    this.translate();
  }

  async save(masks, told) {
    if (!(await this.ask(this.card.name, "masks", masks))) return;
    this.tell(told);
  }

  tell(key, values) {
    this.find(".told").textContent = say(key, values);
  }

  press(event) {
    if (event.button) return;
    this.board.setPointerCapture(event.pointerId);
    this.pressed = { at: this.point(event), x: event.clientX, y: event.clientY, moved: false };
    this.board.focus();
    event.preventDefault();
  }

  drag(event) {
    this.pointer = this.point(event);
    const { pressed } = this;
    if (pressed && Math.hypot(event.clientX - pressed.x, event.clientY - pressed.y) > DRAG) pressed.moved = true;
    this.paint();
  }

  release(event) {
    const { pressed } = this;
    this.pressed = undefined;
    if (!pressed) return;
    if (pressed.moved && !this.corners.length) return this.add(rectangle(pressed.at, this.point(event)));
    this.corner(this.point(event), this.isNearFirst(event));
  }

  corner(at, closes) {
    if (closes && this.corners.length > 2) return this.close();
    const last = this.corners.at(-1);
    if (!last || last[0] !== at[0] || last[1] !== at[1]) this.corners.push(at);
    this.tell("corner", { number: this.corners.length, ...percent(at) });
    this.paint();
  }

  /** Make a mask of the corners; of two a rectangle. */
  close() {
    if (this.corners.length < 2) return this.tell("too few corners");
    this.add(this.corners.length === 2 ? rectangle(...this.corners) : this.corners);
  }

  add(corners) {
    this.drop();
    if (isSmall(corners)) return this.tell("too small");
    this.save([...this.masks, corners.map((corner) => this.toPicture(corner))], "mask added");
  }

  /** Forget the shape that is being drawn. */
  drop() {
    this.corners = [];
    this.pressed = this.pointer = undefined;
    this.paint();
  }

  type(event) {
    const { key } = event;
    const step = event.shiftKey ? 5 * STEP : STEP;
    const move = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[key];
    if (!move && ![" ", "Enter", "Backspace", "Escape"].includes(key)) return;
    event.preventDefault();
    if (move) return this.move(move);
    if (key === " ") this.corner((this.cursor ??= [0.5, 0.5]), false);
    if (key === "Enter") this.close();
    if (key === "Backspace") this.corners.pop();
    if (key === "Escape") this.corners.length ? this.drop() : this.open(false);
    this.paint();
  }

  move([x, y]) {
    const [left, top] = this.cursor ?? [0.5, 0.5];
    this.cursor = [within(left + x), within(top + y)];
    this.pointer = this.cursor;
    this.tell("at", percent(this.cursor));
    this.paint();
  }

  point(event) {
    const { left, top, width, height } = this.board.getBoundingClientRect();
    return [within((event.clientX - left) / width), within((event.clientY - top) / height)];
  }

  isNearFirst(event) {
    const { left, top, width, height } = this.board.getBoundingClientRect();
    const [x, y] = this.corners[0] ?? [-9, -9];
    return Math.hypot(event.clientX - left - x * width, event.clientY - top - y * height) < NEAR;
  }

  /** What is shown may be a part of the camera's picture; masks are shares of the whole. */
  toPicture([x, y]) {
    const [left, top, right, bottom] = this.region;
    return [left + x * (right - left), top + y * (bottom - top)].map((share) => within(Number(share.toFixed(4))));
  }

  toView([x, y]) {
    const [left, top, right, bottom] = this.region;
    return [(x - left) / (right - left), (y - top) / (bottom - top)];
  }

  paint() {
    const shapes = this.masks.map((mask) => shape("polygon", "hidden", mask.map((corner) => this.toView(corner))));
    const { pressed, pointer, corners } = this;
    if (pressed?.moved && !corners.length) shapes.push(shape("polygon", "new", rectangle(pressed.at, pointer)));
    if (corners.length) shapes.push(shape("polyline", "new", pointer ? [...corners, pointer] : corners));
    for (const corner of corners) shapes.push(cross("corner", corner));
    if (this.cursor) shapes.push(cross("cursor", this.cursor));
    this.svg.replaceChildren(...shapes);
  }

  /** A line for each mask, to take it away again. */
  list() {
    const items = this.masks.map((mask, index) => {
      const item = document.createElement("li");
      const remove = document.createElement("button");
      remove.type = "button";
      remove.textContent = say("remove mask", { number: index + 1, ...bounds(mask) });
      remove.addEventListener("click", () => {
        this.board.focus();
        this.save(this.masks.filter((_, at) => at !== index), "mask removed");
      });
      item.append(remove);
      return item;
    });
    this.find(".shapes").replaceChildren(...items);
    this.find(".clear").disabled = !items.length;
  }

  translate() {
    this.board.setAttribute("aria-label", say("board", { camera: this.card.name }));
    this.find(".mask").setAttribute("aria-expanded", this.drawing);
    this.list();
  }
}

function within(share) {
  return Math.min(1, Math.max(0, share));
}

function rectangle([left, top], [right, bottom]) {
  return [[left, top], [right, top], [right, bottom], [left, bottom]];
}

function isSmall(corners) {
  const spans = [0, 1].map((axis) => corners.map((corner) => corner[axis]));
  return spans.some((values) => Math.max(...values) - Math.min(...values) < SMALLEST);
}

function percent([x, y]) {
  return { x: Math.round(x * 100), y: Math.round(y * 100) };
}

function bounds(mask) {
  const [xs, ys] = [mask.map(([x]) => x), mask.map(([, y]) => y)];
  const [from, to] = [percent([Math.min(...xs), Math.min(...ys)]), percent([Math.max(...xs), Math.max(...ys)])];
  return { left: from.x, top: from.y, right: to.x, bottom: to.y };
}

function shape(tag, name, corners) {
  const made = document.createElementNS(SVG, tag);
  made.setAttribute("class", name);
  made.setAttribute("points", corners.map(([x, y]) => `${x},${y}`).join(" "));
  return made;
}

function cross(name, [x, y]) {
  const made = document.createElementNS(SVG, "path");
  made.setAttribute("class", name);
  made.setAttribute("d", `M${x - 0.02} ${y}h.04M${x} ${y - 0.025}v.05`);
  return made;
}
