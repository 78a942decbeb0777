// A power of ten in the analyzer's sentences, "10^6.2", set as one.
//
// SPDX-License-Identifier: Apache-2.0

import { html, type TemplateResult } from 'lit-html';

export function withPowers(text: string | null): (string | TemplateResult)[] {
  return (text ?? '')
    .split(/\b10\^([-−]?\d[\d.,]*\d|[-−]?\d)/)
    .map((part, index) => (index % 2 === 0 ? part : html`10<sup>${part.replace('-', '−')}</sup>`));
}
