// What part of it is the reader looking at? One update, one region, one product line, kept in the
// address so that a link shows a colleague the same. Everything that can be counted by region and
// product line follows it; the verdict does not, as it is about the whole.
//
// SPDX-License-Identifier: Apache-2.0

import { html, nothing, type TemplateResult } from 'lit-html';
import type { AffectedCount, Answers, ImpactCell, UpdateAnswer } from './api.js';

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

function total(cells: readonly ImpactCell[], kind: 'hosts' | 'customers'): AffectedCount {
  const sum: AffectedCount = { confirmed: 0, probable: 0, estimated: { low: null, likely: null, high: null } };
  for (const cell of cells) {
    sum.confirmed += cell[kind].confirmed;
    sum.probable += cell[kind].probable;
  }
  return sum;
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
