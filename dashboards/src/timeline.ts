// What happened when? The few instants that matter of one update, in order.
//
// SPDX-License-Identifier: Apache-2.0

import { html, type TemplateResult } from 'lit-html';
import type { Answers, UpdateAnswer } from './api.js';
import * as format from './format.js';
import { verdictWords } from './icons.js';

export function timeline(update: UpdateAnswer, answers: Answers): TemplateResult {
  const events: [string | null, string][] = [
    [update.released_at ?? update.first_seen_at, update.released_at === null ? 'First seen on a host' : 'Released'],
    [update.onset.likely, 'First harm, as far as the evidence tells'],
    [update.decided_at, `Verdict: ${verdictWords[update.verdict].toLowerCase()}`],
    [update.withdrawn_at, 'Withdrawn'],
    [answers.as_of, 'These numbers'],
  ];
  const known = events
    .filter((event): event is [string, string] => event[0] !== null)
    .sort(([a], [b]) => a.localeCompare(b));
  return html`<section class="timeline" aria-labelledby="timeline-title">
    <h2 id="timeline-title">Timeline</h2>
    <ol>${known.map(
      ([at, what]) =>
        html`<li><time datetime=${at}>${format.instantUtc(at, answers.as_of)}</time><span>${what}</span></li>`,
    )}</ol>
  </section>`;
}
