/** Programmes in which a recipient is listed by name, for a time. */
export const frameworks = {
  EU_US_DPF: 'EU-US Data Privacy Framework',
  UK_EXTENSION: 'UK Extension to the EU-US Data Privacy Framework',
  SWISS_US_DPF: 'Swiss-US Data Privacy Framework',
  EU_US_PRIVACY_SHIELD: 'EU-US Privacy Shield, annulled on 2020-07-16',
} as const;
export type Framework = keyof typeof frameworks;
