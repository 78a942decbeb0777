// The page for support: whom do I call first, and what do I say? The queue in the analyzer's order
// with the reasons for each place in it, narrowed to what this agent can do now, by keyboard.
//
// SPDX-License-Identifier: Apache-2.0

import { html, type TemplateResult } from 'lit-html';
import { worstUpdate, type Answers, type OutreachEntry, type UpdateAnswer } from './api.js';
import * as format from './format.js';
import { Frame } from './frame.js';
import { arrowIcon } from './icons.js';
import { prose } from './prose.js';

interface Choice {
  region: string; // '' for all
  reachable: boolean;
}

function narrowed(entries: readonly OutreachEntry[], choice: Choice): OutreachEntry[] {
  return entries.filter(
    (entry) =>
      (choice.region === '' || entry.region === choice.region) && (!choice.reachable || entry.reachable_now),
  );
}

// What to say on the phone, in words a customer knows.
function explanation(update: UpdateAnswer, answers: Answers): TemplateResult {
  const withdrawn = update.withdrawn_at !== null;
  return html`<section class="explanation" aria-labelledby="explanation-title">
    <h2 id="explanation-title">What to say</h2>
    <p>An update of ours, ${update.id}, makes computers very slow or hang${
      update.segment_text ? html`: those with ${update.segment_text}` : ''
    }.${update.onset.likely === null ? '' : ` It began ${format.instantUtc(update.onset.likely, answers.as_of)}.`}</p>
    <p>${
      withdrawn
        ? html`We have withdrawn it: computers that do not have it yet will not get it.`
        : html`We are stopping it. Until then, computers may still receive it.`
    }</p>
    <dl>
      <div><dt>Affected so far</dt><dd>${format.counted(
        update.customers_total.confirmed + update.customers_total.probable, 'customer', 'customers')}</dd></div>
      <div><dt>Known about</dt><dd>${prose(update.sentence)}</dd></div>
    </dl>
  </section>`;
}

function filters(update: UpdateAnswer, choice: Choice, choose: (choice: Choice) => void): TemplateResult {
  const regions = [...new Set(update.outreach.map((entry) => entry.region))].sort((a, b) => a.localeCompare(b));
  return html`<form class="filters" @submit=${(event: Event) => event.preventDefault()}>
    <label>Region <select @change=${(event: Event) =>
      choose({ ...choice, region: (event.target as HTMLSelectElement).value })}>
      <option value="">All</option>
      ${regions.map((region) => html`<option value=${region} ?selected=${region === choice.region}>${region}</option>`)}
    </select></label>
    <label><input type="checkbox" .checked=${choice.reachable} @change=${(event: Event) =>
      choose({ ...choice, reachable: (event.target as HTMLInputElement).checked })}> Reachable now</label>
  </form>`;
}

function place(entry: OutreachEntry): TemplateResult {
  return html`<li class="place" tabindex="-1" data-customer=${entry.customer_id}>
    <span class="rank">${format.count(entry.rank)}</span>
    <div class="who">
      <p><strong>${entry.name}</strong> <span class="aside">${entry.region} · ${entry.customer_id}</span></p>
      <p class="why">${entry.reasons.join(' · ')}</p>
    </div>
    <p class="hosts"><strong>${format.count(entry.hosts_affected)}</strong>
      <span class="aside">${entry.hosts_affected === 1 ? 'host' : 'hosts'}</span></p>
    <p class="reach ${entry.reachable_now ? 'now' : ''}">${entry.reachable_now ? 'reachable now' : 'outside its hours'}</p>
  </li>`;
}

class EpicenterSupport extends Frame {
  protected readonly name = 'Support';
  #choice: Choice = { region: '', reachable: false };

  // j and k move along the queue, as in a mail reader; typing in a field stays typing.
  #step = (event: KeyboardEvent): void => {
    const target = event.target as HTMLElement;
    if ((event.key !== 'j' && event.key !== 'k') || target.closest('input, select, textarea')) {
      return;
    }
    const places = [...this.querySelectorAll<HTMLElement>('.place')];
    const at = places.indexOf(document.activeElement as HTMLElement);
    places[Math.max(0, Math.min(places.length - 1, at + (event.key === 'j' ? 1 : -1)))]?.focus();
  };

  override connectedCallback(): void {
    super.connectedCallback();
    document.addEventListener('keydown', this.#step);
  }

  override disconnectedCallback(): void {
    document.removeEventListener('keydown', this.#step);
    super.disconnectedCallback();
  }

  protected content(answers: Answers): TemplateResult {
    const update = worstUpdate(answers.updates.filter((candidate) => candidate.outreach.length > 0));
    if (update === undefined) {
      return html`<section class="headline clear" aria-labelledby="verdict">
        <h1 id="verdict">Nobody needs a call.</h1>
        <p class="action">${arrowIcon}<span>No update shows more distress than its control. This page fills by itself
          when one does.</span></p>
      </section>`;
    }
    const shown = narrowed(update.outreach, this.#choice);
    return html`<h1 class="unseen">Customers to contact</h1>
      <div class="desk">
        <section class="queue" aria-labelledby="queue-title">
          <header>
            <h2 id="queue-title">Call in this order</h2>
            <p class="of">${format.count(shown.length)} shown, of ${format.counted(update.outreach_total, 'customer', 'customers')}</p>
            ${filters(update, this.#choice, (choice) => {
              this.#choice = choice;
              this.draw();
            })}
          </header>
          ${
            shown.length === 0
              ? html`<p class="empty">Nobody in the head of the queue matches.</p>`
              : html`<ol>${shown.map(place)}</ol>`
          }
          <p class="keys">Ordered by the loss a call avoids for each minute it takes. <kbd>j</kbd> and <kbd>k</kbd>
            move along the queue.</p>
        </section>
        ${explanation(update, answers)}
      </div>`;
  }
}

customElements.define('epicenter-support', EpicenterSupport);
