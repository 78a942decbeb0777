// What part of it is the reader looking at? One update, one region, one product line, kept in the
// address so that a link shows a colleague the same. Everything that can be counted by region and
// product line follows it; the verdict does not, as it is about the whole.
//
// SPDX-License-Identifier: Apache-2.0

import { html, nothing, type TemplateResult } from 'lit-html';
import type { AffectedCount, Answers, ImpactCell, Range, UpdateAnswer } from './api.js';

export interface View {
  update: string | null;
  region: string | null;
  line: string | null;
}

export function readView(): View {
  const asked = new URLSearchParams(location.search);
  return { update: asked.get('update'), region: asked.get('region'), line: asked.get('line') };
}

export function writeView(view: View): void {
  const asked = new URLSearchParams();
  for (const [name, value] of Object.entries(view)) {
    if (value !== null) {
      asked.set(name, value);
    }
  }
  const text = asked.toString();
  history.replaceState(null, '', text === '' ? location.pathname : `?${text}`);
}

export function isNarrow(view: View): boolean {
  return view.region !== null || view.line !== null;
}

export function isSeen(cell: ImpactCell, view: View): boolean {
  return (
    (view.region === null || cell.region === view.region) &&
    (view.line === null || cell.product_line === view.line)
  );
}

function add(a: Range, b: Range): Range {
  const sum = (x: number | null, y: number | null): number | null => (x === null || y === null ? null : x + y);
  return { low: sum(a.low, b.low), likely: sum(a.likely, b.likely), high: sum(a.high, b.high) };
}

// Ends added up make a range that is too wide rather than too narrow. A customer with several
// product lines counts once for each, as in the margins of the table.
function total(cells: readonly ImpactCell[], kind: 'hosts' | 'customers'): AffectedCount {
  const none = { low: 0, likely: 0, high: 0 };
  return cells.map((cell) => cell[kind]).reduce(
    (sum, one) => ({
      confirmed: sum.confirmed + one.confirmed,
      probable: sum.probable + one.probable,
      estimated: add(sum.estimated, one.estimated),
      all: add(sum.all, one.all),
    }),
    { confirmed: 0, probable: 0, estimated: none, all: none },
  );
}

function narrowUpdate(update: UpdateAnswer, view: View): UpdateAnswer {
  const impact = update.impact.filter((cell) => isSeen(cell, view));
  return {
    ...update,
    impact,
    hosts_total: total(impact, 'hosts'),
    customers_total: total(impact, 'customers'),
    outreach: update.outreach.filter((entry) => view.region === null || entry.region === view.region),
  };
}

// The answers as seen through the view; updates that have done nothing there are left out.
export function narrowed(answers: Answers, view: View): Answers {
  if (!isNarrow(view)) {
    return answers;
  }
  const updates = answers.updates.map((update) => narrowUpdate(update, view));
  return { ...answers, updates: updates.filter((update) => update.impact.length > 0) };
}

export function viewBar(view: View, clear: () => void): TemplateResult {
  const names = [view.region, view.line].filter((name) => name !== null);
  return html`<div role="status">${
    names.length === 0
      ? nothing
      : html`<p class="view-bar"><span>Only <strong>${names.join(' · ')}</strong>: customers, hosts,
          candidates and calls. Rate and cost are of the whole.</span>
          <button type="button" @click=${clear}>Show all</button></p>`
  }</div>`;
}
