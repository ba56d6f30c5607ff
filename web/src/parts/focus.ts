// A dialog takes the keyboard when it opens, and gives it back to where it was.
import { useEffect, useRef } from "react";

/** `first` takes the keyboard once the dialog is there. */
export function useFocusBack(first: () => void): void {
  const kept = useRef(first);
  kept.current = first;
  useEffect(() => {
    const before = document.activeElement as HTMLElement | null;
    const timer = setTimeout(() => kept.current());
    return () => {
      clearTimeout(timer);
      // What opened it may be gone, as the row of a menu is.
      setTimeout(() => {
        if (before?.isConnected && before !== document.body) before.focus();
      });
    };
  }, []);
}
