/** A row of small bars. */
export function Spark({ values, label, width = 96, height = 20 }: { values: number[]; label: string; width?: number; height?: number }) {
  const most = Math.max(1, ...values);
  const step = width / Math.max(1, values.length);
  return (
    <svg className="spark" width={width} height={height} role="img" aria-label={label}>
      {values.map((value, at) => {
        const tall = value === 0 ? 1 : Math.max(2, (value / most) * height);
        return <rect key={at} x={at * step} y={height - tall} width={Math.max(1, step - 1)} height={tall} opacity={value === 0 ? 0.25 : 1} />;
      })}
    </svg>
  );
}
