// How do a few amounts compare? Horizontal bars on one scale, as a table, so that the numbers are
// there for everybody: what was seen is solid, what is estimated beyond it is hatched.
//
// SPDX-License-Identifier: Apache-2.0

import { html, svg, type TemplateResult } from 'lit-html';
import * as format from './format.js';

export interface Bar {
  name: string;
  value: number; // seen
  beyond: number; // estimated on top of it
  note: string;
}

const HEIGHT = 14; // of a bar, as tall as its numbers

function drawn(bar: Bar, most: number): TemplateResult {
  const seen = (100 * bar.value) / most;
  const beyond = (100 * bar.beyond) / most;
  return svg`<svg class="drawn" height=${HEIGHT} aria-hidden="true">
    <rect class="seen" width="${seen}%" height=${HEIGHT}/>
    <rect class="beyond" x="${seen}%" width="${beyond}%" height=${HEIGHT}/></svg>`;
}

// `most` is what the full width stands for, the same for all charts that are to be compared.
export function bars(title: string, all: readonly Bar[], most: number): TemplateResult {
  const id = title.toLowerCase().replace(/[^a-z]+/g, '-');
  return html`<section class="bars" aria-labelledby=${id}>
    <h2 id=${id}>${title}</h2>
    <table>
      <thead class="unseen"><tr><th scope="col">Name</th><th scope="col">Share</th><th scope="col">Seen</th>
        <th scope="col">Estimated beyond</th></tr></thead>
      <tbody>${all.map(
        (bar) => html`<tr>
          <th scope="row">${bar.name}</th>
          <td class="chart">${drawn(bar, most)}</td>
          <td class="number"><strong>${format.count(bar.value)}</strong></td>
          <td class="number aside">${bar.beyond > 0 ? `+ ${format.count(bar.beyond)}` : ''}</td>
        </tr>`,
      )}</tbody>
    </table>
    <p class="notes">Solid: seen. Pale: estimated where seats do not report.</p>
  </section>`;
}
