// Drafts are kept by the tab, so that another page in between loses nothing.
const NAME = "skywarden-draft-";

export function kept(id: string): string | null {
  return sessionStorage.getItem(NAME + id);
}

export function keep(id: string, draft: string | null): void {
  try {
    if (draft === null) sessionStorage.removeItem(NAME + id);
    else sessionStorage.setItem(NAME + id, draft);
  } catch {
    // A browser that keeps nothing has the draft on the page still.
  }
}
