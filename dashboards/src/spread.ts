// Whom has it hit, and where? Affected customers by region and product line, hosts under them, as a
// real table whose cells are tinted by magnitude. The hard thing is the margins: hosts add up, but
// a customer with two product lines counts once in the total, so sums are shown and the difference
// is said.
//
// SPDX-License-Identifier: Apache-2.0

import { html, nothing, type TemplateResult } from 'lit-html';
import { observed, worstUpdate, type Answers, type ImpactCell, type UpdateAnswer } from './api.js';
import * as format from './format.js';
import { sumOf, sums, type Sum } from './sums.js';
import type { View } from './view.js';

export type Look = (part: Partial<View>) => void;

const TINTS = 5; // more steps than this are not told apart

// By the square root, as customers are spread over orders of magnitude.
function tint(value: number, largest: number): string {
  return value === 0 ? 'tint-0' : `tint-${Math.max(1, Math.ceil(TINTS * Math.sqrt(value / largest)))}`;
}

function numbers(sum: Pick<Sum, 'customers' | 'hosts'>): TemplateResult {
  return html`<span class="customers">${format.count(sum.customers)}</span
    ><span class="hosts">${format.counted(sum.hosts, 'host', 'hosts')}</span>`;
}

function chooser(
  updates: readonly UpdateAnswer[],
  chosen: UpdateAnswer,
  choose: (id: string) => void,
): TemplateResult | typeof nothing {
  if (updates.length < 2) {
    return nothing;
  }
  return html`<div class="chooser"><label for="spread-update">Update</label>
    <select id="spread-update" @change=${(event: Event) => choose((event.target as HTMLSelectElement).value)}>
      ${updates.map(
        (update) =>
          html`<option value=${update.id} ?selected=${update.id === chosen.id}>${update.id}</option>`,
      )}
    </select></div>`;
}

// A press narrows the page to that region, line or both; another press widens it again.
function press(region: string | null, line: string | null, view: View, look: Look, content: unknown): TemplateResult {
  const pressed = view.region === region && view.line === line;
  const name = [region, line].filter((part) => part !== null).join(', ');
  return html`<button type="button" aria-pressed=${pressed} title="Only ${name}"
    @click=${() => look(pressed ? { region: null, line: null } : { region, line })}>${content}</button>`;
}

function matrix(update: UpdateAnswer, view: View, look: Look): TemplateResult {
  const cells = update.impact;
  const regions = sums(cells, 'region');
  const lines = sums(cells, 'product_line').map((line) => line.name);
  const largest = Math.max(...cells.map((cell) => observed(cell.customers)), 1);
  const at = (region: string, line: string): ImpactCell | undefined =>
    cells.find((cell) => cell.region === region && cell.product_line === line);
  const total = {
    customers: observed(update.customers_total),
    hosts: observed(update.hosts_total),
  };
  return html`<div class="scroll" role="group" tabindex="0" aria-labelledby="spread-title">
    <table class="matrix">
      <thead>
        <tr>
          <th scope="col">Region</th>
          ${lines.map((line) => html`<th scope="col" class="number">${press(null, line, view, look, line)}</th>`)}
          <th scope="col" class="number margin">All lines</th>
        </tr>
      </thead>
      <tbody>
        ${regions.map(
          (region) => html`<tr>
            <th scope="row">${press(region.name, null, view, look, region.name)}</th>
            ${lines.map((line) => {
              const cell = at(region.name, line);
              if (cell === undefined) {
                return html`<td class="number tint-0">${format.NOTHING}</td>`;
              }
              const sum = sumOf(region.name, [cell]);
              return html`<td class="number ${tint(sum.customers, largest)}">${press(region.name, line, view, look, numbers(sum))}</td>`;
            })}
            <td class="number margin">${numbers(region)}</td>
          </tr>`,
        )}
      </tbody>
      <tfoot>
        <tr>
          <th scope="row">All regions</th>
          ${lines.map(
            (line) =>
              html`<td class="number">${numbers(sumOf(line, cells.filter((cell) => cell.product_line === line)))}</td>`,
          )}
          <td class="number margin total">${numbers(total)}</td>
        </tr>
      </tfoot>
    </table>
  </div>`;
}

function footnotes(update: UpdateAnswer): TemplateResult {
  const { all } = update.customers_total;
  const beyond =
    (all.high ?? 0) > 0
      ? html`<p>In all, those whose seats do not report included, ${format.countRange(all.low ?? 0, all.high ?? 0)}
          customers (nine times in ten).</p>`
      : nothing;
  const differs = sumOf('', update.impact).customers !== observed(update.customers_total);
  return html`<div class="notes">
    ${beyond}
    <p>Confirmed and probable, less what would have happened anyway.${
      differs
        ? ' A customer with several product lines counts once in the total, so sums of customers can exceed it.'
        : ''
    }</p>
  </div>`;
}

export function spread(
  answers: Answers,
  view: View,
  look: Look,
): TemplateResult {
  const hit = answers.updates.filter((update) => update.impact.length > 0);
  const chosen = hit.find((update) => update.id === view.update) ?? worstUpdate(hit);
  return html`<section class="spread" aria-labelledby="spread-title">
    <header>
      <h2 id="spread-title">Customers affected, by region and product line</h2>
      ${
        chosen === undefined
          ? nothing
          : hit.length > 1
            ? chooser(hit, chosen, (id) => look({ update: id }))
            : html`<p class="of">${chosen.id}</p>`
      }
    </header>
    ${
      chosen === undefined
        ? html`<p class="empty">Nobody so far: no update shows more distress than its control.</p>`
        : html`${matrix(chosen, view, look)} ${footnotes(chosen)}`
    }
  </section>`;
}
