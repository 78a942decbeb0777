// The page for operations: is it bad, which update, what do I stop, and may I believe it? This file
// holds the page's state and order; each part of the page is a function of the answers.
//
// SPDX-License-Identifier: Apache-2.0

import { html, nothing, type TemplateResult } from 'lit-html';
import { worstUpdate, type Answers } from './api.js';
import { calls } from './calls.js';
import { candidates } from './candidates.js';
import { course, CourseFeed } from './course.js';
import { Frame } from './frame.js';
import { ChangesFeed, happenings } from './happenings.js';
import { figures, headline } from './headline.js';
import { spread } from './spread.js';
import { trust } from './trust.js';
import { isNarrow, narrowed, readView, viewBar, writeView, type View } from './view.js';

class EpicenterOperations extends Frame {
  protected readonly name = 'Operations';
  #open: ReadonlySet<string> = new Set();
  #all = false;
  #allSegments = false;
  #view = readView();
  #course = new CourseFeed(() => this.draw());
  #changes = new ChangesFeed(() => this.draw());
  #allHappenings = false;

  #toggle = (id: string): void => {
    const open = new Set(this.#open);
    if (!open.delete(id)) {
      open.add(id);
    }
    this.#open = open;
    this.draw();
  };

  #look = (part: Partial<View>): void => {
    this.#view = { ...this.#view, ...part };
    writeView(this.#view);
    this.draw();
  };

  // Of the update that was chosen, else of the gravest.
  #courseOf(answers: Answers): TemplateResult | typeof nothing {
    const chosen = answers.updates.find(({ id }) => id === this.#view.update) ?? worstUpdate(answers.updates);
    if (chosen === undefined) {
      return nothing;
    }
    this.#course.want(chosen, answers, this.feed.snapshot.etag);
    return course(this.#course, chosen.id, this.#allSegments, () => {
      this.#allSegments = true;
      this.draw();
    });
  }

  #happeningsOf(answers: Answers): TemplateResult | typeof nothing {
    this.#changes.want(this.feed.snapshot.etag);
    return happenings(answers, this.#changes, this.#view.update, this.#allHappenings, () => {
      this.#allHappenings = true;
      this.draw();
    });
  }

  protected content(answers: Answers): TemplateResult {
    const seen = narrowed(answers, this.#view);
    return html`${headline(answers)} ${viewBar(this.#view, () => this.#look({ region: null, line: null }))}
      ${figures(seen)}
      ${candidates(seen, {
        open: this.#open,
        all: this.#all,
        toggle: this.#toggle,
        showAll: () => {
          this.#all = true;
          this.draw();
        },
      })}
      ${this.#courseOf(answers)}
      <div class="pair">
        ${spread(answers, this.#view, this.#look)}
        ${trust(answers.fleet)}
      </div>
      ${calls(seen, isNarrow(this.#view))}
      ${this.#happeningsOf(answers)}`;
  }
}

customElements.define('epicenter-operations', EpicenterOperations);
