// The marks of the page. A verdict differs from another by shape, word and place, colour last:
// octagon, triangle, dotted ring, ticked disc.
//
// SPDX-License-Identifier: Apache-2.0

import { svg, type TemplateResult } from 'lit-html';
import type { Verdict } from './api.js';

const shapes: Record<Verdict, TemplateResult> = {
  HOLD: svg`<path d="M5.2 1.5h5.6l3.7 3.7v5.6l-3.7 3.7H5.2l-3.7-3.7V5.2z" fill="currentColor"/>
    <path class="cut" d="M4.75 8h6.5" stroke-width="2"/>`,
  SUSPECT: svg`<path d="M8 1.6 15 14H1z" fill="currentColor" stroke="currentColor"
      stroke-width="1.4" stroke-linejoin="round"/>
    <path class="cut" d="M8 6v3.6M8 11.4v1.2" stroke-width="1.8"/>`,
  INSUFFICIENT_DATA: svg`<circle cx="8" cy="8" r="6.2" fill="none" stroke="currentColor"
      stroke-width="1.8" stroke-dasharray="2.9 1.97"/>
    <path d="M8 4.7V8l2.2 1.6" fill="none" stroke="currentColor" stroke-width="1.6"/>`,
  CLEAR: svg`<circle cx="8" cy="8" r="7" fill="currentColor"/>
    <path class="cut" d="m4.7 8.3 2.3 2.3 4.4-4.9" stroke-width="1.8"/>`,
};

export const verdictWords: Record<Verdict, string> = {
  HOLD: 'Hold',
  SUSPECT: 'Suspect',
  INSUFFICIENT_DATA: 'Not enough data',
  CLEAR: 'Clear',
};

export function verdictIcon(verdict: Verdict): TemplateResult {
  return svg`<svg class="icon" viewBox="0 0 16 16" aria-hidden="true">${shapes[verdict]}</svg>`;
}

export const waitingIcon = svg`<svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
  <circle cx="8" cy="8" r="1.7" fill="currentColor"/>
  <circle cx="8" cy="8" r="6.2" fill="none" stroke="currentColor" stroke-width="1.6"
    stroke-dasharray="2.9 1.97"/></svg>`;

export const brokenIcon = svg`<svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
  <path d="M1.6 8h3.6M10.8 8h3.6M6.4 4.8v6.4M9.6 4.8v6.4" fill="none" stroke="currentColor"
    stroke-width="1.8"/></svg>`;

export const arrowIcon = svg`<svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
  <path d="M2 8h11M8.6 3.4 13.2 8l-4.6 4.6" fill="none" stroke="currentColor"
    stroke-width="1.8"/></svg>`;

export const chevronIcon = svg`<svg class="icon chevron" viewBox="0 0 16 16" aria-hidden="true">
  <path d="m6 3.4 4.6 4.6L6 12.6" fill="none" stroke="currentColor" stroke-width="1.8"/></svg>`;
