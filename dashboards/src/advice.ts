// What do we say about an update? The explanation and the workaround that somebody has written for
// all, edited in place. The hard thing is that two may edit at once: whoever saves second is told,
// sees what the first has written, and keeps what they typed.
//
// SPDX-License-Identifier: Apache-2.0

import { html, nothing, type TemplateResult } from 'lit-html';
import { ask, sent, updatePath } from './ask.js';
import * as format from './format.js';

export interface Advice {
  version: number; // 0: the default text
  explanation: string;
  workaround: string;
  written_by: string | null;
  written_at: string | null;
}

const STALE_MS = 10_000; // a text changes a few times a day

export class AdviceFeed {
  #changed: () => void;
  #path = '';
  #askedAtMs = -Infinity;
  #turn = 0; // of the newest question; older answers are dropped
  #saving = false;
  advice: Advice | null = null; // null: not there yet, or not to be had
  draft: Advice | null = null; // while it is edited: what was there at the beginning
  trouble = '';

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  // Says whose is to be shown; asks when that is another, or the last answer has grown old.
  want(update: string): void {
    const path = `${updatePath(update)}/advice`;
    if (path !== this.#path) {
      this.#path = path;
      this.advice = this.draft = null;
      this.#askedAtMs = -Infinity;
    }
    if (this.draft === null && performance.now() - this.#askedAtMs >= STALE_MS) {
      void this.#ask();
    }
  }

  async #ask(): Promise<void> {
    const turn = ++this.#turn;
    this.#askedAtMs = performance.now();
    const { value, trouble } = await ask<Advice>(this.#path);
    if (turn === this.#turn) {
      this.advice = value ?? this.advice;
      this.trouble = this.draft !== null || this.advice !== null ? this.trouble : `Not to be read now: ${trouble}.`;
      this.#changed();
    }
  }

  edit(): void {
    this.draft = this.advice;
    this.trouble = '';
    this.#changed();
  }

  leave(): void {
    this.draft = null;
    this.trouble = '';
    this.#changed();
  }

  // True when it is written. A second press while the first is under way is none.
  async save(explanation: string, workaround: string): Promise<boolean> {
    const { draft } = this;
    if (draft === null || this.#saving) {
      return false;
    }
    const path = this.#path;
    this.#saving = true;
    const { status, value, trouble } = await ask<Advice>(
      path, sent('PUT', { explanation, workaround, version: draft.version }));
    this.#saving = false;
    if (path !== this.#path) {
      return false; // another update is looked at by now
    }
    this.#turn += 1; // whatever was asked for before may be of before
    if (value !== null) {
      this.advice = value;
      this.draft = null;
      this.trouble = '';
    } else {
      this.trouble = `Not saved: ${trouble}.`;
    }
    if (status === 409) {
      await this.#ask();
      this.draft = this.draft === draft ? { ...draft, version: this.advice?.version ?? draft.version } : this.draft;
    }
    this.#changed();
    return value !== null;
  }
}

export interface AdviceActions {
  edit: () => void;
  save: (form: HTMLFormElement) => void;
  leave: () => void;
}

function texts({ explanation, workaround }: Advice): TemplateResult {
  return html`<div class="texts">
    <p class="text">${explanation}</p>
    ${workaround === '' ? nothing : html`<div><h3>Workaround</h3><p class="text">${workaround}</p></div>`}
  </div>`;
}

function form(draft: Advice, newest: Advice | null, actions: AdviceActions): TemplateResult {
  const press = (event: KeyboardEvent): void => {
    if (event.key === 'Escape') {
      actions.leave();
    } else if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
      (event.currentTarget as HTMLFormElement).requestSubmit();
    }
  };
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    actions.save(event.currentTarget as HTMLFormElement);
  };
  const overtaken = newest !== null && newest.version === draft.version && newest.explanation + newest.workaround !== draft.explanation + draft.workaround;
  return html`${overtaken ? html`<div class="newest">${by(newest, null)}${texts(newest)}</div>` : nothing}
    <form class="texts" @keydown=${press} @submit=${submit}>
      <label class="note">What happened, in the customer’s words
        <textarea name="explanation" rows="5" required maxlength="1000" .value=${draft.explanation}></textarea></label>
      <label class="note">Workaround, step by step
        <textarea name="workaround" rows="5" maxlength="4000" .value=${draft.workaround}></textarea></label>
      <p class="outcomes"><button>Save for all <kbd>Ctrl</kbd> <kbd>Enter</kbd></button>
        <button type="button" @click=${actions.leave}>Cancel <kbd>Esc</kbd></button></p>
    </form>`;
}

function by(advice: Advice, asOf: string | null): TemplateResult {
  return html`<p class="of">${
    advice.written_at === null
      ? 'worded from the verdict; nobody has written it yet'
      : `written by ${advice.written_by ?? 'nobody'}, ${format.instantUtc(advice.written_at, asOf)}`
  }</p>`;
}

// `actions`: null where it is only read.
export function adviceSection(feed: AdviceFeed, asOf: string | null, actions: AdviceActions | null): TemplateResult {
  const { advice, draft, trouble } = feed;
  return html`<section class="advice" aria-labelledby="advice-title">
    <header>
      <h2 id="advice-title">What to say</h2>
      ${advice === null ? nothing : by(advice, asOf)}
      ${actions === null || advice === null || draft !== null
        ? nothing
        : html`<button type="button" @click=${actions.edit}>Edit <kbd>e</kbd></button>`}
    </header>
    <p class="trouble" role="status">${trouble}</p>
    ${draft !== null && actions !== null ? form(draft, advice, actions) : advice === null ? nothing : texts(advice)}
  </section>`;
}
