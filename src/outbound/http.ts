import { type IncomingMessage, request as plainRequest } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { context, propagation } from '@opentelemetry/api';
import { isPublicAddress, literalAddressIn, publicLookup } from './addresses';

/** One request to somebody outside. */
export interface OutboundRequest {
  readonly url: string;
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

/** What a request may take, and where it may go. */
export interface OutboundPolicy {
  /** Milliseconds from the name look-up to the answer's last byte. */
  readonly timeoutMs: number;
  /** The most bytes of the answer's body; with 0 it is not read at all. */
  readonly maxBytes: number;
  /** Whether private addresses may be called: only where the operator wrote the URL. */
  readonly privateAddresses: boolean;
}

export interface OutboundAnswer {
  readonly status: number;
  readonly body: Buffer;
  /** When the server says that it answered, by its own clock. */
  readonly date: string | undefined;
}

/** There was no answer, or none that may be used. */
export class OutboundError extends Error {
  override readonly name = 'OutboundError';

  /** @param code `TIMEOUT`, `ADDRESS_FORBIDDEN`, `ANSWER_TOO_LARGE`, or what Node says of the connection */
  constructor(readonly code: string) {
    super(code);
  }
}

/**
 * Sends a request. This server calls other servers only through this function, so every call keeps to one policy: it
 * has a time limit and a largest answer, it follows no redirect (a 3xx answer is returned as it is), and a guarded call
 * connects to the very address that was checked.
 * @throws {OutboundError}
 */
export async function send(outbound: OutboundRequest, policy: OutboundPolicy): Promise<OutboundAnswer> {
  const url = new URL(outbound.url);
  const literal = literalAddressIn(url);
  if (!policy.privateAddresses && literal !== undefined && !isPublicAddress(literal)) {
    throw new OutboundError('ADDRESS_FORBIDDEN');
  }
  const signal = AbortSignal.timeout(policy.timeoutMs);
  try {
    const response = await responseTo(url, outbound, policy, signal);
    const { statusCode: status = 0, headers } = response;
    return { status, body: await bodyOf(response, policy.maxBytes), date: headers.date };
  } catch (error) {
    if (error instanceof OutboundError) throw error;
    throw new OutboundError(signal.aborted ? 'TIMEOUT' : ((error as NodeJS.ErrnoException).code ?? 'FAILED'));
  }
}

/** Lets the called server continue the trace of what is under way, where spans are recorded. */
function traceHeaders(): Record<string, string> {
  const carrier: Record<string, string> = {};
  propagation.inject(context.active(), carrier);
  return carrier;
}

function responseTo(
  url: URL,
  { method, headers, body }: OutboundRequest,
  { privateAddresses }: OutboundPolicy,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const request = url.protocol === 'https:' ? tlsRequest : plainRequest;
  return new Promise((fulfil, reject) => {
    const outgoing = request(url, {
      method,
      // A compressed answer would be larger than it looks.
      headers: { 'accept-encoding': 'identity', ...traceHeaders(), ...headers },
      ...(privateAddresses ? {} : { lookup: publicLookup }),
      signal,
      agent: false,
    });
    outgoing.once('response', fulfil).once('error', reject).end(body);
  });
}

async function bodyOf(response: IncomingMessage, maxBytes: number): Promise<Buffer> {
  if (maxBytes === 0) {
    response.destroy();
    return Buffer.alloc(0);
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  // Leaving the loop destroys the response and its connection.
  for await (const chunk of response) {
    bytes += (chunk as Buffer).length;
    if (bytes > maxBytes) throw new OutboundError('ANSWER_TOO_LARGE');
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}
