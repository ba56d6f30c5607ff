// A text with its grammar shown; the editor itself comes when it is first needed.
import { lazy, Suspense } from "react";
import type { EditorProps } from "./editor-view";
import "./editor.css";

export type { EditorProps, Mark, Suggestion } from "./editor-view";
const View = lazy(() => import("./editor-view"));

export function Editor(props: EditorProps) {
  return (
    <Suspense fallback={<pre className="editor-wait" style={{ minHeight: props.minHeight ?? 90 }}>{props.value}</pre>}>
      <View {...props} />
    </Suspense>
  );
}
