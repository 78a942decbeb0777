// Which update is it? All updates in flight as the analyzer ranks them, each with its evidence and
// effect; a row opens to the reasons, for a verdict of clear as for one of hold.
//
// SPDX-License-Identifier: Apache-2.0

import { html, nothing, type TemplateResult } from 'lit-html';
import { repeat } from 'lit-html/directives/repeat.js';
import type { Answers, UpdateAnswer } from './api.js';
import * as format from './format.js';
import { chevronIcon, verdictIcon, verdictWords } from './icons.js';
import { axisOf, intervalBar, intervalScale, type Axis } from './interval.js';
import { identifier, prose } from './prose.js';

const SHOWN_AT_FIRST = 12; // what fits a screen; a fleet has dozens in flight, nearly all clear

export interface CandidatesState {
  open: ReadonlySet<string>;
  all: boolean;
  toggle: (id: string) => void;
  showAll: () => void;
}

// The row's parts are tied by id; an update's own id may hold any character.
function rowKey(id: string): string {
  return `reasons-${encodeURIComponent(id).replaceAll('%', '.')}`;
}

// A registered update without a product line is for all of them.
function scope(update: UpdateAnswer): string {
  return update.product_line ?? (update.released_at === null ? 'not registered' : 'all product lines');
}

function evidence(update: UpdateAnswer): TemplateResult | string {
  if (update.log10_e_value === null) {
    return format.NOTHING;
  }
  const power = format.exponent(update.log10_e_value);
  return html`<span aria-hidden="true">10<sup>${power}</sup></span
    ><span class="unseen">10 to the power ${power}</span>`;
}

function seen(at: string | null, asOf: string | null): TemplateResult | string {
  return at === null
    ? format.NOTHING
    : html`<time datetime=${at} title=${format.instantFull(at)}>${format.instantUtc(at, asOf)}</time>`;
}

function detail(name: string, value: unknown): TemplateResult {
  return html`<div><dt>${name}</dt><dd>${value}</dd></div>`;
}

function reasons(update: UpdateAnswer, asOf: string | null): TemplateResult {
  const trouble = [
    update.failed_hosts > 0 && `${format.count(update.failed_hosts)} failed`,
    update.rolled_back_hosts > 0 && `${format.count(update.rolled_back_hosts)} rolled back`,
  ].filter(Boolean);
  return html`<div class="reasons">
    <div>
      <p class="lead">${prose(update.sentence)}</p>
      <ul>${update.reasons.map((reason) => html`<li>${prose(reason)}</li>`)}</ul>
    </div>
    <dl>
      ${update.segment_text ? detail('Segment', update.segment_text) : nothing}
      ${update.control ? detail('Compared with', update.control) : nothing}
      ${detail(
        'Installed on',
        [format.counted(update.installed_hosts, 'host', 'hosts'), ...trouble].join(', '),
      )}
      ${update.decided_at === null ? nothing : detail('Verdict since', seen(update.decided_at, asOf))}
      ${update.released_at === null ? nothing : detail('Released', seen(update.released_at, asOf))}
      ${update.withdrawn_at === null ? nothing : detail('Withdrawn', seen(update.withdrawn_at, asOf))}
    </dl>
  </div>`;
}

function row(update: UpdateAnswer, axis: Axis, asOf: string | null, state: CandidatesState): TemplateResult {
  const open = state.open.has(update.id);
  const key = rowKey(update.id);
  return html`<tr role="row" class="candidate ${update.verdict.toLowerCase()}">
      <th role="rowheader" scope="row">
        <button type="button" class="opener" aria-expanded=${open} aria-controls=${key}
          @click=${() => state.toggle(update.id)}>
          ${chevronIcon}<span><span class="name">${identifier(update.id)}</span
            ><span class="line">${scope(update)}${
              update.withdrawn_at === null ? '' : ' · withdrawn'
            }</span></span>
        </button>
      </th>
      <td role="cell" class="judged">
        <span class="tag">${verdictIcon(update.verdict)}${verdictWords[update.verdict]}</span>
      </td>
      <td role="cell" data-label="Evidence" class="number evidence">${evidence(update)}</td>
      <td role="cell" data-label="Rate ratio" class="effect">
        <div>
          <span class="numbers">${format.ratio(update.rate_ratio.likely)}
            <span class="aside">${
              update.rate_ratio.likely === null ? '' : format.ratioInterval(update.rate_ratio)
            }</span></span>
          ${intervalBar(update.rate_ratio, axis)}
        </div>
      </td>
      <td role="cell" data-label="Installed / exposed" class="number">${format.count(update.installed_hosts)}
        <span class="aside">/ ${format.count(update.exposed_now)}</span></td>
      <td role="cell" data-label="Onsets compared / expected" class="number">${format.count(update.compared.onsets)}
        <span class="aside">/ ${format.divisor(update.compared.expected)}</span></td>
      <td role="cell" data-label="First seen" class="number">${seen(update.first_seen_at, asOf)}</td>
    </tr>
    <tr role="row" class="more" id=${key} ?hidden=${!open}>
      <td role="cell" colspan="7">${open ? reasons(update, asOf) : nothing}</td>
    </tr>`;
}

export function candidates(answers: Answers, state: CandidatesState): TemplateResult {
  const { updates, alpha, as_of: asOf } = answers;
  if (updates.length === 0) {
    return html``;
  }
  const shown = state.all ? updates : updates.slice(0, SHOWN_AT_FIRST);
  const axis = axisOf(shown);
  return html`<section class="candidates" aria-labelledby="candidates-title">
    <header>
      <h2 id="candidates-title">Candidates</h2>
      <p>Hold takes evidence of 10<sup>${format.decimal(-Math.log10(alpha))}</sup>: reached by chance
        in at most ${format.decimal(1000 * alpha)} of 1,000 harmless rollouts, however often you look.</p>
    </header>
    <table role="table" aria-labelledby="candidates-title">
      <thead role="rowgroup">
        <tr role="row">
          <th role="columnheader" scope="col" class="first">Update</th>
          <th role="columnheader" scope="col">Verdict</th>
          <th role="columnheader" scope="col" class="number">Evidence</th>
          <th role="columnheader" scope="col" class="effect"><div><span class="numbers">Rate ratio</span>${intervalScale(axis)}</div></th>
          <th role="columnheader" scope="col" class="number">Installed <span class="aside">/ exposed</span></th>
          <th role="columnheader" scope="col" class="number">Onsets compared <span class="aside">/ expected</span></th>
          <th role="columnheader" scope="col" class="number">First seen</th>
        </tr>
      </thead>
      <tbody role="rowgroup">
        ${repeat(
          shown,
          (update) => update.id,
          (update) => row(update, axis, asOf, state),
        )}
      </tbody>
    </table>
    ${
      shown.length === updates.length
        ? nothing
        : html`<button type="button" class="plain" @click=${state.showAll}>
            Show all ${format.count(updates.length)} updates</button>`
    }
  </section>`;
}
