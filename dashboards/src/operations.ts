// The page for operations: is it bad, which update, what do I stop, and may I believe it? This file
// holds the page's state and order; each part of the page is a function of the answers.
//
// SPDX-License-Identifier: Apache-2.0

import { html, nothing, render, type TemplateResult } from 'lit-html';
import { Feed, worstUpdate, type Answers } from './api.js';
import { calls } from './calls.js';
import { candidates } from './candidates.js';
import * as format from './format.js';
import { figures, headline } from './headline.js';
import { arrowIcon, brokenIcon, verdictWords, waitingIcon } from './icons.js';
import { spread } from './spread.js';
import { ageOf, freshness, trust } from './trust.js';

const brand = html`<a class="brand" href="/">
  <svg viewBox="0 0 24 24" width="24" height="24" aria-hidden="true">
    <circle cx="12" cy="12" r="3.2" fill="currentColor"/>
    <circle cx="12" cy="12" r="6.8" fill="none" stroke="currentColor" stroke-width="1.6"/>
    <circle cx="12" cy="12" r="10.6" fill="none" stroke="currentColor" stroke-width="1" opacity=".55"/>
  </svg>
  <span>Epicenter</span></a>`;

function emptyFleet(): TemplateResult {
  const collector = `http://${location.hostname}:8420`;
  const commands = String.raw`SECRET=eps_…   # of ./run up, or of: collector enrol-secret --customer ID
HOST=$(cat /proc/sys/kernel/random/uuid)
TOKEN=$(curl -sS ${collector}/v1/enrol -H 'Content-Type: application/json' \
  -d "{\"secret\":\"$SECRET\",\"host_id\":\"$HOST\"}" | sed 's/.*"token": *"\([^"]*\)".*/\1/')
curl -sS ${collector}/v1/reports -H 'Content-Type: application/json' -H "Authorization: Bearer $TOKEN" \
  -d "{\"host_id\":\"$HOST\",\"observed_at\":\"$(date -u +%FT%TZ)\",\"cpu\":{\"interval_s\":60,\"busy\":0.12}}"`;
  return html`<section class="headline waiting" aria-labelledby="verdict">
      <p class="word"><span class="badge">${waitingIcon}No reports yet</span></p>
      <h1 id="verdict">Nothing has reported so far.</h1>
      <p class="action">${arrowIcon}<span>Enrol a host with a customer’s enrolment secret, then send its
        first report to the collector:</span></p>
    </section>
    <section class="hint" aria-label="First report, by hand">
      <pre tabindex="0"><code>${commands}</code></pre>
      <p>The page fills by itself within two minutes of the first report.</p>
    </section>`;
}

function waitingPage(badge: string, title: string, text: TemplateResult | string): TemplateResult {
  return html`<section class="headline waiting" aria-labelledby="verdict">
    <p class="word"><span class="badge">${badge === 'Loading' || badge === 'Starting' ? waitingIcon : brokenIcon}${badge}</span></p>
    <h1 id="verdict">${title}</h1>
    <p class="action">${text}</p>
  </section>`;
}

// "there are no answers yet: the reports are being read" as "The reports are being read."
function reason(trouble: string): string {
  const text = trouble.slice(trouble.lastIndexOf(': ') + 1).trim().replace(/\.$/, '');
  return text && `${text[0]?.toUpperCase()}${text.slice(1)}.`;
}

class EpicenterOperations extends HTMLElement {
  #feed = new Feed(() => this.#render());
  #ticker: ReturnType<typeof setInterval> | undefined;
  #open: ReadonlySet<string> = new Set();
  #all = false;
  #chosen: string | null = null;

  connectedCallback(): void {
    this.replaceChildren();
    this.#render();
    this.#feed.start();
    // Ages are shown in seconds; a hidden page is not drawn.
    this.#ticker = setInterval(() => document.hidden || this.#render(), 1000);
  }

