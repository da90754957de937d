/**
 * A series as bars, the range to compare with as a line. Drawn by uPlot (uplot.js), a global name.
 *
 * Arrow keys move from bar to bar and Enter opens one, so it is a slider to those who cannot see it.
 * A finger is wider than one of many bars: a tap chooses the nearest one, and buttons below the chart
 * move to its neighbours and open it. The table below it has the same numbers.
 */

import { button, el } from "./dom.js";

const HEIGHT = 260;
const DARK = window.matchMedia("(prefers-color-scheme: dark)");

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/**
 * @param {Object} options
 * @param {string} options.label what is drawn, for those who cannot see it
 * @param {string[]} options.labels the text below each bar
 * @param {number[]} options.current the bars
 * @param {number[]|null} options.previous the line
 * @param {function(number): string} options.describe says a bar in words
 * @param {function(number)|null} options.open opens a bar; null if there is nothing behind it
 */
export class Chart {
  constructor(options) {
    this.options = options;
    this.count = Math.max(options.current.length, options.previous?.length ?? 0);
    this.at = 0;
    this.box = el("div", {
      class: options.open ? "chart opens" : "chart",
      role: "slider",
      tabindex: 0,
      "aria-label": options.label,
      "aria-valuemin": 1,
      "aria-valuemax": this.count,
      onkeydown: (event) => this.press(event),
    });
    this.readout = el("p", { class: "readout", "aria-hidden": "true" });
    this.touched = false;
    this.element = el("figure", {}, this.legend(), this.box, this.readout, this.steps());
    this.move(0);
    this.redraw = () => this.draw();
    DARK.addEventListener("change", this.redraw);
    this.observer = new ResizeObserver(([{ contentRect }]) => this.resize(contentRect.width));
    this.observer.observe(this.box);
  }

  legend() {
    const entries = [el("span", { class: "key current" }, "This range")];
    if (this.options.previous) entries.push(el("span", { class: "key previous" }, "Compared with"));
    return el("figcaption", { class: "legend" }, entries);
  }

  /** Buttons for fingers; only devices with a touch screen show them. */
  steps() {
    const step = (text, label, by) => button(text, () => this.step(by), { "aria-label": label });
    const opener = button("List what is in it", () => this.openAt(this.at));
    return el(
      "div",
      { class: "steps" },
      step("‹", "The bar before", -1),
      step("›", "The next bar", 1),
      this.options.open ? opener : null,
    );
  }

  /** Stop listening; the chart is no longer shown. */
  close() {
    DARK.removeEventListener("change", this.redraw);
    this.observer.disconnect();
    this.plot?.destroy();
  }

  resize(width) {
    if (!width) return;
    if (this.plot) this.plot.setSize({ width, height: HEIGHT });
    else this.draw(width);
  }

  draw(width = this.box.clientWidth) {
    this.plot?.destroy();
    const { current, previous } = this.options;
    const padded = (numbers) => Array.from({ length: this.count }, (_, at) => numbers[at] ?? null);
    const data = [
      [...Array(this.count).keys()],
      padded(current),
      ...(previous ? [padded(previous)] : []),
    ];
    this.plot = new uPlot(this.settings(width), data, this.box);
  }

  settings(width) {
    const [text, grid] = [colour("muted"), colour("line")];
    const axis = { stroke: text, font: "12px system-ui, sans-serif", ticks: { show: false } };
    return {
      width,
      height: HEIGHT,
      padding: [12, 28, 0, 0],
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
      scales: {
        x: { time: false, range: () => [-0.6, this.count - 0.4] },
        y: { range: (plot, low, high) => [Math.min(0, low), Math.max(1, high * 1.08)] },
      },
      axes: [
        {
          ...axis,
          grid: { show: false },
          size: 32,
          space: 84,
          incrs: [1, 2, 3, 4, 5, 7, 10, 14, 20, 28, 50, 100, 200, 500, 1000],
          values: (plot, places) => places.map((at) => this.options.labels[at] ?? ""),
        },
        {
          ...axis,
          grid: { stroke: grid, width: 1 },
          size: 52,
          incrs: [
            1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000,
            1000000,
          ],
          values: (plot, places) => places.map(String),
        },
      ],
      series: [{}, this.bars(), ...(this.options.previous ? [this.line()] : [])],
      hooks: {
        setCursor: [
          (plot) =>
            plot.cursor.idx !== null && plot.cursor.idx !== undefined && this.move(plot.cursor.idx),
        ],
        drawClear: [(plot) => this.highlight(plot)],
        ready: [(plot) => this.listen(plot)],
      },
    };
  }

  /** A click opens the bar whose column it is in; a tap has chosen it, as the cursor moves there. */
  listen(plot) {
    plot.over.addEventListener("pointerdown", ({ pointerType }) => {
      this.touched = pointerType === "touch";
    });
    plot.over.addEventListener("click", () => this.touched || this.openAt(plot.cursor.idx));
  }

  bars() {
    return {
      fill: colour("accent"),
      stroke: colour("accent"),
      width: 0,
      points: { show: false },
      paths: uPlot.paths.bars({ size: [0.72, 56], radius: 0.12 }),
    };
  }

  line() {
    const few = this.count <= 31;
    const stroke = colour("previous");
    return {
      stroke,
      width: 2,
      dash: [5, 4],
      points: { show: few, size: 6, fill: colour("surface"), stroke, width: 2 },
    };
  }

  /** A band behind the bar that is chosen. */
  highlight(plot) {
    const { left, top, height, width } = plot.bbox;
    const from = Math.max(left, plot.valToPos(this.at - 0.5, "x", true));
    const to = Math.min(left + width, plot.valToPos(this.at + 0.5, "x", true));
    plot.ctx.fillStyle = colour("band");
    plot.ctx.fillRect(from, top, to - from, height);
  }

  press(event) {
    const steps = {
      ArrowLeft: -1,
      ArrowDown: -1,
      ArrowRight: 1,
      ArrowUp: 1,
      PageDown: -10,
      PageUp: 10,
      Home: -Infinity,
      End: Infinity,
    };
    if (event.key in steps) this.step(steps[event.key]);
    else if (event.key === "Enter" || event.key === " ") this.openAt(this.at);
    else return;
    event.preventDefault();
  }

  step(by) {
    this.move(Math.min(this.count - 1, Math.max(0, this.at + by)));
  }

  move(at) {
    this.at = at;
    const text = this.options.describe(at);
    this.box.setAttribute("aria-valuenow", at + 1);
    this.box.setAttribute("aria-valuetext", text);
    this.readout.textContent = text;
    this.plot?.redraw(false, false);
  }

  openAt(at) {
    if (at === null || at === undefined || at >= this.options.current.length) return;
    this.options.open?.(at);
  }
}
