// Whom to call first? The head of the analyzer's outreach for the gravest update, each customer with
// the reasons for its rank; the queue itself is worked elsewhere.
//
// SPDX-License-Identifier: Apache-2.0

import { html, nothing, type TemplateResult } from 'lit-html';
import { worstUpdate, type Answers } from './api.js';
import * as format from './format.js';

const SHOWN = 5; // as many as a person keeps in mind while dialling the first

// `part`: the list is only of a region, whose length is not known beyond what is listed.
export function calls(answers: Answers, part: boolean): TemplateResult | typeof nothing {
  const update = worstUpdate(answers.updates);
  if (update === undefined || update.outreach.length === 0) {
    return nothing;
  }
  const shown = update.outreach.slice(0, SHOWN);
  return html`<section class="calls" aria-labelledby="calls-title">
    <header>
      <h2 id="calls-title">Customers to call first</h2>
      <p class="of">${part ? 'in this part' : `${format.count(shown.length)} of ${format.count(update.outreach_total)}`}</p>
    </header>
    <ol>
      ${shown.map(
        (entry) => html`<li>
          <span class="rank" aria-hidden="true">${format.count(entry.rank)}</span>
          <p><strong>${entry.name}</strong> <span class="aside">${entry.region}</span></p>
          <p class="why">${entry.reasons.join(' · ')}</p>
        </li>`,
      )}
    </ol>
  </section>`;
}