  disconnectedCallback(): void {
    this.#feed.stop();
    clearInterval(this.#ticker);
  }

  #toggle = (id: string): void => {
    const open = new Set(this.#open);
    if (!open.delete(id)) {
      open.add(id);
    }
    this.#open = open;
    this.#render();
  };

  #render(): void {
    const { snapshot } = this.#feed;
    const age = ageOf(snapshot.answers?.as_of ?? null, this.#feed.serverNowMs());
    document.title = this.#title(snapshot.answers);
    render(
      html`<header class="bar">${brand}<span class="page">Operations</span>${freshness(snapshot, age)}</header>
        <div role="status">${this.#banner()}</div>
        <main>${this.#content()}</main>
        ${snapshot.answers === null ? nothing : this.#footer(snapshot.answers)}`,
      this,
    );
  }

  #title(answers: Answers | null): string {
    const worst = answers === null ? undefined : worstUpdate(answers.updates);
    if (worst === undefined || worst.verdict === 'CLEAR' || worst.verdict === 'INSUFFICIENT_DATA') {
      return 'Operations · Epicenter';
    }
    return `${verdictWords[worst.verdict]}: ${worst.id} · Epicenter`;
  }

  // What stands between the reader and fresh answers, when answers are shown at all.
  #banner(): TemplateResult | typeof nothing {
    const { link, answers, answeredAtMs, trouble } = this.#feed.snapshot;
    if (answers === null || link === 'live' || link === 'loading') {
      return nothing;
    }
    const last =
      answeredAtMs === null
        ? ''
        : `${format.clockTime(new Date(answeredAtMs).toISOString())} UTC`;
    if (link === 'database_away') {
      return html`<p class="banner away">${brokenIcon}<span><strong>The database is away.</strong> The
        analyzer shows what it last knew and takes up the thread by itself; no report is lost, hosts keep
        theirs until the collector confirms them.</span></p>`;
    }
    if (link === 'starting') {
      return html`<p class="banner away">${brokenIcon}<span><strong>The analyzer is starting again.</strong>
        What you see is its last word, of ${last}. ${reason(trouble)}</span></p>`;
    }
    return html`<p class="banner unreachable">${brokenIcon}<span><strong>The analyzer does not
      answer.</strong> What you see is its last word, of ${last}.</span>
      <button type="button" @click=${() => this.#feed.retry()}>Try now</button></p>`;
  }

  #content(): TemplateResult {
    const { link, answers, trouble } = this.#feed.snapshot;
    if (answers === null) {
      if (link === 'database_away') {
        return waitingPage('Database away', 'The analyzer is waiting for its database.',
          'It answers as soon as the database is back; reports wait on their hosts meanwhile.');
      }
      if (link === 'starting') {
        return waitingPage('Starting', 'The analyzer has no answers yet.', reason(trouble));
      }
      if (link === 'unreachable') {
        return waitingPage('No connection', 'The analyzer does not answer.',
          html`<button type="button" @click=${() => this.#feed.retry()}>Try now</button>
            <span>It is asked again every half minute.</span>`);
      }
      return waitingPage('Loading', 'Asking the analyzer…', '');
    }
    if (answers.fleet.hosts === 0 && answers.updates.length === 0) {
      return emptyFleet();
    }
    return html`${headline(answers)} ${figures(answers)}
      ${candidates(answers, {
        open: this.#open,
        all: this.#all,
        toggle: this.#toggle,
        showAll: () => {
          this.#all = true;
          this.#render();
        },
      })}
      <div class="pair">
        ${spread(answers, this.#chosen, (id) => {
          this.#chosen = id;
          this.#render();
        })}
        ${trust(answers.fleet)}
      </div>
      ${calls(answers)}`;
  }

  #footer(answers: Answers): TemplateResult {
    return html`<footer>
      <p>${
        answers.as_of === null
          ? 'No minute has been closed yet.'
          : `Answers as of ${format.instantFull(answers.as_of)}.`
      } Times are UTC.</p>
      <p><a href="/v1/updates">As JSON</a><a href="/v1/summary">As text</a></p>
    </footer>`;
  }
}

customElements.define('epicenter-operations', EpicenterOperations);
