import { hasNoForm, isText, type Method, ONLY_SUPPRESS } from './method';

export const bucket: Method = {
  description: "The lower bound of a number's range (0, 1, 2, 5, 10, 20, 50, …).",
  keyed: false,
  empty: false,
  unsuitable: (type) => (hasNoForm(type) ? ONLY_SUPPRESS : isText(type) ? 'a number is needed' : undefined),
  mask: (value) => (typeof value === 'number' ? lowerBound(value) : null),
};

/** The lower bound of the 1-2-5 range that holds the number. */
function lowerBound(value: number): number | null {
  if (!Number.isFinite(value)) return null;
  const size = Math.abs(value);
  if (size < 1) return 0;
  const power = 10 ** Math.floor(Math.log10(size));
  const bound = [5, 2, 1].map((step) => step * power).find((step) => step <= size) ?? power;
  return value < 0 ? -bound : bound;
}
