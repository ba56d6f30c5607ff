// You, those who may log in, what is held back, how long things are kept, and who did what.
import ContentLayout from "@cloudscape-design/components/content-layout";
import Header from "@cloudscape-design/components/header";
import Tabs from "@cloudscape-design/components/tabs";
import type { ComponentType } from "react";
import { useSession } from "../api/session";
import { link, useUrl } from "../app/url";
import { Suppressions } from "./findings/suppressions";
import { Audit } from "./settings/audit";
import { Profile } from "./settings/profile";
import { Server } from "./settings/server";
import "./settings/settings.css";
import { Tokens } from "./settings/tokens";
import { Users } from "./settings/users";
import "./sources/sources.css";

const TABS: { id: string; label: string; needs?: string; View: ComponentType }[] = [
  { id: "profile", label: "Profile", View: Profile },
  { id: "users", label: "Users", needs: "users:manage", View: Users },
  { id: "tokens", label: "Tokens", needs: "users:manage", View: Tokens },
  { id: "suppressions", label: "Suppressions", needs: "findings:read", View: Suppressions },
  { id: "server", label: "Retention & server", needs: "system:read", View: Server },
  { id: "audit", label: "Audit log", needs: "audit:read", View: Audit },
];

export default function SettingsPage() {
  const { data: me } = useSession();
  const [tab, setTab] = useUrl("tab", "profile");
  const seen = TABS.filter((one) => !one.needs || me?.permissions.includes(one.needs));
  const active = seen.some((one) => one.id === tab) ? tab : "profile";
  return (
    <ContentLayout header={<Header variant="h1">Settings & audit</Header>}>
      <Tabs
        activeTabId={active}
        onChange={({ detail }) => setTab(detail.activeTabId, { push: true })}
        tabs={seen.map(({ id, label, View }) => ({ id, label, content: <View />, href: link("/settings", { tab: id === "profile" ? null : id }) }))}
      />
      <p className="foot">
        <a className="linked" href="/licenses.txt" target="_blank" rel="noreferrer">Licences of the software of others in this console</a>
      </p>
    </ContentLayout>
  );
}
