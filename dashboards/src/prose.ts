// Sets the analyzer's sentences, "10^6.2" as a power of ten and an instant unbroken on one line, and
// its identifiers, which break behind a slash before they break anywhere.
//
// SPDX-License-Identifier: Apache-2.0

import { html, type TemplateResult } from 'lit-html';

const special = /(\b10\^[-−]?\d+(?:[.,]\d+)*|\d{4}-\d\d-\d\d \d\d:\d\d UTC)/;

export function prose(text: string | null): (string | TemplateResult)[] {
  return (text ?? '').split(special).map((part, index) => {
    if (index % 2 === 0) {
      return part;
    }
    return part.startsWith('10^')
      ? html`10<sup>${part.slice(3).replace('-', '−')}</sup>`
      : html`<span class="unbroken">${part}</span>`;
  });
}

export function identifier(id: string): (string | TemplateResult)[] {
  return id.split(/(?<=\/)/).map((part, index) => (index === 0 ? part : html`<wbr />${part}`));
}
