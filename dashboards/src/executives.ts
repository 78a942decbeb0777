// The page for executives: how bad is it, what does it cost, is it getting better, and what is there
// to decide? One sheet of A4 that prints to exactly one page, every number a range, nobody's name.
//
// SPDX-License-Identifier: Apache-2.0

import { html, nothing, type TemplateResult } from 'lit-html';
import { observed, worstUpdate, type Answers, type Range, type UpdateAnswer } from './api.js';
import { bars, type Bar } from './bars.js';
import { doubts } from './doubts.js';
import * as format from './format.js';
import { Frame } from './frame.js';
import { headline } from './headline.js';
import { price } from './price.js';
import { sums } from './sums.js';
import { timeline } from './timeline.js';

function figure(name: string, value: string, below: string): TemplateResult {
  return html`<div class="figure"><dt>${name}</dt>
    <dd><span class="value">${value}</span><span class="below">${below}</span></dd></div>`;
}

function between(range: Range): string {
  return format.countRange(range.low ?? 0, range.high ?? 0);
}

function customers(update: UpdateAnswer): TemplateResult {
  const { customers_total: total, degrees } = update;
  return figure(
    'Customers affected',
    between(total.all),
    `${format.count(observed(total))} seen · ${between(degrees.over_half)} with over half of their seats`,
  );
}

function cost(update: UpdateAnswer): TemplateResult {
  const { cost: estimate } = update;
  return figure(
    estimate.currency === null ? 'Cost of support' : `Cost of support, ${estimate.currency}`,
    format.moneyRange(estimate),
    estimate.p50 === null ? 'nothing to price' : `likely ${format.money(estimate.p50, estimate)} · 80 % interval`,
  );
}

function growth(update: UpdateAnswer): TemplateResult {
  const { may_turn: mayTurn, next_hour: hour } = update.forecast;
  const more = (hour.high ?? 0) > 0;
  return figure(
    more ? 'Hosts hit in the next hour' : 'Hosts that may still turn',
    between(more ? hour : mayTurn),
    more
      ? `unless it is stopped; ${between(mayTurn)} have it already and may turn`
      : 'they have it, and nobody gets it any more',
  );
}

function age(update: UpdateAnswer, answers: Answers): TemplateResult {
  const asOf = Date.parse(answers.as_of ?? '');
  const since = (at: string): string => format.duration((asOf - Date.parse(at)) / 1000);
  if (update.withdrawn_at !== null && Date.parse(update.withdrawn_at) <= asOf) {
    const { released_at: released, withdrawn_at: withdrawn } = update;
    return figure('Since withdrawal', since(withdrawn), released === null ? ''
      : `it was out for ${format.duration((Date.parse(withdrawn) - Date.parse(released)) / 1000)}`);
  }
  const onset = update.onset.likely;
  return onset === null
    ? figure('Since onset', format.NOTHING, 'not known yet')
    : figure('Since onset', since(onset), 'the update is still out');
}

// Affected customers by one dimension, the most affected first.
function barsOf(update: UpdateAnswer, dimension: 'region' | 'product_line'): Bar[] {
  return sums(update.impact, dimension).map(({ name, customers: count, hosts, estimated }) => ({
    name,
    value: count,
    beyond: estimated,
    note: format.counted(hosts, 'host', 'hosts'),
  }));
}

function harm(update: UpdateAnswer, answers: Answers): TemplateResult {
  const regions = barsOf(update, 'region');
  const lines = barsOf(update, 'product_line');
  const most = Math.max(1, ...[...regions, ...lines].map((bar) => bar.value + bar.beyond));
  return html`<section aria-label="In numbers"><dl class="figures">
      ${customers(update)} ${cost(update)} ${growth(update)} ${age(update, answers)}
    </dl></section>
    <div class="halves">
      ${bars('Customers affected, by region', regions, most)}
      ${bars('Customers affected, by product line', lines, most)}
    </div>
    <div class="halves">${price(update)} ${timeline(update, answers)}</div>
    ${doubts(update, answers)}`;
}

// What is there to decide, and by whom?
function decision(update: UpdateAnswer | undefined): string {
  if (update === undefined || update.verdict === 'CLEAR' || update.verdict === 'INSUFFICIENT_DATA') {
    return 'Nothing is to be decided.';
  }
  if (update.withdrawn_at !== null) {
    return 'It is withdrawn. Support calls the customers hit, worst first; what is left to decide is what to offer them.';
  }
  return update.verdict === 'HOLD'
    ? 'Decide now: withdraw it. Every minute more hosts install it.'
    : 'Decide whether to pause its rollout until the evidence is enough, usually minutes.';
}

class EpicenterExecutives extends Frame {
  protected readonly name = 'Executives';

  protected content(answers: Answers): TemplateResult {
    const worst = worstUpdate(answers.updates);
    const harmful = worst?.verdict === 'HOLD' || worst?.verdict === 'SUSPECT';
    return html`${headline(answers, decision(worst))} ${harmful ? harm(worst, answers) : nothing}`;
  }

  protected override sources(): TemplateResult {
    const id = /[0-9a-f]{32}/.exec(this.feed.snapshot.etag ?? '')?.[0]; // of the snapshot, whose name it is
    return html`${id === undefined ? nothing : html`<span>Snapshot <a href="/v1/snapshots/${id}">${id.slice(0, 12)}</a></span>`}<button
      type="button" class="print" @click=${() => print()}>Print</button>`;
  }
}

customElements.define('epicenter-executives', EpicenterExecutives);
