// How does it move over time? A line chart on a canvas by uPlot, and what a canvas lacks: the chart
// is a slider, so that arrow keys walk its points and a screen reader is told each; the readout
// below says the same to everybody. Colours are the page's custom properties, read when it is drawn,
// and each line has a dash of its own beside its colour.
//
// SPDX-License-Identifier: Apache-2.0

import uPlot from 'uplot';
import * as format from './format.js';

export interface Line {
  name: string;
  values: (number | null)[];
}

export interface Mark {
  at: number; // seconds since the epoch
  name: string;
}

export interface Plot {
  name: string;
  times: number[]; // seconds since the epoch, ascending
  lines: Line[]; // at most as many as there are dashes
  marks: Mark[];
  level: { value: number; name: string } | null; // a line to be reached
  tell: (value: number) => string;
}

const HEIGHT = 208; // the names of three marks, five grid lines and the times below
const MARK_HEIGHT = 14;
export const dashes = [[], [7, 4], [2, 3], [10, 3, 2, 3], [4, 2], [1, 4]];
const cursors = uPlot.sync('course');

function property(element: Element, name: string): string {
  return getComputedStyle(element).getPropertyValue(name).trim();
}

class EpicenterChart extends HTMLElement {
  #plot: Plot | null = null;
  #chart: uPlot | null = null;
  #slider = document.createElement('div');
  #readout = document.createElement('p');
  #resized = new ResizeObserver(() => this.#fit());
  #theme = matchMedia('(prefers-color-scheme: dark)');
  #at = -1;
  #walked = false; // by keyboard, which knows its point better than a position in pixels does

  set plot(plot: Plot) {
    this.#plot = plot;
    if (this.isConnected) {
      this.#draw();
    }
  }

  connectedCallback(): void {
    this.#slider.className = 'canvas';
    this.#slider.tabIndex = 0;
    this.#slider.setAttribute('role', 'slider');
    this.#slider.addEventListener('keydown', this.#key);
    this.#slider.addEventListener('pointermove', () => (this.#walked = false));
    this.#readout.className = 'readout';
    this.#readout.setAttribute('aria-hidden', 'true');
    this.replaceChildren(this.#slider, this.#readout);
    this.#resized.observe(this);
    this.#theme.addEventListener('change', this.#draw);
    this.#draw();
  }

  disconnectedCallback(): void {
    this.#resized.disconnect();
    this.#theme.removeEventListener('change', this.#draw);
    this.#chart?.destroy();
    this.#chart = null;
  }

  #fit(): void {
    if (this.#chart !== null && this.clientWidth > 0 && this.clientWidth !== this.#chart.width) {
      this.#chart.setSize({ width: this.clientWidth, height: HEIGHT });
    }
  }

