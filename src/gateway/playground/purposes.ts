/** Put in by the build, out of the emitted schema (vite.config.mts). */
declare const __PURPOSES__: ReadonlyArray<{ readonly name: string; readonly meaning: string }>;

/** The purposes that the API knows, each with its one-line meaning. */
export const purposes = __PURPOSES__;

/** The name of one of {@link purposes}. */
export type Purpose = string;

/** The purpose called `name`, or undefined: an unknown name is no purpose. */
export function purposeNamed(name: string | null | undefined): Purpose | undefined {
  return purposes.find((purpose) => purpose.name === name)?.name;
}
