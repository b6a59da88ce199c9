const headers = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

/** Security headers for every answer. */
export function securityHeaders(production: boolean): Record<string, string> {
  return production ? { ...headers, 'strict-transport-security': 'max-age=31536000' } : headers;
}
