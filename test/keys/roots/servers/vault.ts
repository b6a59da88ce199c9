import { type Answer, startHttpService } from './http-service';
import { InnerKey, type KeyServer, Weather } from './key-server';

const TOKEN = 'hvs.CAESIJremittesttoken';

/** The transit engine of HashiCorp Vault as its API documentation says ("Transit secrets engine (API)"). */
export async function startVault({ ignoresContext = false } = {}): Promise<KeyServer> {
  const weather = new Weather();
  const keys = new Map<string, { readonly inner: InnerKey; isDeletable: boolean }>([
    ['somebody-else', { inner: new InnerKey(), isDeletable: false }],
  ]);
  const fault = (status: number, ...errors: string[]): Answer => ({ status, body: { errors } });
  const said = (data: unknown): Answer => ({ status: 200, body: { request_id: 'r', data } });
  const aadOf = ({ associated_data: aad = '' }: Body) => (ignoresContext ? '' : Buffer.from(aad, 'base64'));
  const service = await startHttpService(({ method, url, headers, body: text }) => {
    const path = url.pathname.replace('/v1/eu/transit/', '');
    if (!weather.answers(`${method} ${path.replace(/remit-test-[0-9a-f-]+/, 'KEY')}`))
      return fault(503, 'Vault is sealed');
    if (headers['x-vault-token'] !== TOKEN || headers['x-vault-namespace'] !== 'privacy')
      return fault(403, 'permission denied');
    if (headers['x-vault-request'] !== 'true') return fault(412, "required 'X-Vault-Request' header is missing");
    if (weather.isForbidden) return fault(403, '1 error occurred: permission denied');
    const body = (text === '' ? {} : JSON.parse(text)) as Body;
    const [act, name = '', rest] = path.split('/');
    const key = keys.get(name);
    switch (`${method} ${act}${rest ? `/${rest}` : ''}`) {
      case 'GET keys':
        if (name === '') return url.searchParams.get('list') === 'true' ? said({ keys: [...keys.keys()] }) : fault(405);
        return key ? said({ name, type: 'aes256-gcm96', deletion_allowed: key.isDeletable }) : fault(404);
      case 'POST keys':
        if (body.type !== 'aes256-gcm96' || body.exportable !== false || body.allow_plaintext_backup !== false)
          return fault(400);
        keys.set(name, { inner: new InnerKey(), isDeletable: false });
        return said({ name });
      case 'POST keys/config':
        if (!key) return fault(400, `no existing key named ${name} could be found`);
        key.isDeletable = body.deletion_allowed === true;
        return said({ name });
      case 'DELETE keys':
        if (!key?.isDeletable) return fault(400, 'error deleting policy: deletion is not allowed for this key');
        keys.delete(name);
        return { status: 204 };
      case 'POST encrypt': {
        // As Vault does for who may create.
        const found = key ?? { inner: new InnerKey(), isDeletable: false };
        keys.set(name, found);
        const sealed = found.inner.seal(Buffer.from(body.plaintext ?? '', 'base64'), aadOf(body));
        return said({ ciphertext: `vault:v1:${sealed.toString('base64')}`, key_version: 1 });
      }
      case 'POST decrypt': {
        if (!key) return fault(400, 'encryption key not found');
        const [vault, version, sealed = ''] = (body.ciphertext ?? '').split(':');
        if (vault !== 'vault' || version !== 'v1') return fault(400, 'invalid ciphertext: no prefix');
        const opened = key.inner.open(Buffer.from(sealed, 'base64'), aadOf(body));
        return opened
          ? said({ plaintext: opened.toString('base64') })
          : fault(400, 'cipher: message authentication failed');
      }
      default:
        return fault(404, 'unsupported path');
    }
  });
  const { calls, overload, forbid } = weather;
  return {
    rootKey: `vault:http://127.0.0.1:${service.port}/eu/transit?prefix=remit-test`,
    env: { VAULT_TOKEN: TOKEN, VAULT_NAMESPACE: 'privacy' },
    secrets: [TOKEN],
    ...{ calls, overload, forbid },
    close: () => service.close(),
  };
}

interface Body {
  readonly type?: string;
  readonly exportable?: boolean;
  readonly allow_plaintext_backup?: boolean;
  readonly deletion_allowed?: boolean;
  readonly plaintext?: string;
  readonly ciphertext?: string;
  readonly associated_data?: string;
}
