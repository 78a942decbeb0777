// The page for operations: is it bad, which update, what do I stop, and may I believe it? This file
// holds the page's state and order; each part of the page is a function of the answers.
//
// SPDX-License-Identifier: Apache-2.0

import { html, type TemplateResult } from 'lit-html';
import type { Answers } from './api.js';
import { calls } from './calls.js';
import { candidates } from './candidates.js';
import { Frame } from './frame.js';
import { figures, headline } from './headline.js';
import { spread } from './spread.js';
import { trust } from './trust.js';

class EpicenterOperations extends Frame {
  protected readonly name = 'Operations';
  #open: ReadonlySet<string> = new Set();
  #all = false;
  #chosen: string | null = null;

  #toggle = (id: string): void => {
    const open = new Set(this.#open);
    if (!open.delete(id)) {
      open.add(id);
    }
    this.#open = open;
    this.draw();
  };

  protected content(answers: Answers): TemplateResult {
    return html`${headline(answers)} ${figures(answers)}
      ${candidates(answers, {
        open: this.#open,
        all: this.#all,
        toggle: this.#toggle,
        showAll: () => {
          this.#all = true;
          this.draw();
        },
      })}
      <div class="pair">
        ${spread(answers, this.#chosen, (id) => {
          this.#chosen = id;
          this.draw();
        })}
        ${trust(answers.fleet)}
      </div>
      ${calls(answers)}`;
  }
}

customElements.define('epicenter-operations', EpicenterOperations);
