// Whom to call at a customer? Masked until the agent who has taken the customer says why; what was
// opened is forgotten when another customer is looked at.
//
// SPDX-License-Identifier: Apache-2.0

import { html, nothing, type TemplateResult } from 'lit-html';
import { ask, sent } from './ask.js';

interface Contact {
  position: number;
  task: string;
  name: string;
  phone: string;
  email: string;
}

interface ContactList {
  opened: boolean;
  contacts: Contact[];
}

export class Contacts {
  #changed: () => void;
  #customer = '';
  #turn = 0; // of the newest question; older answers are dropped
  list: ContactList | null = null; // null: not there yet, or not to be had
  trouble = '';

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  // Says whose are to be shown; asks for them, masked, when that is somebody else. '': nobody's.
  want(customer: string): void {
    if (customer === this.#customer) {
      return;
    }
    this.#customer = customer;
    this.#turn += 1;
    this.list = null;
    this.trouble = '';
    if (customer !== '') {
      void this.#ask(customer, '', {});
    }
  }

  // True when they are there in clear.
  async open(update: string, reason: string): Promise<boolean> {
    await this.#ask(this.#customer, '/open', sent('POST', { update, reason }));
    return this.list?.opened ?? false;
  }

  async #ask(customer: string, verb: string, request: RequestInit): Promise<void> {
    const turn = ++this.#turn;
    const { value, trouble } = await ask<ContactList>(`/v1/contacts/${encodeURIComponent(customer)}${verb}`, request);
    if (turn === this.#turn) {
      this.list = value ?? this.list;
      this.trouble = trouble === '' ? '' : `Not shown: ${trouble}.`;
      this.#changed();
    }
  }
}

function line(contact: Contact, opened: boolean): TemplateResult {
  const { name, task, phone, email } = contact;
  const dialled = phone.replace(/[^+\d]/g, '');
  return html`<li><strong>${name}</strong>${task === '' ? nothing : html` · ${task}`}
    ${phone === '' ? nothing : html`<span class="way">${opened ? html`<a href="tel:${dialled}">${phone}</a>` : phone}</span>`}
    ${email === '' ? nothing : html`<span class="way">${opened ? html`<a href="mailto:${email}">${email}</a>` : email}</span>`}</li>`;
}

export function people(contacts: Contacts, own: boolean, open: (reason: string) => void): TemplateResult | typeof nothing {
  const { list, trouble } = contacts;
  if (list === null || list.contacts.length === 0) {
    return trouble === '' ? nothing : html`<p class="aside">${trouble}</p>`;
  }
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    open((event.currentTarget as HTMLFormElement).querySelector('input')?.value ?? '');
  };
  return html`<div class="people">
    <ol>${list.contacts.map((contact) => line(contact, list.opened))}</ol>
    ${
      list.opened
        ? html`<p class="aside">That you saw this is written down.</p>`
        : own
          ? html`<form @submit=${submit}><label>Why do you need it? <input name="reason" required minlength="3"
                maxlength="500" autocomplete="off"></label>
              <button>Show <kbd>c</kbd></button></form>`
          : html`<p class="aside">Shown in clear to who has taken the customer and says why.</p>`
    }
    <p class="aside" role="status">${trouble}</p>
  </div>`;
}
