// Says on top of every page that the server does not answer, since when, and when it is asked again.
import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";
import { useEffect, useState } from "react";
import { look, useAway } from "../api/reach";
import { utc } from "../parts/time";

export function AwayBanner() {
  const away = useAway();
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    if (away === null) return;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, [away]);
  if (away === null) return null;
  const left = Math.max(0, Math.ceil((away.next - now) / 1000));
  return (
    <div className="away" role="alert">
      <Alert type="error" header={`The server does not answer since ${utc(away.since).slice(11)} UTC`} action={<Button onClick={() => void look()}>Try now</Button>}>
        What is shown is from before, and nothing can be changed. <span aria-hidden="true">{left > 0 ? `It is asked again in ${left} s.` : "It is asked now."}</span>
      </Alert>
    </div>
  );
}
