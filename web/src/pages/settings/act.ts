// An action that a person asked for: busy, done, or what was wrong.
import { useState } from "react";
import { ApiProblem } from "../../api/client";

export function useAct() {
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const act = async (work: () => Promise<void>): Promise<boolean> => {
    setBusy(true);
    setError(null);
    try {
      await work();
      return true;
    } catch (err) {
      const faults = err instanceof ApiProblem ? err.faults.map((fault) => `${fault.pointer.replace(/^\//, "")} ${fault.detail}`) : [];
      setError(faults.length > 0 ? faults.join(". ") : err instanceof Error ? err.message : String(err));
      return false;
    } finally {
      setBusy(false);
    }
  };
  return { isBusy, error, act, clear: () => setError(null) };
}
