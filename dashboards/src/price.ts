// What is the cost made of, what would waiting add, and what stands beside it? Kinds on one scale,
// the largest first, each with its range.
//
// SPDX-License-Identifier: Apache-2.0

import { html, nothing, svg, type TemplateResult } from 'lit-html';
import type { CostEstimate, CostFigure, CostPart, UpdateAnswer } from './api.js';
import * as format from './format.js';

const HEIGHT = 14;
const KINDS = 5; // the rest is one line
const HOURS = 4; // how far a meeting looks ahead

// The range as a pale bar, the likely value as a mark on it.
function drawn(part: CostFigure, most: number): TemplateResult {
  const at = (value: number): string => `${(100 * value) / most}%`;
  return svg`<svg class="drawn" height=${HEIGHT} aria-hidden="true">
    <rect class="beyond" x=${at(part.p10)} width=${at(part.p90 - part.p10)} height=${HEIGHT}/>
    <rect class="seen" x=${at(part.p50)} width="2" height=${HEIGHT}/></svg>`;
}

function row(part: CostPart, most: number, cost: CostEstimate): TemplateResult {
  return html`<tr>
    <th scope="row">${part.kind}</th>
    <td class="chart">${drawn(part, most)}</td>
    <td class="number"><strong>${format.money(part.p50, cost)}</strong></td>
    <td class="number aside">${format.moneyBetween(part.p10, part.p90, cost)}</td>
  </tr>`;
}

function waiting(update: UpdateAnswer): TemplateResult | typeof nothing {
  const { cost, withdrawn_at: withdrawn } = update;
  const { four_hours: four } = update.forecast;
  const hour = cost.further_hour;
  if (withdrawn !== null || !hour) {
    return nothing;
  }
  return html`<p class="waiting">If it is not stopped for ${HOURS} more hours:
    <strong>+ ${format.moneyBetween(HOURS * hour.p10, HOURS * hour.p90, cost)}</strong> at the present pace,
    and ${format.countRange(four.low ?? 0, four.high ?? 0)} more hosts.</p>`;
}

function beside(cost: CostEstimate): TemplateResult | typeof nothing {
  const figures: [string, CostFigure | null | undefined][] = [
    ['revenue at risk', cost.revenue_at_risk],
    ['deferred revenue', cost.deferred_revenue],
    ['the customers’ own loss', cost.customers_loss],
  ];
  const said = figures
    .filter((entry): entry is [string, CostFigure] => (entry[1]?.p90 ?? 0) > 0)
    .map(([name, figure]) => `${name} ${format.moneyBetween(figure.p10, figure.p90, cost)}`);
  return said.length === 0
    ? nothing
    : html`<p class="notes">Beside it and not in it: ${new Intl.ListFormat('en').format(said)}.</p>`;
}

export function price(update: UpdateAnswer): TemplateResult | typeof nothing {
  const { cost } = update;
  const kinds = (cost.by_kind ?? []).filter((part) => part.p90 > 0).sort((a, b) => b.p50 - a.p50);
  if (kinds.length === 0) {
    return nothing;
  }
  const shown = kinds.slice(0, KINDS);
  const most = Math.max(...shown.map((part) => part.p90));
  const rest = kinds.slice(KINDS).map((part) => part.kind);
  return html`<section class="bars price" aria-labelledby="price-title">
    <h2 id="price-title">What it costs${cost.currency === null ? '' : `, ${cost.currency}`}</h2>
    <table>
      <thead class="unseen"><tr><th scope="col">Kind</th><th scope="col">Range</th><th scope="col">Likely</th>
        <th scope="col">Eight times in ten</th></tr></thead>
      <tbody>${shown.map((part) => row(part, most, cost))}</tbody>
    </table>
    ${rest.length === 0 ? nothing : html`<p class="notes">Less than these: ${new Intl.ListFormat('en').format(rest)}.</p>`}
    ${waiting(update)} ${beside(cost)}
  </section>`;
}
