// A severity is a shape, a word and a colour, so that nobody depends on the colour.
const LEVELS = ["Unknown", "Informational", "Low", "Medium", "High", "Critical"] as const;
const SHAPES = [
  "M8 2.2a5.8 5.8 0 1 0 0 11.6A5.8 5.8 0 0 0 8 2.2zm0 2.4a3.4 3.4 0 1 1 0 6.8 3.4 3.4 0 0 1 0-6.8z",
  "M8 2.2a5.8 5.8 0 1 0 0 11.6A5.8 5.8 0 0 0 8 2.2zm0 2.4a3.4 3.4 0 1 1 0 6.8 3.4 3.4 0 0 1 0-6.8z",
  "M8 2.2a5.8 5.8 0 1 0 0 11.6A5.8 5.8 0 0 0 8 2.2z",
  "M2.4 2.4h11.2v11.2H2.4z",
  "M8 1.6 15.2 14.4H.8z",
  "M8 .8 15.2 8 8 15.2.8 8z",
];
/** Colours that charts take, light and dark the same token. */
export const SEVERITY_VARS = ["--info", "--info", "--low", "--medium", "--high", "--critical"] as const;

export function severityWord(level: number): string {
  return LEVELS[level] ?? "Unknown";
}

export function SeverityShape({ level }: { level: number }) {
  return (
    <svg viewBox="0 0 16 16" aria-hidden="true">
      <path fillRule="evenodd" d={SHAPES[level] ?? SHAPES[0]} />
    </svg>
  );
}

export function Severity({ level }: { level: number }) {
  return (
    <span className="severity" data-level={level}>
      <SeverityShape level={level} />
      {severityWord(level)}
    </span>
  );
}
