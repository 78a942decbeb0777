// What do all three pages share? The bar with the ways between them, the age of the data, the words
// for every broken link between reader and answers, and the footer. A page says what stands between.
//
// SPDX-License-Identifier: Apache-2.0

import { html, nothing, render, type TemplateResult } from 'lit-html';
import { Feed, worstUpdate, type Answers } from './api.js';
import * as format from './format.js';
import { arrowIcon, brokenIcon, verdictWords, waitingIcon } from './icons.js';
import { ageOf, freshness } from './trust.js';
import { signedIn, whoAmI, type Me } from './who.js';

const brand = html`<a class="brand" href="/">
  <svg viewBox="0 0 24 24" width="24" height="24" aria-hidden="true">
    <circle cx="12" cy="12" r="3.2" fill="currentColor"/>
    <circle cx="12" cy="12" r="6.8" fill="none" stroke="currentColor" stroke-width="1.6"/>
    <circle cx="12" cy="12" r="10.6" fill="none" stroke="currentColor" stroke-width="1" opacity=".55"/>
  </svg>
  <span>Epicenter</span></a>`;

const pages = [
  { name: 'Operations', path: '/' },
  { name: 'Executives', path: '/executives' },
  { name: 'Support', path: '/support' },
] as const;

export type PageName = (typeof pages)[number]['name'];

function ways(here: PageName): TemplateResult {
  return html`<nav aria-label="Pages">${pages.map(
    ({ name, path }) =>
      html`<a href=${path} aria-current=${name === here ? 'page' : nothing}>${name}</a>`,
  )}</nav>`;
}

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

const WHO_AGAIN_MS = 5_000; // as often as the answers are asked for

export abstract class Frame extends HTMLElement {
  protected feed = new Feed(() => this.draw());
  protected me: Me | null = null; // until it is known
  #first = false; // the server's first content stands
  #ticker: ReturnType<typeof setInterval> | undefined;
  #asker: ReturnType<typeof setTimeout> | undefined;

  protected abstract readonly name: PageName;
  // What stands between bar and footer once there are answers of a fleet that reports.
  protected abstract content(answers: Answers): TemplateResult;
  // The page's own links to the same numbers, for the footer.
  protected sources(): TemplateResult {
    return html`<a href="/v1/updates">As JSON</a><a href="/v1/summary">As text</a>`;
  }

  connectedCallback(): void {
    // What the server has written stands until there is something to put in its place.
    this.#first = this.querySelector('main') !== null;
    if (!this.#first) {
      this.replaceChildren();
    }
    this.draw();
    this.feed.start();
    void this.#learnWho();
    // Ages are shown in seconds; a hidden page is not drawn.
    this.#ticker = setInterval(() => document.hidden || this.draw(), 1000);
  }

  // Again until it is known: otherwise what the reader holds would be a stranger's for good.
  async #learnWho(): Promise<void> {
    this.me = await whoAmI();
    if (this.me === null && this.isConnected) {
      this.#asker = setTimeout(() => void this.#learnWho(), WHO_AGAIN_MS);
    }
    this.draw();
  }

  disconnectedCallback(): void {
    this.feed.stop();
    clearInterval(this.#ticker);
    clearTimeout(this.#asker);
  }

  protected draw(): void {
    const { snapshot } = this.feed;
    if (this.#first) {
      if (snapshot.link === 'loading') {
        return;
      }
      this.#first = false;
      this.replaceChildren();
    }
    const age = ageOf(snapshot.answers?.as_of ?? null, this.feed.serverNowMs());
    document.title = this.#title(snapshot.answers);
    render(
      html`<header class="bar">${brand}${ways(this.name)}${freshness(snapshot, age)}</header>
        <div role="status">${this.#banner()}</div>
        <main>${this.#main()}</main>
        ${snapshot.answers === null ? nothing : this.#footer(snapshot.answers)}`,
      this,
    );
  }

  #title(answers: Answers | null): string {
    const worst = answers === null ? undefined : worstUpdate(answers.updates);
    if (worst === undefined || worst.verdict === 'CLEAR' || worst.verdict === 'INSUFFICIENT_DATA') {
      return `${this.name} · Epicenter`;
    }
    return `${verdictWords[worst.verdict]}: ${worst.id} · ${this.name} · Epicenter`;
  }

  // What stands between the reader and fresh answers, when answers are shown at all.
  #banner(): TemplateResult | typeof nothing {
    const { link, answers, answeredAtMs, trouble } = this.feed.snapshot;
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
      <button type="button" @click=${() => this.feed.retry()}>Try now</button></p>`;
  }

  #main(): TemplateResult {
    const { link, answers, trouble } = this.feed.snapshot;
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
          html`<button type="button" @click=${() => this.feed.retry()}>Try now</button>
            <span>It is asked again every half minute.</span>`);
      }
      return waitingPage('Loading', 'Asking the analyzer…', '');
    }
    if (answers.fleet.hosts === 0 && answers.updates.length === 0) {
      return emptyFleet();
    }
    return this.content(answers);
  }

  #footer(answers: Answers): TemplateResult {
    return html`<footer>
      <p>${
        answers.as_of === null
          ? 'No minute has been closed yet.'
          : `Answers as of ${format.instantFull(answers.as_of)}.`
      } Times are UTC.</p>
      <p>${this.sources()}</p>
      ${signedIn(this.me)}
    </footer>`;
  }
}
