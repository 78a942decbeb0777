// One question to the analyzer beside the poll of the answers: what it says, or why it says nothing.
//
// SPDX-License-Identifier: Apache-2.0

const TIMEOUT_MS = 10_000;

export interface Told<T> {
  status: number; // 0: no answer
  value: T | null; // of a 200
  trouble: string; // otherwise: why, in words
}

export async function ask<T>(path: string, request: RequestInit = {}): Promise<Told<T>> {
  try {
    const response = await fetch(path, { ...request, cache: 'no-store', signal: AbortSignal.timeout(TIMEOUT_MS) });
    const { status } = response;
    if (status === 200) {
      return { status, value: (await response.json()) as T, trouble: '' };
    }
    const { detail } = status === 204 ? {} : ((await response.json()) as { detail?: string });
    return { status, value: null, trouble: detail ?? `the analyzer answered ${status}` };
  } catch {
    return { status: 0, value: null, trouble: 'the analyzer does not answer' };
  }
}

export function sent(method: string, body: object): RequestInit {
  return { method, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) };
}

// An update's id may hold slashes, which stay what they are.
export function updatePath(update: string): string {
  return `/v1/updates/${update.split('/').map(encodeURIComponent).join('/')}`;
}
