// How far can all this be trusted? The age of the data, how much of the fleet reports, and what was
// wrong with the reports. The analyzer closes whole minutes, so its answers are up to a minute old
// when all is well: age is counted from when the next minute was due.
//
// SPDX-License-Identifier: Apache-2.0

import { html, nothing, type TemplateResult } from 'lit-html';
import type { FleetAnswer, Snapshot } from './api.js';
import * as format from './format.js';

const MINUTE_S = 60; // what the analyzer takes in at a time
const AMBER_S = 30; // overdue by half a minute: something hesitates
const RED_S = 120; // two minutes missing: decide by other means
const REPLAY_S = 86_400; // no live installation is a day behind; a replay of the past is years

export interface Age {
  state: 'none' | 'fresh' | 'late' | 'stale' | 'replay';
  seconds: number;
}

export function ageOf(asOf: string | null, serverNowMs: number): Age {
  if (asOf === null) {
    return { state: 'none', seconds: 0 };
  }
  const seconds = Math.max(0, (serverNowMs - Date.parse(asOf)) / 1000);
  const overdue = seconds - MINUTE_S;
  if (seconds > REPLAY_S) {
    return { state: 'replay', seconds };
  }
  return { state: overdue >= RED_S ? 'stale' : overdue >= AMBER_S ? 'late' : 'fresh', seconds };
}

const ageWords = { fresh: 'Live', late: 'Late', stale: 'Stale', replay: 'Replay', none: 'No data' };

// One word and its colour: a broken link outweighs any age.
function pill(snapshot: Snapshot, age: Age): { tone: string; word: string } {
  switch (snapshot.link) {
    case 'unreachable':
      return { tone: 'stale', word: 'No connection' };
    case 'database_away':
      return { tone: 'late', word: 'Paused' };
    case 'starting':
      return snapshot.answers === null
        ? { tone: 'none', word: 'Starting' }
        : { tone: 'late', word: 'Paused' };
    case 'loading':
      return { tone: 'none', word: 'Connecting' };
    default:
      return { tone: age.state, word: ageWords[age.state] };
  }
}

// The short form, at the top of the page at all times.
export function freshness(snapshot: Snapshot, age: Age): TemplateResult {
  const { answers } = snapshot;
  const { tone, word } = pill(snapshot, age);
  if (answers === null || answers.as_of === null) {
    return html`<p class="freshness ${tone}"><span class="pill">${word}</span></p>`;
  }
  const when =
    age.state === 'replay'
      ? html`replayed data of <time datetime=${answers.as_of}>${format.instantFull(answers.as_of)}</time>`
      : html`data to <time datetime=${answers.as_of}>${format.clockTime(answers.as_of)} UTC</time>,
          ${format.duration(age.seconds)} ago`;
  return html`<p class="freshness ${tone}"><span class="pill">${word}</span>
    <span>${when}</span>
    <span class="reporting">${format.share(answers.fleet.reporting, answers.fleet.hosts)} of hosts
      reporting</span></p>`;
}

function line(name: string, value: string, note = ''): TemplateResult {
  return html`<div><dt>${name}</dt><dd>${value}${
    note ? html` <span class="aside">${note}</span>` : nothing
  }</dd></div>`;
}

export function trust(fleet: FleetAnswer): TemplateResult {
  return html`<section class="trust" aria-labelledby="trust-title">
    <header><h2 id="trust-title">Fleet and data</h2></header>
    <svg class="share" height="6" aria-hidden="true">
      <rect class="track" width="100%" height="6" rx="3"/>
      <rect width="${fleet.hosts === 0 ? 0 : (100 * fleet.reporting) / fleet.hosts}%" height="6" rx="3"/>
    </svg>
    <dl>
      ${line(
        'Hosts reporting',
        format.share(fleet.reporting, fleet.hosts),
        `${format.count(fleet.reporting)} of ${format.count(fleet.hosts)}`,
      )}
      ${line('Pinned now', format.count(fleet.pinned), format.share(fleet.pinned, fleet.hosts))}
      ${line('Elevated now', format.count(fleet.elevated), format.share(fleet.elevated, fleet.hosts))}
      ${line('Silent now', format.count(fleet.silent), format.share(fleet.silent, fleet.hosts))}
      ${line(
        'Customers',
        format.count(fleet.customers),
        fleet.unregistered_customers > 0
          ? `${format.count(fleet.unregistered_customers)} not registered`
          : 'all registered',
      )}
      ${line('Reports taken in', format.count(fleet.reports))}
      ${line('Late', format.count(fleet.late_reports), 'counted in the next open minute')}
      ${line('Duplicate', format.count(fleet.duplicate_reports), 'counted once')}
      ${line('Skewed clocks', format.counted(fleet.skewed_hosts, 'host', 'hosts'), 'corrected')}
      ${
        fleet.attributes_left_out?.length
          ? line('Not compared by', fleet.attributes_left_out.join(', '), 'names hosts, not kinds of host')
          : nothing
      }
    </dl>
  </section>`;
}
