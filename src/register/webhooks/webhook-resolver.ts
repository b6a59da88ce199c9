import { Arg, Ctx, Field, Mutation, ObjectType, Resolver } from 'type-graphql';
import { Leaves } from '../../identity/entry-declarations';
import { denied, type RequestContext, requireClient, requireRole } from '../../identity/request-context';
import { administration, platformOfficers } from '../../identity/roles';
import { PLATFORM } from '../../keys/platform-key';
import type { ThirdParties } from '../third-parties';
import { RegisterWebhookInput, WebhookEndpoint } from './webhook-types';
import type { Webhooks } from './webhooks';

@ObjectType({ simpleResolvers: true })
class WebhookPayload {
  @Field(() => WebhookEndpoint)
  endpoint: WebhookEndpoint;
}

/** Registers webhooks of recipients, and of clients themselves. */
@Resolver()
export class WebhookResolver {
  constructor(
    private readonly webhooks: Webhooks,
    private readonly parties: ThirdParties,
  ) {}

  @Mutation(() => WebhookPayload, {
    description:
      'Says where a recipient, or the client itself, is told, signed as Standard Webhooks say; replaces the last.',
  })
  @Leaves('WEBHOOK_REGISTERED')
  async registerWebhook(
    @Arg('input', () => RegisterWebhookInput) input: RegisterWebhookInput,
    @Ctx() context: RequestContext,
  ): Promise<WebhookPayload> {
    const { installationId, subProcessor } = input;
    if (installationId && !subProcessor) {
      requireRole(context, ...administration);
      const { id } = requireClient(context);
      const known = await this.parties.installations(id);
      if (!known.some((installation) => installation.id === installationId)) throw denied.notFound('installation');
      const owner = { kind: 'APPLICATION', id: installationId } as const;
      return { endpoint: await this.webhooks.register(id, owner, input, context.claims.subject) };
    }
    if (!subProcessor && administration.some((role) => context.claims.roles.includes(role))) {
      const { id } = requireClient(context);
      const owner = { kind: 'CLIENT', id } as const;
      return { endpoint: await this.webhooks.register(id, owner, input, context.claims.subject) };
    }
    requireRole(context, ...platformOfficers);
    if (!subProcessor || installationId) throw denied.input('Give either "installationId" or "subProcessor".');
    const known = await this.parties.subProcessor(subProcessor);
    if (!known) throw denied.notFound('sub-processor');
    const owner = { kind: 'SUB_PROCESSOR', id: known.id } as const;
    return { endpoint: await this.webhooks.register(PLATFORM, owner, input, context.claims.subject) };
  }
}
