/** The purposes of the privacy statement's P1 (a) to (e), each with its one-line meaning. */
export const purposes = [
  { name: 'SERVICE_DELIVERY', meaning: 'Letting the client’s users access and use the service.' },
  { name: 'SECURITY', meaning: 'Keeping the service secure.' },
  { name: 'SUPPORT', meaning: 'Answering inquiries, complaints and support requests.' },
  { name: 'LEGAL', meaning: 'Complying with law, enforcing terms, protecting rights.' },
  { name: 'IMPROVEMENT', meaning: 'Improving the service, with aggregated or de-identified data.' },
] as const;

export type Purpose = (typeof purposes)[number]['name'];

/** The purpose called `name`, or undefined: an unknown name is no purpose. */
export function purposeNamed(name: string | null | undefined): Purpose | undefined {
  return purposes.find((purpose) => purpose.name === name)?.name;
}
