// Everything about one customer of the queue: why it stands where it stands, who is at it, and,
// for the agent who has taken it, what came of the call.
//
// SPDX-License-Identifier: Apache-2.0

import { html, nothing, type TemplateResult } from 'lit-html';
import { stateWords, type Parts, type Place, type State } from './desk.js';
import * as format from './format.js';

// In the order of the keys 1 to 5.
export const outcomes: readonly State[] = ['reached', 'message_left', 'escalated', 'fixed', 'dismissed'];

const usd = new Intl.NumberFormat(undefined, {
  style: 'currency',
  currency: 'USD',
  maximumFractionDigits: 0,
});
const factor = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });

function partRows(parts: Parts): TemplateResult {
  const rows: [string, string][] = [
    ['Outage a call shortens', usd.format(parts.outage)],
    ['Contract at risk', usd.format(parts.churn)],
    ['Time it has waited', `× ${factor.format(parts.waiting)}`],
    ['Tier', `× ${factor.format(parts.tier)}`],
    ['What a stop means to it', `× ${factor.format(parts.criticality)}`],
    ['Chance to reach somebody now', `× ${factor.format(parts.reach)}`],
    ['Minutes of an agent', `÷ ${factor.format(parts.minutes)}`],
  ];
  return html`<table class="parts"><tbody>${rows.map(
    ([name, value]) => html`<tr><th scope="row">${name}</th><td>${value}</td></tr>`,
  )}</tbody></table>`;
}

export interface CustomerActions {
  take: () => void;
  finish: (state: State, note: string) => void;
  release: () => void;
}

function outcomeForm(actions: CustomerActions): TemplateResult {
  const note = (event: Event): string =>
    (event.currentTarget as HTMLElement).closest('section')?.querySelector('textarea')?.value ?? '';
  return html`<label class="note">Note <textarea rows="2" maxlength="500"></textarea></label>
    <p class="outcomes">${outcomes.map(
      (state, index) => html`<button type="button" data-outcome=${state}
        @click=${(event: Event) => actions.finish(state, note(event))}>${stateWords[state]}
        <kbd>${index + 1}</kbd></button>`,
    )}<button type="button" data-outcome="release" @click=${actions.release}>Let go <kbd>x</kbd></button></p>`;
}

// `whom`: the people to call there; `facts` and `hosts`: what hosts.ts knows, where there is room.
export function customer(
  place: Place,
  own: boolean,
  reasonsOpen: boolean,
  actions: CustomerActions,
  whom: TemplateResult | typeof nothing,
  facts: TemplateResult | typeof nothing,
  hosts: TemplateResult | typeof nothing,
): TemplateResult {
  return html`<section class="customer ${own ? 'own' : ''}" aria-labelledby="customer-title" data-customer=${place.customer_id}>
    <h2 id="customer-title" tabindex="-1">${place.name}</h2>
    <p class="aside">${place.region === null ? '' : `${place.region} · `}${place.customer_id} ·
      ${format.counted(place.hosts_affected, 'host', 'hosts')} hit</p>
    <p class="state">${
      own
        ? html`<strong>Yours</strong>${place.held_until === null ? '' : ` until ${format.clockTime(place.held_until)} UTC`}`
        : place.holder === null
          ? stateWords[place.state]
          : `${place.holder} has taken it`
    }${place.note === '' ? nothing : html` · “${place.note}”`}</p>
    ${facts}
    ${whom}
    ${
      own
        ? outcomeForm(actions)
        : place.holder === null
          ? html`<p class="outcomes"><button type="button" @click=${actions.take}>Take <kbd>t</kbd></button></p>`
          : nothing
    }
    <div class="grounds"><ul>${place.reasons.map((reason) => html`<li>${reason}</li>`)}</ul>
    ${
      place.parts === null || place.score === null
        ? nothing
        : html`<details ?open=${reasonsOpen}><summary>Why this place <kbd>r</kbd></summary>
            ${partRows(place.parts)}
            <p class="aside">${usd.format(place.score)} of loss avoided for each minute of the call.</p></details>`
    }
    </div>
    ${hosts}
  </section>`;
}
