// Is it bad, which update, since when, and what is to be done? The first thing read on the page:
// a verdict in words, the facts that belong to it, and four figures of what it has done so far.
//
// SPDX-License-Identifier: Apache-2.0

import { html, nothing, type TemplateResult } from 'lit-html';
import { observed, worstUpdate, type Answers, type UpdateAnswer } from './api.js';
import * as format from './format.js';
import { arrowIcon, verdictIcon, verdictWords, waitingIcon } from './icons.js';
import { prose } from './prose.js';

function instant(at: string, asOf: string | null): TemplateResult {
  const local = format.instantLocal(at);
  return html`<time datetime=${at} title=${local || nothing}>${format.instantUtc(at, asOf)}</time>`;
}

function fact(name: string, value: unknown): TemplateResult {
  return html`<div><dt>${name}</dt><dd>${value}</dd></div>`;
}

function since(update: UpdateAnswer, asOf: string | null): TemplateResult | typeof nothing {
  const onset = update.onset.likely;
  if (onset === null) {
    return nothing;
  }
  const interval = format.clockInterval(update.onset);
  const local = format.instantLocal(onset);
  const lateness =
    update.released_at === null ? null : (Date.parse(onset) - Date.parse(update.released_at)) / 1000;
  const details = [
    interval && `between ${interval}`,
    lateness !== null && lateness >= 0 && `${format.duration(lateness)} after release`,
    local && `${local} here`,
  ].filter(Boolean);
  return fact(
    'Since',
    html`${instant(onset, asOf)}<span class="aside">${details.join(' · ')}</span>`,
  );
}

function availability(update: UpdateAnswer, asOf: string | null): TemplateResult {
  const released = update.released_at ?? update.first_seen_at;
  const word = update.released_at === null ? 'First seen' : 'Released';
  const seen = html`${format.counted(update.installed_hosts, 'host', 'hosts')} installed it`;
  if (update.withdrawn_at !== null) {
    return fact(
      'Update',
      html`Withdrawn ${instant(update.withdrawn_at, asOf)}<span class="aside">${seen}</span>`,
    );
  }
  return fact(
    'Update',
    html`${released === null ? 'Still out' : html`${word} ${instant(released, asOf)}, still out`}<span
        class="aside">${seen}</span>`,
  );
}

function facts(update: UpdateAnswer, asOf: string | null): TemplateResult {
  return html`<dl class="facts">
    ${update.segment_text && update.verdict !== 'CLEAR'
      ? fact('Where', update.segment_text)
      : nothing}
    ${since(update, asOf)} ${availability(update, asOf)}
    ${update.control ? fact('Compared with', update.control) : nothing}
  </dl>`;
}

// The other updates that want attention, so that the first one does not hide them.
function others(worst: UpdateAnswer, updates: readonly UpdateAnswer[]): string {
  const rest = updates.filter((update) => update !== worst);
  const held = rest.filter((update) => update.verdict === 'HOLD').length;
  const suspect = rest.filter((update) => update.verdict === 'SUSPECT').length;
  const parts = [
    held > 0 && `${format.counted(held, 'other update', 'other updates')} on hold`,
    suspect > 0 && `${format.counted(suspect, 'other suspect', 'other suspects')}`,
  ].filter(Boolean);
  return parts.length === 0 ? '' : `Also: ${parts.join(', ')}. See the candidates below.`;
}

function sentenceOf(worst: UpdateAnswer, updates: readonly UpdateAnswer[]): string {
  const clear = updates.filter((update) => update.verdict === 'CLEAR').length;
  const undecided = updates.length - clear;
  if (worst.verdict === 'CLEAR') {
    return updates.length === 1
      ? (worst.sentence ?? `${worst.id} is clear.`)
      : `All ${format.count(updates.length)} updates in flight are clear.`;
  }
  if (worst.verdict === 'INSUFFICIENT_DATA' && updates.length > 1) {
    return (
      `Nothing on hold. ${format.counted(undecided, 'update has', 'updates have')} ` +
      `not enough data yet${clear > 0 ? `, ${format.count(clear)} clear` : ''}.`
    );
  }
  return worst.sentence ?? `${worst.id}: ${verdictWords[worst.verdict]}.`;
}

