// What could change these numbers? The few things an executive should know before repeating them,
// each with its size.
//
// SPDX-License-Identifier: Apache-2.0

import { html, type TemplateResult } from 'lit-html';
import type { Answers, UpdateAnswer } from './api.js';
import * as format from './format.js';

const DRIVERS = 3; // as the analyzer gives them

function sentences(update: UpdateAnswer, answers: Answers): string[] {
  const { fleet } = answers;
  const { customers_total: customers, cost } = update;
  const drivers = (cost.drivers ?? []).slice(0, DRIVERS).map((driver) => driver.parameter.replace(/^aht/, 'handle_time').replaceAll('_', ' '));
  return [
    customers.probable > 0 &&
      `${format.counted(customers.probable, 'customer counts', 'customers count')} only because hosts fell silent; some may be switched off.`,
    fleet.reporting < fleet.hosts &&
      `${format.share(fleet.reporting, fleet.hosts)} of hosts report now; what the others went through is estimated.`,
    fleet.unregistered_customers > 0 &&
      `${format.counted(fleet.unregistered_customers, 'customer is', 'customers are')} not registered: no region, tier or contract is known of them.`,
    (update.forecast.may_turn.high ?? 0) > 0 &&
      `${format.countRange(update.forecast.may_turn.low ?? 0, update.forecast.may_turn.high ?? 0)} hosts have it and may still turn.`,
    drivers.length > 0 && `The cost depends most on ${new Intl.ListFormat('en').format(drivers)}.`,
  ].filter((sentence) => sentence !== false);
}

export function doubts(update: UpdateAnswer, answers: Answers): TemplateResult {
  return html`<section class="doubts" aria-labelledby="doubts-title">
    <h2 id="doubts-title">What could change these numbers</h2>
    <ul>${sentences(update, answers).map((sentence) => html`<li>${sentence}</li>`)}</ul>
  </section>`;
}
