// Who is looking? The session's name and role, and the way out of it.
//
// SPDX-License-Identifier: Apache-2.0

import { html, nothing, type TemplateResult } from 'lit-html';

export interface Me {
  name: string;
  role: string;
}

const TIMEOUT_MS = 10_000;

// null: it cannot be told now.
export async function whoAmI(): Promise<Me | null> {
  try {
    const response = await fetch('/v1/me', { cache: 'no-store', signal: AbortSignal.timeout(TIMEOUT_MS) });
    return response.status === 200 ? ((await response.json()) as Me) : null;
  } catch {
    return null;
  }
}

// The session is over: sign in, and come back to where this was.
export function signInAgain(): void {
  location.assign(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`);
}

export function signedIn(me: Me | null): TemplateResult | typeof nothing {
  return me === null
    ? nothing
    : html`<form class="who" method="post" action="/sign-out">
        <span>Signed in as ${me.name}${me.name === me.role ? '' : ` (${me.role})`}</span>
        <button>Sign out</button>
      </form>`;
}
