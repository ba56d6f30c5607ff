// The order of tactics, where only parts of it are told.

/** One order out of many that agree with it. */
export function merged(lists: string[][]): string[] {
  const after = new Map<string, Set<string>>();
  for (const list of lists) {
    list.forEach((name, at) => {
      const later = after.get(name) ?? new Set<string>();
      list.slice(at + 1).forEach((other) => later.add(other));
      after.set(name, later);
    });
  }
  const order: string[] = [];
  while (after.size > 0) {
    const blocked = new Set([...after.values()].flatMap((later) => [...later]));
    const next = [...after.keys()].find((name) => !blocked.has(name)) ?? ([...after.keys()][0] as string);
    order.push(next);
    after.delete(next);
  }
  return order;
}
