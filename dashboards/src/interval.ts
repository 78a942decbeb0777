// How large is the effect, and how sure is that? A rate ratio with its interval on a logarithmic
// axis that all rows share, with the line of no effect at 1.0. Positions are percentages, so the
// drawing follows its column without script. Text beside it says the same; this is hidden from
// assistive technology.
//
// SPDX-License-Identifier: Apache-2.0

import { nothing, svg, type TemplateResult } from 'lit-html';
import type { Range, UpdateAnswer } from './api.js';
import * as format from './format.js';

export interface Axis {
  low: number;
  high: number;
}

const HIGHEST = 1000; // more than a thousandfold says no more than a thousandfold
const LOWEST = 0.1; // how far below 1.0 it may lie matters little: it does no harm there

// From half to fourfold at least, wider where an interval needs it, so that bars stay comparable.
export function axisOf(updates: readonly UpdateAnswer[]): Axis {
  const axis = { low: 0.5, high: 4 };
  for (const { rate_ratio: ratio } of updates) {
    axis.low = Math.min(axis.low, Math.max(ratio.low ?? 1, LOWEST));
    const high = ratio.high ?? 2 * (ratio.likely ?? 1); // room for an arrow where there is no bound
    axis.high = Math.max(axis.high, Math.min(high, HIGHEST));
  }
  axis.low /= 1.1; // so that the outer marks are not cut by the edge
  axis.high *= 1.1;
  return axis;
}

function place(value: number, axis: Axis): string {
  const share = Math.log(value / axis.low) / Math.log(axis.high / axis.low);
  return `${(100 * Math.min(1, Math.max(0, share))).toFixed(2)}%`;
}

export function intervalBar(range: Range, axis: Axis): TemplateResult {
  const low = Math.max(range.low ?? 0, axis.low);
  const endless = range.low === null || range.low < axis.low;
  const open = range.high === null || range.high > axis.high;
  const sure = range.low !== null && range.low > 1;
  return svg`<svg class="interval ${sure ? 'sure' : ''}" height="20" aria-hidden="true">
    <line class="one" x1=${place(1, axis)} x2=${place(1, axis)} y1="0" y2="20"/>
    <text x=${place(1, axis)} y="30" text-anchor="middle">1.0</text>
    ${
      range.likely === null
        ? nothing
        : svg`<line class="span" x1=${place(low, axis)} y1="10" y2="10"
              x2=${place(open ? axis.high : (range.high ?? axis.high), axis)}/>
          ${endless ? svg`<svg x="0" y="10" class="open"><path d="M5-4 0 0 5 4"/></svg>` : nothing}
          ${open ? svg`<svg x="100%" y="10" class="open"><path d="M-5-4 0 0-5 4"/></svg>` : nothing}
          <circle cx=${place(range.likely, axis)} cy="10" r="4"/>`
    }
  </svg>`;
}

// The same axis with its labels, for the head of the column.
export function intervalScale(axis: Axis): TemplateResult {
  const spread = axis.high / axis.low;
  const steps =
    spread > 500 ? [0.1, 1, 10, 100, 1000] : spread > 30 ? [0.1, 0.3, 1, 3, 10, 30, 100] : [0.5, 1, 2, 4, 8];
  const shown = steps.filter((step) => step >= axis.low && step <= axis.high);
  return svg`<svg class="scale" height="14" aria-hidden="true">
    ${shown.map(
      (step) => svg`<text x=${place(step, axis)} y="11"
        text-anchor="middle">${
          step === 1 ? '1.0' : format.decimal(step)
        }</text>`,
    )}
  </svg>`;
}