  #draw = (): void => {
    const plot = this.#plot;
    this.#chart?.destroy();
    this.#chart = null;
    if (plot === null) {
      return;
    }
    this.#slider.setAttribute('aria-label', plot.name);
    this.#slider.setAttribute('aria-valuemin', '0');
    this.#slider.setAttribute('aria-valuemax', String(plot.times.length - 1));
    this.#slider.replaceChildren();
    const data: uPlot.AlignedData = [plot.times, ...plot.lines.map((line) => line.values)];
    this.#chart = new uPlot(this.#options(plot), data, this.#slider);
    this.#tell(this.#walked ? Math.min(this.#at, plot.times.length - 1) : plot.times.length - 1);
  };

  #options(plot: Plot): uPlot.Options {
    const faint = property(this, '--ink-faint');
    const font = `12px ${getComputedStyle(this).fontFamily}`;
    const axis = { stroke: faint, font, ticks: { show: false } };
    const grid = { stroke: property(this, '--line'), width: 1 };
    const steps = uPlot.paths.stepped?.({ align: 1 }) as uPlot.Series.PathBuilder; // it is built in
    const highest = Math.max(plot.level?.value ?? 0, ...plot.lines.flatMap((line) => line.values.map((value) => value ?? 0)));
    return {
      width: Math.max(this.clientWidth, 200),
      height: HEIGHT,
      padding: [MARK_HEIGHT * plot.marks.length + 4, 8, 0, 0],
      tzDate: (at) => uPlot.tzDate(new Date(at * 1000), 'Etc/UTC'),
      legend: { show: false },
      cursor: { drag: { setScale: false }, y: false, sync: { key: cursors.key } },
      scales: { y: { range: (_, low) => [Math.min(0, low), (highest || 1) * 1.12] } },
      axes: [
        {
          ...axis,
          grid: { show: false },
          size: 28,
          space: 72,
          values: (_, at) => at.map((one) => format.clockTime(new Date(one * 1000).toISOString())),
        },
        { ...axis, grid, size: 52, space: 34, values: (_, at) => at.map((one) => plot.tell(one)) },
      ],
      series: [
        {},
        ...plot.lines.map((line, index) => ({
          label: line.name,
          stroke: property(this, `--series-${index + 1}`),
          width: 2,
          dash: dashes[index] ?? [],
          spanGaps: true,
          points: { show: false },
          paths: steps,
        })),
      ],
      hooks: {
        draw: [(chart: uPlot) => this.#mark(chart, plot, font)],
        setCursor: [(chart: uPlot) => this.#walked || this.#tell(chart.cursor.idx ?? plot.times.length - 1)], // without one, the present
      },
    };
  }

  // Vertical lines for what happened, a horizontal one for what is to be reached, in words on the
  // canvas; the caption and the table say them too.
  #mark(chart: uPlot, plot: Plot, font: string): void {
    const { ctx, bbox } = chart;
    const scale = devicePixelRatio;
    const ink = property(this, '--ink-soft');
    ctx.save();
    ctx.font = font.replace('12px', `${11 * scale}px`);
    ctx.lineWidth = scale;
    ctx.fillStyle = ink;
    ctx.textBaseline = 'top';
    plot.marks.forEach(({ at, name }, index) => {
      const x = chart.valToPos(at, 'x', true);
      if (x < bbox.left || x > bbox.left + bbox.width) {
        return;
      }
      ctx.strokeStyle = property(this, '--line-strong');
      ctx.setLineDash([3 * scale, 3 * scale]);
      ctx.beginPath();
      const top = bbox.top - (plot.marks.length - index) * MARK_HEIGHT * scale;
      ctx.moveTo(x, top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      const wide = ctx.measureText(name).width + 4 * scale;
      const fits = x + wide < bbox.left + bbox.width;
      ctx.fillText(name, fits ? x + 4 * scale : x - wide, top); // a line each: marks may be minutes apart
    });
    if (plot.level !== null) {
      const y = chart.valToPos(plot.level.value, 'y', true);
      ctx.strokeStyle = ctx.fillStyle = property(this, '--hold');
      ctx.setLineDash([]);
      ctx.beginPath();
      ctx.moveTo(bbox.left, y);
      ctx.lineTo(bbox.left + bbox.width, y);
      ctx.stroke();
      ctx.textAlign = 'right';
      ctx.textBaseline = 'bottom';
      ctx.fillText(plot.level.name, bbox.left + bbox.width - 4 * scale, y - 2 * scale);
    }
    ctx.restore();
  }

  #tell(index: number): void {
    const plot = this.#plot;
    const at = plot?.times[index];
    if (plot === null || at === undefined) {
      return;
    }
    this.#at = index;
    const parts = plot.lines.map((line) => {
      const value = line.values[index];
      return `${plot.lines.length > 1 ? `${line.name} ` : ''}${value == null ? format.NOTHING : plot.tell(value)}`;
    });
    const text = `${format.clockTime(new Date(at * 1000).toISOString())} UTC: ${parts.join(', ')}`;
    this.#readout.textContent = text;
    this.#slider.setAttribute('aria-valuenow', String(index));
    this.#slider.setAttribute('aria-valuetext', text);
  }

  #key = (event: KeyboardEvent): void => {
    const last = (this.#plot?.times.length ?? 1) - 1;
    const to: Record<string, number> = {
      ArrowLeft: this.#at - 1,
      ArrowDown: this.#at - 1,
      ArrowRight: this.#at + 1,
      ArrowUp: this.#at + 1,
      PageDown: this.#at - 10,
      PageUp: this.#at + 10,
      Home: 0,
      End: last,
    };
    const wanted = to[event.key];
    const chart = this.#chart;
    if (wanted === undefined || chart === null) {
      return;
    }
    event.preventDefault();
    this.#walked = true;
    const index = Math.min(last, Math.max(0, wanted));
    const left = chart.valToPos(this.#plot?.times[index] ?? 0, 'x');
    chart.setCursor({ left, top: 1 });
    this.#tell(index);
  };
}

customElements.define('epicenter-chart', EpicenterChart);
