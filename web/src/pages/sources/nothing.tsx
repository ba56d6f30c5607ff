// A server that nothing was ever sent to: what to do first.
import Button from "@cloudscape-design/components/button";
import { useLocation } from "wouter";
import { Empty } from "../../parts/states";
import { useLedger } from "./ask";

/** Whether no record ever came; not known to those who may not see the ledger. */
export function useIsNothing(): boolean {
  const ledger = useLedger();
  return ledger.data?.every((entry) => entry.in === 0) ?? false;
}

export function NothingYet() {
  const [, go] = useLocation();
  const start = (
    <Button
      variant="primary"
      href="/start"
      onFollow={(event) => {
        event.preventDefault();
        go("/start");
      }}
    >
      Get started
    </Button>
  );
  return (
    <Empty title="Nothing has come in yet" action={start}>
      There are no events and no findings. Send logs, connect AWS, or look at made-up data first.
    </Empty>
  );
}