// With `decision` in place of the action and the facts that whoever must stop the update needs.
export function headline(answers: Answers, decision: string | null = null): TemplateResult {
  const worst = worstUpdate(answers.updates);
  if (worst === undefined) {
    return html`<section class="headline waiting" aria-labelledby="verdict">
      <p class="word"><span class="badge">${waitingIcon}Nothing to judge</span></p>
      <h1 id="verdict">No update has been installed within the horizon.</h1>
      <p class="action">${arrowIcon}<span>${format.counted(answers.fleet.hosts, 'host reports', 'hosts report')};
        an update is judged from its first installation on.</span></p>
    </section>`;
  }
  const sentence = sentenceOf(worst, answers.updates);
  const also = others(worst, answers.updates);
  const grouped = sentence !== worst.sentence;
  const calm = worst.verdict === 'CLEAR' && grouped;
  const action = decision ?? (calm ? null : worst.action);
  return html`<section class="headline ${worst.verdict.toLowerCase()}" aria-labelledby="verdict">
    <p class="word">
      <span class="badge">${verdictIcon(worst.verdict)}${verdictWords[worst.verdict]}</span>
      ${worst.decided_at === null || grouped
        ? nothing
        : html`<span class="decided">decided ${instant(worst.decided_at, answers.as_of)}</span>`}
    </p>
    <h1 id="verdict">${prose(sentence)}</h1>
    ${grouped && !calm && worst.sentence ? html`<p class="detail">${prose(worst.sentence)}</p>` : nothing}
    ${action ? html`<p class="action">${arrowIcon}<span>${prose(action)}</span></p>` : nothing}
    ${decision === null && !calm ? facts(worst, answers.as_of) : nothing}
    ${also && decision === null ? html`<p class="also">${also}</p>` : nothing}
  </section>`;
}

function figure(name: string, value: unknown, ...below: string[]): TemplateResult {
  return html`<div class="figure">
    <dt>${name}</dt>
    <dd><span class="value">${value}</span
      >${below.map((part) => html`<span class="below">${part}</span> `)}</dd>
  </div>`;
}

function harmFigures(update: UpdateAnswer): TemplateResult {
  const { customers_total: customers, hosts_total: hosts, rate_ratio: ratio, cost } = update;
  const split = (affected: typeof hosts): [string, string] => [
    `${format.count(affected.confirmed)} confirmed`,
    `${format.count(affected.probable)} probable`,
  ];
  return html`
    ${figure('Customers affected', format.count(observed(customers)), ...split(customers))}
    ${figure('Hosts affected', format.count(observed(hosts)), ...split(hosts))}
    ${figure(
      'Rate of distress',
      ratio.likely === null ? format.NOTHING : `${format.ratio(ratio.likely)}×`,
      ratio.likely === null
        ? 'not yet bounded'
        : `${format.ratioInterval(ratio)} × that of hosts without it`,
    )}
    ${figure(
      cost.currency === null ? 'Cost of support' : `Cost of support, ${cost.currency}`,
      format.moneyRange(cost),
      ...(cost.p50 === null || cost.currency === null
        ? ['nothing to price']
        : [`likely ${format.money(cost.p50, cost)}`, '80 % interval']),
    )}
  `;
}

function calmFigures(answers: Answers): TemplateResult {
  const { fleet, updates } = answers;
  const distressed = fleet.pinned + fleet.elevated + fleet.silent;
  const exposed = updates.reduce((sum, update) => sum + update.exposed_now, 0);
  return html`
    ${figure('Updates in flight', format.count(updates.length), 'installed within the horizon')}
    ${figure('Installations at risk', format.count(exposed), 'within an hour of installing')}
    ${figure(
      'Hosts in distress',
      format.count(distressed),
      `${format.share(distressed, fleet.hosts)} of the fleet`,
    )}
    ${figure(
      'Hosts reporting',
      format.share(fleet.reporting, fleet.hosts),
      `${format.count(fleet.reporting)} of ${format.count(fleet.hosts)}`,
    )}
  `;
}

export function figures(answers: Answers): TemplateResult {
  const worst = worstUpdate(answers.updates);
  const harmful = worst?.verdict === 'HOLD' || worst?.verdict === 'SUSPECT';
  return html`<section aria-label=${harmful ? `What ${worst.id} has done` : 'The fleet'}>
    <dl class="figures">${harmful ? harmFigures(worst) : calmFigures(answers)}</dl>
  </section>`;
}
