// What has happened, in which order? Changes of verdict of all updates as GET /v1/changes tells them,
// and between them what the answers know: releases, withdrawals, the first harm and its end.
//
// SPDX-License-Identifier: Apache-2.0

import { html, nothing, type TemplateResult } from 'lit-html';
import type { Answers, Verdict } from './api.js';
import * as format from './format.js';
import { verdictIcon, verdictWords } from './icons.js';

interface Change {
  update: string;
  decided_at: string;
  verdict: Verdict;
  previous: Verdict;
}

interface Happening {
  at: string;
  id: string;
  verdict: Verdict | null; // null: no change of verdict
  what: string;
}

const NEWEST = 8;
const AGAIN_MS = 5_000; // as often as the answers are asked for

// Keeps the changes as fresh as the answers are; asks again when they could not be read.
export class ChangesFeed {
  #changed: () => void;
  #asked: string | null = null;
  #askedAtMs = -Infinity;
  changes: readonly Change[] = [];
  failed = false;

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  want(etag: string | null): void {
    const again = this.failed && performance.now() - this.#askedAtMs >= AGAIN_MS;
    if (etag !== this.#asked || again) {
      this.#asked = etag;
      this.#askedAtMs = performance.now();
      void this.#ask(etag);
    }
  }

  async #ask(etag: string | null): Promise<void> {
    let changes: readonly Change[] | null = null;
    try {
      const response = await fetch('/v1/changes', { headers: { Accept: 'application/json' } });
      if (response.ok) {
        changes = ((await response.json()) as { changes: Change[] }).changes;
      }
    } catch {
      // The frame's own feed says that the analyzer does not answer.
    }
    if (etag === this.#asked) {
      this.failed = changes === null;
      this.changes = changes ?? this.changes;
      this.#changed();
    }
  }
}

function known(answers: Answers): Happening[] {
  return answers.updates.flatMap((update) => {
    const harmful = update.verdict === 'HOLD' || update.verdict === 'SUSPECT';
    const released = update.released_at ?? update.first_seen_at;
    const events: [string | null, string][] = [
      [released, update.released_at === null ? 'First seen on a host' : 'Released'],
      [harmful ? update.onset.likely : null, 'First harm, as far as the evidence tells'],
      [harmful ? (update.ended?.likely ?? null) : null, 'No new harm from here on'],
      [update.withdrawn_at, 'Withdrawn'],
    ];
    return events.flatMap(([at, what]) => (at === null ? [] : [{ at, id: update.id, verdict: null, what }]));
  });
}

function changed({ update, decided_at: at, verdict, previous }: Change): Happening {
  return { at, id: update, verdict, what: `${verdictWords[verdict]}; was ${verdictWords[previous].toLowerCase()}` };
}

// Of all updates, or of the one that is looked at; the newest first.
export function happenings(
  answers: Answers,
  feed: ChangesFeed,
  id: string | null,
  all: boolean,
  showAll: () => void,
): TemplateResult | typeof nothing {
  const every = [...known(answers), ...feed.changes.map(changed)]
    .filter((one) => id === null || one.id === id)
    .sort((a, b) => Date.parse(b.at) - Date.parse(a.at));
  if (every.length === 0) {
    return nothing;
  }
  const shown = all ? every : every.slice(0, NEWEST);
  return html`<section class="happenings" aria-labelledby="happenings-title">
    <header>
      <h2 id="happenings-title">Timeline</h2>
      <p class="of">${feed.failed ? 'without the changes of verdict, which could not be read' : 'newest first'}</p>
    </header>
    <ol>${shown.map(
      (one) => html`<li class=${one.verdict === null ? '' : one.verdict.toLowerCase()}>
        <time datetime=${one.at}>${format.instantUtc(one.at, answers.as_of)}</time>
        <span class="mark">${one.verdict === null ? nothing : verdictIcon(one.verdict)}</span>
        <p><strong>${one.id}</strong> ${one.what}</p>
      </li>`,
    )}</ol>
    ${
      shown.length === every.length
        ? nothing
        : html`<button type="button" class="more" @click=${showAll}>Show all ${format.count(every.length)}</button>`
    }
  </section>`;
}
