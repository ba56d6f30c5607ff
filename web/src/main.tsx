import "@fontsource-variable/inter/index.css";
import "@cloudscape-design/global-styles/index.css";
import "./app/app.css";
import I18nProvider from "@cloudscape-design/components/i18n";
import messages from "@cloudscape-design/components/i18n/messages/all.en";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Redirect, useLocation } from "wouter";
import { ApiProblem, whenSessionEnds } from "./api/client";
import { whenElsewhere } from "./api/ended";
import { whenBack } from "./api/reach";
import { useSession } from "./api/session";
import { AwayBanner } from "./app/away";
import { LoginPage, SetupPage } from "./app/login";
import { Shell } from "./app/shell";
import { startTheme } from "./app/theme";
import { Failed, Loading } from "./parts/states";

// Libraries empty elements with `innerHTML = ""`. Nothing else may be made out of text.
type Policies = { createPolicy: (name: string, rules: { createHTML: (text: string) => string }) => unknown };
(window as { trustedTypes?: Policies }).trustedTypes?.createPolicy("default", {
  createHTML: (text) => {
    if (text === "" || text === null) return "";
    throw new TypeError("text is not turned into HTML here");
  },
});

const cache = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 15_000,
      refetchOnWindowFocus: false,
      retry: (times, err) => times < 2 && err instanceof ApiProblem && (err.status === 0 || err.status === 503),
    },
  },
});
whenSessionEnds(() => cache.setQueryData(["session"], null));
whenElsewhere(() => void cache.invalidateQueries({ queryKey: ["session"] }));
whenBack(() => void cache.invalidateQueries());

function App() {
  const [path] = useLocation();
  const session = useSession();
  if (session.data) return path === "/setup" ? <Redirect to="/" replace /> : <Shell />;
  if (path === "/setup" && !session.isPending) return <SetupPage />;
  if (session.data === null) return <LoginPage />;
  return (
    <>
      <AwayBanner />
      {session.error ? <Failed what="see who you are" error={session.error} retry={() => void session.refetch()} /> : <Loading what="your session" />}
    </>
  );
}

startTheme();
createRoot(document.getElementById("root") as HTMLElement).render(
  <StrictMode>
    <I18nProvider locale="en" messages={[messages]}>
      <QueryClientProvider client={cache}>
        <App />
      </QueryClientProvider>
    </I18nProvider>
  </StrictMode>,
);
